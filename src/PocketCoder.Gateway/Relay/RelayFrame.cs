namespace PocketCoder.Gateway;

/// <summary>What the gateway knows of a frame: its first byte and its length.</summary>
public static class RelayFrame
{
    /// <summary>Largest frame, in bytes, kind byte included.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>The WebSocket subprotocol a client must offer.</summary>
    public const string Subprotocol = "pocketcoder.v1";

    public const byte HandshakeRequest = 0x01;

    public const byte HandshakeResponse = 0x02;

    public const byte Sealed = 0x03;

    public const byte Close = 0x04;

    public const byte Letter = 0x05;

    /// <summary>Whether this can be a frame: 1 to <see cref="MaxBytes"/> bytes, of which the first is a kind.</summary>
    public static bool IsValid(ReadOnlySpan<byte> frame) => frame.Length is > 0 and <= MaxBytes && IsKnown(frame[0]);

    /// <summary>Whether <paramref name="kind"/> is one of the five kinds.</summary>
    public static bool IsKnown(byte kind) => kind is >= HandshakeRequest and <= Letter;
}
