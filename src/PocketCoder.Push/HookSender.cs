namespace PocketCoder.Push;

/// <summary>
/// Gives messages to what the owner named: it may be at a private address. Connections are its own, so that no device's endpoint is
/// reached by one that was opened for the owner. Thread-safe.
/// </summary>
public sealed class HookSender : IDisposable
{
    private readonly TimeProvider _time;
    private readonly PushHttp _http;

    public HookSender(PushWays ways, TimeProvider time)
        => (_time, _http) = (time, new PushHttp(ways.Limit, ways.Certificate, connect: null, time));

    /// <summary>Failures are outcomes; none of them ends the receiver, since the owner named it.</summary>
    /// <exception cref="OperationCanceledException"></exception>
    public async Task<PushOutcome> SendAsync(PushTarget to, PushMessage message, CancellationToken cancellationToken)
    {
        using var request = to switch
        {
            NtfyTopic topic => topic.Request(message),
            Webhook hook => hook.Request(message, _time.GetUtcNow()),
            _ => throw new ArgumentException("It is no receiver of the owner's.", nameof(to)),
        };
        return await _http.SendAsync(request, to.Origin, Told, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private static PushOutcome Told(int status, TimeSpan? pause, string origin) => status switch
    {
        >= 200 and < 300 => new PushOutcome(PushResult.Accepted, status, null, $"{origin} took it."),
        429 or >= 500 => new PushOutcome(PushResult.TryLater, status, pause, $"{origin} is busy (status {status})."),
        >= 300 and < 400 => new PushOutcome(PushResult.Refused, status, null, $"{origin} wanted to redirect; that is never followed."),
        401 or 403 => new PushOutcome(PushResult.Refused, status, null, $"{origin} refused it (status {status}). Check the token."),
        _ => new PushOutcome(PushResult.Refused, status, null, $"{origin} refused it (status {status}). Check the address."),
    };
}
