using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>
/// The machine's key for push services and what sends with it: made when a device first wants notifications. Thread-safe.
/// </summary>
internal sealed class PushDoor(Home home, PushWays ways, TimeProvider time) : IDisposable
{
    /// <summary>Push services demand an address of this form. Nobody reads there: a machine of one person has no other to name.</summary>
    private const string Contact = "mailto:pocketcoder@example.org";

    private readonly Lock _making = new();
    private readonly HookSender _hooks = new(ways, time);
    private (PushKey Key, PushSender Sender, PushAllowed Allowed)? _made;

    /// <summary>base64url.</summary>
    /// <exception cref="RequestFailure">UNAVAILABLE: the key or the list of the owner's push services can't be used.</exception>
    public string Key => System.Buffers.Text.Base64Url.EncodeToString(Made().Key.PublicKey);

    /// <summary>Takes what a device gave, if it may be sent to.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, UNAVAILABLE</exception>
    public PushSubscription Take(string endpoint, byte[]? key, byte[]? auth)
    {
        var allowed = Made().Allowed;
        try
        {
            return PushSubscription.Of(endpoint, key, auth, allowed);
        }
        catch (PushException e)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, e.Message);
        }
    }

    public Task<PushOutcome> SendAsync(PushTarget to, PushMessage message, CancellationToken cancellationToken)
        => to is PushSubscription device ? Made().Sender.SendAsync(device, message, cancellationToken)
            : _hooks.SendAsync(to, message, cancellationToken);

    public void Dispose()
    {
        lock (_making)
        {
            _made?.Sender.Dispose();
            _made?.Key.Dispose();
            _hooks.Dispose();
        }
    }

    private (PushKey Key, PushSender Sender, PushAllowed Allowed) Made()
    {
        lock (_making)
        {
            try
            {
                return _made ??= Make();
            }
            catch (Exception e) when (e is PushException or IOException or UnauthorizedAccessException)
            {
                throw new RequestFailure(ErrorCode.Unavailable, $"Notifications can't be sent: {e.Message}");
            }
        }
    }

    private (PushKey Key, PushSender Sender, PushAllowed Allowed) Make()
    {
        var own = File.Exists(home.PushServices)
            ? File.ReadAllLines(home.PushServices).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#').ToList() : [];
        var allowed = new PushAllowed([.. ways.Allowed.Origins, .. own]);
        var key = PushKey.LoadOrCreate(home.PushKey);
        return (key, new PushSender(key, Contact, ways with { Allowed = allowed }, time), allowed);
    }
}
