namespace PocketCoder.Channels;

/// <summary>The first byte of every frame; a frame is one binary WebSocket message (docs/channel.md, "Frames").</summary>
public enum FrameKind : byte
{
    /// <summary>Not a frame of this protocol.</summary>
    None = 0,

    /// <summary>Device to machine: pattern byte, first Noise message.</summary>
    FirstHandshake = 1,

    /// <summary>Machine to device: second Noise message.</summary>
    SecondHandshake = 2,

    /// <summary>Either way: counter, ciphertext, tag.</summary>
    Sealed = 3,

    /// <summary>Either way: why the connection ends, in clear and unauthenticated.</summary>
    Close = 4,

    /// <summary>Device to machine, in the place of a handshake: one message, sealed to the machine's key (docs/channel.md, "Letters").</summary>
    Letter = 5,
}

/// <summary>What can be said of a frame without any key.</summary>
public static class ChannelFrame
{
    /// <summary>The kind of a frame, <see cref="FrameKind.None"/> for an empty or unknown one.</summary>
    public static FrameKind KindOf(ReadOnlySpan<byte> frame)
        => frame is [>= 1 and <= 5, ..] ? (FrameKind)frame[0] : FrameKind.None;
}
