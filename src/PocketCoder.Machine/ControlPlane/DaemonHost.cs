using Microsoft.Extensions.Logging;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>A daemon together with what makes it the home's one: lock, pid file and control plane.</summary>
public sealed class DaemonHost : IAsyncDisposable
{
    private readonly DaemonLock _held;
    private readonly Daemon _daemon;
    private readonly ControlServer _control;
    private int _stopped;

    private DaemonHost(DaemonLock held, Daemon daemon, ControlServer control) => (_held, _daemon, _control) = (held, daemon, control);

    public IReadOnlyList<string> Urls => _daemon.Urls;

    /// <summary>Completes with the reason when the CLI asked for a stop.</summary>
    public Task<string> StopRequested => _daemon.StopRequested;

    /// <summary>Starts it, or gives null when this home has a daemon already.</summary>
    /// <remarks>Throws what <see cref="Daemon.StartAsync"/> throws.</remarks>
    public static async Task<DaemonHost?> StartAsync(DaemonOptions options, CancellationToken ct)
    {
        options.Home.Prepare();
        if (DaemonLock.TryTake(options.Home, options.TimeProvider) is not { } held)
        {
            return null;
        }

        Daemon? daemon = null;
        try
        {
            daemon = await Daemon.StartAsync(options, ct);
            var control = await ControlServer.StartAsync(options.Home, held, daemon, options.LoggerFactory, options.TimeProvider, ct);
            return new DaemonHost(held, daemon, control);
        }
        catch
        {
            if (daemon is not null)
            {
                await daemon.DisposeAsync();
            }

            held.Dispose();
            throw;
        }
    }

    /// <summary>Takes no more requests, stops the daemon in good order, then lets the next one have the home.</summary>
    public async Task StopAsync(string reason)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return;
        }

        try
        {
            await _control.DisposeAsync();
            await _daemon.StopAsync(reason);
        }
        finally
        {
            _held.Dispose();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync("The daemon stopped.");
}
