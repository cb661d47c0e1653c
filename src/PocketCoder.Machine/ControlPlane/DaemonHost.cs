using Microsoft.Extensions.Logging;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>A daemon together with what makes it the home's one: lock, pid file and control plane.</summary>
public sealed partial class DaemonHost : IAsyncDisposable
{
    private readonly DaemonLock _held;
    private readonly Daemon _daemon;
    private readonly ControlServer _control;
    private readonly ILogger _log;
    private int _stopped;

    private DaemonHost(DaemonLock held, Daemon daemon, ControlServer control, ILogger log) => (_held, _daemon, _control, _log) = (held, daemon, control, log);

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
            var log = options.LoggerFactory.CreateLogger<DaemonHost>();
            var urls = string.Join(" ", daemon.Urls);
            LogStarted(log, DaemonOptions.ProductVersion, daemon.MachineId, urls);
            return new DaemonHost(held, daemon, control, log);
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
            LogStopping(_log, reason);
            await _control.DisposeAsync();
            await _daemon.StopAsync(reason);
            LogStopped(_log);
        }
        finally
        {
            _held.Dispose();
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync("The daemon stopped.");

    [LoggerMessage(EventId = 3010, Level = LogLevel.Information, Message = "PocketCoder {Version} started as machine {MachineId} at {Urls}")]
    private static partial void LogStarted(ILogger log, string version, string machineId, string urls);

    [LoggerMessage(EventId = 3011, Level = LogLevel.Information, Message = "Stopping: {Reason}")]
    private static partial void LogStopping(ILogger log, string reason);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Information, Message = "Stopped")]
    private static partial void LogStopped(ILogger log);
}
