using Microsoft.Extensions.Logging;
using PocketCoder.Gateway;
using PocketCoder.Link;

namespace PocketCoder.Machine.Linking;

/// <summary>
/// Keeps a connection from this machine to a remote gateway, outbound only, and serves the devices that come through it like those of
/// the daemon's own gateway: those whom <paramref name="fabric"/> leads to this machine. It tries for ever: a gateway that is away comes
/// back. <see cref="Status"/> is thread-safe.
/// </summary>
internal sealed partial class GatewayLink(
    Uri gateway, LinkDialer dialer, IRelayFabric fabric, TimeProvider time, Random random, ILogger log)
{
    /// <summary>How often the gateway is asked again after it refused this machine: somebody may have changed its mind.</summary>
    private static readonly TimeSpan s_refusedWait = TimeSpan.FromMinutes(10);

    private LinkStatus _status = new(LinkState.Connecting, gateway, time.GetUtcNow());

    public LinkStatus Status => Volatile.Read(ref _status);

    /// <summary>Each new <see cref="Status"/>, while <see cref="RunAsync"/> runs.</summary>
    public event Action<LinkStatus>? Changed;

    /// <summary>Until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var backoff = new LinkBackoff(random);
        var wait = backoff.Next();
        while (true)
        {
            await Task.Delay(wait, time, ct);
            var began = time.GetTimestamp();
            string why;
            var state = LinkState.Reconnecting;
            try
            {
                Tell(LinkState.Connecting, null, null);
                await ServeAsync(ct);
                why = "The gateway closed the connection.";
            }
            catch (LinkException e)
            {
                why = e.Refusal?.Message ?? e.Message;
                state = e.Refusal?.IsFinal == true ? LinkState.Refused : state;
            }
            catch (Exception e) when (!ct.IsCancellationRequested)
            {
                // A bug must not leave the machine without its gateway for good.
                LogFailed(log, e, gateway.Host);
                why = "This program failed; the log says how.";
            }

            if (time.GetElapsedTime(began) >= LinkBackoff.Stable)
            {
                backoff.Reset();
            }

            wait = state == LinkState.Refused ? s_refusedWait : backoff.Next();
            Tell(state, why, time.GetUtcNow() + wait);
            LogLost(log, gateway.Host, why);
        }
    }

    private async Task ServeAsync(CancellationToken ct)
    {
        await using var connection = await dialer.ConnectAsync(gateway, code: null, ct);
        var welcome = connection.Welcome;
        Tell(LinkState.Connected, null, null, welcome);
        LogConnected(log, gateway.Host, welcome.Version);
        var most = Math.Clamp(welcome.Connections, 1, LinkedDevices.Most);
        await new LinkedDevices(connection.Link, fabric, dialer.MachineId, most, log).RunAsync(ct);
    }

    /// <summary>The next message, or the refusal that came in its place.</summary>
    internal static async Task<LinkFrame> NextAsync(LinkSocket link, CancellationToken ct)
    {
        var frame = await link.ReceiveAsync(ct) ?? throw new LinkException(LinkError.Lost, "The gateway closed the connection.");
        if (frame.Kind != LinkKind.Refused)
        {
            return frame;
        }

        var refusal = LinkJson.Read(frame, LinkKind.Refused, LinkTypes.Default.LinkRefusal);
        throw new LinkException(LinkError.Refused, refusal.Message) { Refusal = refusal };
    }

    private void Tell(LinkState state, string? why, DateTimeOffset? next, LinkWelcome? welcome = null)
    {
        var status = new LinkStatus(
            state, gateway, time.GetUtcNow(), why, next, welcome is null ? _status.GatewayVersion : welcome.Version,
            AddedBy: welcome is null ? _status.AddedBy : welcome.AddedBy);
        Volatile.Write(ref _status, status);
        Changed?.Invoke(status);
    }

    [LoggerMessage(EventId = 260, Level = LogLevel.Information, Message = "Connected to the gateway {Gateway}, version {Version}")]
    private static partial void LogConnected(ILogger log, string gateway, string version);

    [LoggerMessage(EventId = 263, Level = LogLevel.Error, Message = "The connection to the gateway {Gateway} failed")]
    private static partial void LogFailed(ILogger log, Exception e, string gateway);

    [LoggerMessage(EventId = 261, Level = LogLevel.Warning, Message = "Not connected to the gateway {Gateway}: {Why}")]
    private static partial void LogLost(ILogger log, string gateway, string why);
}
