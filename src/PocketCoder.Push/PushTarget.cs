namespace PocketCoder.Push;

/// <summary>
/// Where a notification is sent: a device's <see cref="PushSubscription"/>, or a <see cref="NtfyTopic"/> or <see cref="Webhook"/> of the
/// machine's owner.
/// </summary>
public abstract class PushTarget
{
    /// <summary>Scheme, host and port: what of the address may be shown and recorded. The rest is a secret.</summary>
    public abstract string Origin { get; }
}
