using Microsoft.Extensions.Logging;
using PocketCoder.Gateway;

namespace PocketCoder.Machine.Linking;

/// <summary>
/// Keeps the connection to the gateway that is set, and changes it when the setting changes. Owns its work: disposal ends the connection.
/// Thread-safe.
/// </summary>
internal sealed partial class LinkService : IAsyncDisposable
{
    private readonly LinkSetting _setting;
    private readonly LinkDialer _dialer;
    private readonly IRelayFabric _fabric;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private bool _ended;

    /// <summary>Connects at once, if a gateway is set.</summary>
    /// <param name="fabric">Leads devices to this machine, as long as it takes any.</param>
    public LinkService(LinkSetting setting, LinkDialer dialer, IRelayFabric fabric, TimeProvider time, ILogger log)
    {
        (_setting, _dialer, _fabric, _time, _log) = (setting, dialer, fabric, time, log);
        setting.Changed += Begin;
        Begin();
    }

    public async ValueTask DisposeAsync()
    {
        _setting.Changed -= Begin;
        Task running;
        lock (_lock)
        {
            _ended = true;
            running = _running;
        }

        await _stop.CancelAsync(); // not replaced any more
        await running;
        _stop.Dispose();
    }

    private void Begin()
    {
        lock (_lock)
        {
            if (!_ended)
            {
                var before = (_stop, _running);
                _stop = new CancellationTokenSource();
                _running = RunAsync(before, _setting.Gateway, _stop.Token);
            }
        }
    }

    /// <summary>Ends the connection before, then keeps one to this gateway until it is cancelled.</summary>
    private async Task RunAsync((CancellationTokenSource Stop, Task Running) before, Uri? gateway, CancellationToken ct)
    {
        await before.Stop.CancelAsync(); // what ends there does not run here, under the lock
        await before.Running;
        before.Stop.Dispose();
        if (gateway is null)
        {
            return;
        }

        var link = new GatewayLink(gateway, _dialer, _fabric, _time, Random.Shared, _log);
        link.Changed += _setting.Tell;
        try
        {
            await link.RunAsync(ct);
        }
        catch (Exception e) when (ct.IsCancellationRequested)
        {
            // Another gateway, or the end. What failed on the way must keep neither from coming.
            if (e is not OperationCanceledException)
            {
                LogFailed(_log, e, gateway.Host);
            }
        }
    }

    [LoggerMessage(EventId = 264, Level = LogLevel.Warning, Message = "The connection to the gateway {Gateway} failed while it was ended")]
    private static partial void LogFailed(ILogger log, Exception e, string gateway);
}
