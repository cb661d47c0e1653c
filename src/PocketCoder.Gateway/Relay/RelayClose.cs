namespace PocketCoder.Gateway;

/// <summary>
/// Close codes of the relay connection (RFC 6455 §7.4; 4000 and up are ours). The gateway's own; machines may use other 4xxx codes.
/// </summary>
public static class RelayClose
{
    public const ushort Normal = 1000;

    /// <summary>The gateway stops.</summary>
    public const ushort GoingAway = 1001;

    /// <summary>A text message, an empty frame or an unknown kind.</summary>
    public const ushort BadFrame = 1007;

    /// <summary>A frame above <see cref="RelayFrame.MaxBytes"/>.</summary>
    public const ushort TooBig = 1009;

    /// <summary>The machine's side failed.</summary>
    public const ushort MachineFailed = 1011;

    /// <summary>Whether a machine may close a device's connection with this code.</summary>
    public static bool IsOfMachine(ushort code) => code is Normal or MachineFailed or (>= 3000 and <= 4999);

    /// <summary>This gateway has accounts, and nobody who may meet the machine is signed in.</summary>
    public const ushort SignInNeeded = 4401;

    /// <summary>No machine with this id is connected to this gateway.</summary>
    public const ushort UnknownMachine = 4404;

    /// <summary>No sealed frame in time.</summary>
    public const ushort HandshakeTooSlow = 4408;

    /// <summary>A frame was begun and not finished in time.</summary>
    public const ushort FrameTooSlow = 4409;

    /// <summary>The machine serves as many devices as it can.</summary>
    public const ushort TooManyDevices = 4429;
}
