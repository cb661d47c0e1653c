using Microsoft.Extensions.Logging;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Starting;

namespace PocketCoder.Machine;

/// <summary>A daemon together with what makes it the home's one: lock, pid file and control plane.</summary>
public sealed partial class DaemonHost : IAsyncDisposable
{
    private const int LockTries = 5;
    private static readonly TimeSpan s_lockPause = TimeSpan.FromMilliseconds(20);

    private readonly DaemonLock _held;
    private readonly Daemon _daemon;
    private readonly ControlServer _control;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private int _stopped;

    private DaemonHost(DaemonLock held, Daemon daemon, ControlServer control, ILogger log, TimeProvider time)
        => (_held, _daemon, _control, _log, _time) = (held, daemon, control, log, time);

    /// <summary>The same as the CLI sees.</summary>
    public Task<ControlStatus> StatusAsync(CancellationToken ct) => _daemon.StatusAsync(ct);

    /// <summary>Completes with the reason when the CLI asked for a stop.</summary>
    public Task<string> StopRequested => _daemon.StopRequested;

    /// <summary>Starts it, or gives null when this home has a daemon already.</summary>
    /// <remarks>Throws what <see cref="Daemon.StartAsync"/> throws.</remarks>
    public static async Task<DaemonHost?> StartAsync(DaemonOptions options, CancellationToken ct)
    {
        StartChecks.RequireUsable(options.Home);
        options.Home.Prepare();
        if (await TakeAsync(options, ct) is not { } held)
        {
            return null;
        }

        Daemon? daemon = null;
        var progress = new StartProgress(options.Home, options.TimeProvider);
        options = options with { Reports = progress.Report };
        try
        {
            progress.Report("checking the home");
            StartChecks.Require(options.Home);
            if (options.Demo)
            {
                _ = options.Home.PrepareDemo(); // before the database: a home with one and without the other holds real data
            }

            daemon = await Daemon.StartAsync(options, ct);
            progress.Report("opening the control socket");
            var control = await ControlServer.StartAsync(
                options.Home, held, options.ControlPort, daemon.Owner, daemon.OwnerStreams, options.LoggerFactory, ct);
            daemon.ControlUrl = control.Url;
            var log = options.LoggerFactory.CreateLogger<DaemonHost>();
            var urls = string.Join(" ", daemon.Urls);
            LogStarted(log, DaemonOptions.ProductVersion, daemon.MachineId, urls);
            return new DaemonHost(held, daemon, control, log, options.TimeProvider);
        }
        catch (Exception e)
        {
            if (daemon is not null)
            {
                await daemon.DisposeAsync();
            }

            held.Dispose();
            if (StartProblems.Of(e, options.Home) is { } problem)
            {
                throw new HomeRefusal(problem.ToString(), e);
            }

            throw;
        }
        finally
        {
            progress.End();
        }
    }

    /// <summary>Takes no more requests, stops the daemon in good order, then lets the next one have the home.</summary>
    /// <returns>False when that took longer than <paramref name="limit"/>. Then end the process: what was acknowledged is on disk, and the
    /// next start settles the rest.</returns>
    public async Task<bool> StopAsync(string reason, TimeSpan limit)
    {
        try
        {
            await StopAsync(reason).WaitAsync(limit, _time);
            return true;
        }
        catch (TimeoutException)
        {
            LogStuck(_log, limit.TotalSeconds);
            return false;
        }
    }

    public async ValueTask DisposeAsync() => await StopAsync("The daemon stopped.");

    /// <summary>A command that only looks whether the home is taken holds the lock for an instant; that is no daemon.</summary>
    private static async Task<DaemonLock?> TakeAsync(DaemonOptions options, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            if (DaemonLock.TryTake(options.Home, options.TimeProvider) is { } held)
            {
                return held;
            }

            if (tries == LockTries)
            {
                return null;
            }

            await Task.Delay(s_lockPause, options.TimeProvider, ct);
        }
    }

    private async Task StopAsync(string reason)
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

    [LoggerMessage(EventId = 3010, Level = LogLevel.Information,
        Message = "PocketCoder {Version} started as machine {MachineId} at {Urls}")]
    private static partial void LogStarted(ILogger log, string version, string machineId, string urls);

    [LoggerMessage(EventId = 3011, Level = LogLevel.Information, Message = "Stopping: {Reason}")]
    private static partial void LogStopping(ILogger log, string reason);

    [LoggerMessage(EventId = 3012, Level = LogLevel.Information, Message = "Stopped")]
    private static partial void LogStopped(ILogger log);

    [LoggerMessage(EventId = 3013, Level = LogLevel.Error, Message = "Did not stop within {Seconds} s; ending the process")]
    private static partial void LogStuck(ILogger log, double seconds);
}
