using System.Buffers.Binary;

namespace PocketCoder.Link;

/// <summary>What a message of a link is. From: who sends it.</summary>
public enum LinkKind : byte
{
    /// <summary>Gateway, first: <see cref="LinkChallenge"/>.</summary>
    Challenge = 0x01,

    /// <summary>Machine, second: <see cref="LinkProof"/>.</summary>
    Proof = 0x02,

    /// <summary>Gateway, third: <see cref="LinkWelcome"/>. From here on devices come and go.</summary>
    Welcome = 0x03,

    /// <summary>Gateway, in the place of anything: <see cref="LinkRefusal"/>; then it closes.</summary>
    Refused = 0x04,

    /// <summary>Gateway: a device wants this machine; <see cref="LinkOpened"/>.</summary>
    Opened = 0x10,

    /// <summary>Both: a device's frame, as it is.</summary>
    Frame = 0x11,

    /// <summary>Both: how many more bytes of frames the other side may send for this device; 4 bytes.</summary>
    Credit = 0x12,

    /// <summary>Gateway: the device is gone; nothing more comes for it.</summary>
    Gone = 0x13,

    /// <summary>Machine: send what came before, then close the device's connection; <see cref="LinkEnd"/>.</summary>
    End = 0x14,

    /// <summary>Machine: the device failed to prove itself, which the gateway counts against its address.</summary>
    FailedHandshake = 0x15,
}

/// <summary>
/// One message of a link: its kind (1 byte), the device's connection (4 bytes, big-endian; 0 for the link itself), the rest.
/// </summary>
/// <param name="Rest">At most <see cref="MaxRest"/> bytes.</param>
public readonly record struct LinkFrame(LinkKind Kind, uint Connection, ReadOnlyMemory<byte> Rest)
{
    public const int HeaderBytes = 5;

    /// <summary>As long as a device's longest frame.</summary>
    public const int MaxRest = 64 * 1024;

    public const int MaxBytes = HeaderBytes + MaxRest;

    /// <summary>The WebSocket subprotocol of a machine.</summary>
    public const string Subprotocol = "pocketcoder.machine.v1";

    /// <summary>Where a gateway waits for machines.</summary>
    public const string Path = "/v1/machine";

    /// <summary>Reads a message. The rest is a part of it, not a copy.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.Malformed"/></exception>
    public static LinkFrame Read(ReadOnlyMemory<byte> message)
    {
        if (message.Length is < HeaderBytes or > MaxBytes)
        {
            throw new LinkException(LinkError.Malformed, $"A message has {HeaderBytes} to {MaxBytes} bytes, not {message.Length}.");
        }

        var kind = KindOf(message.Span[0]);
        var connection = BinaryPrimitives.ReadUInt32BigEndian(message.Span[1..]);
        var ofDevice = kind is >= LinkKind.Opened;
        return ofDevice == connection > 0
            ? new LinkFrame(kind, connection, message[HeaderBytes..])
            : throw new LinkException(
                LinkError.Malformed, ofDevice ? "A device's message names no device." : "A link's message names a device.");
    }

    /// <summary>The message, in memory of its own.</summary>
    /// <exception cref="ArgumentException">The rest is too long.</exception>
    public static byte[] Write(LinkKind kind, uint connection, ReadOnlySpan<byte> rest)
    {
        if (rest.Length > MaxRest)
        {
            throw new ArgumentException($"At most {MaxRest} bytes.", nameof(rest));
        }

        var message = new byte[HeaderBytes + rest.Length];
        message[0] = (byte)kind;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(1), connection);
        rest.CopyTo(message.AsSpan(HeaderBytes));
        return message;
    }

    /// <summary>A <see cref="LinkKind.Credit"/> message.</summary>
    public static byte[] WriteCredit(uint connection, int bytes)
    {
        Span<byte> rest = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(rest, bytes);
        return Write(LinkKind.Credit, connection, rest);
    }

    /// <summary>The bytes that a <see cref="LinkKind.Credit"/> message gives.</summary>
    /// <exception cref="LinkException"><see cref="LinkError.Malformed"/></exception>
    public int ReadCredit()
        => Rest.Length == 4 && BinaryPrimitives.ReadInt32BigEndian(Rest.Span) is > 0 and <= LinkWindow.Bytes and var bytes ? bytes
        : throw new LinkException(LinkError.Malformed, $"A credit is a number from 1 to {LinkWindow.Bytes} in four bytes.");

    private static LinkKind KindOf(byte kind) => kind switch
    {
        0x01 => LinkKind.Challenge,
        0x02 => LinkKind.Proof,
        0x03 => LinkKind.Welcome,
        0x04 => LinkKind.Refused,
        0x10 => LinkKind.Opened,
        0x11 => LinkKind.Frame,
        0x12 => LinkKind.Credit,
        0x13 => LinkKind.Gone,
        0x14 => LinkKind.End,
        0x15 => LinkKind.FailedHandshake,
        _ => throw new LinkException(LinkError.Malformed, $"Unknown kind of message: {kind}."),
    };
}
