using System.Buffers;
using System.Buffers.Binary;

namespace PocketCoder.Gateway.Tls;

/// <summary>What the first bytes of a TLS connection are.</summary>
internal enum FirstBytes
{
    /// <summary>More are needed to tell.</summary>
    Unfinished,

    /// <summary>No client hello, or one that offers other protocols.</summary>
    Other,

    /// <summary>A client hello that offers <c>acme-tls/1</c> and nothing else (RFC 8737 §3).</summary>
    Acme,
}

/// <summary>Reads of a client hello (RFC 8446 §4.1.2) only which application protocols it offers (RFC 7301 §3.1). Pure.</summary>
internal static class ClientHello
{
    /// <summary>What is looked at, at most: one TLS record.</summary>
    public const int MaxBytes = 5 + 16_384;

    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const ushort AlpnExtension = 16;

    public static FirstBytes Look(ReadOnlySequence<byte> bytes)
    {
        if (bytes.Length == 0)
        {
            return FirstBytes.Unfinished;
        }

        var all = bytes.Slice(0, Math.Min(bytes.Length, MaxBytes)).ToArray().AsSpan();
        if (all[0] != HandshakeRecord)
        {
            return FirstBytes.Other;
        }

        if (all.Length < 5)
        {
            return FirstBytes.Unfinished;
        }

        // An authority's hello is small: one that is spread over several records is somebody else's.
        var length = BinaryPrimitives.ReadUInt16BigEndian(all[3..]);
        if (length > MaxBytes - 5)
        {
            return FirstBytes.Other;
        }

        return all.Length < 5 + length ? FirstBytes.Unfinished
            : OffersOnlyAcme(new Reader(all.Slice(5, length))) ? FirstBytes.Acme : FirstBytes.Other;
    }

    private static bool OffersOnlyAcme(Reader hello)
    {
        if (!hello.Byte(out var type) || type != ClientHelloMessage || !hello.Skip(3 + 2 + 32) // length, version, random
            || !hello.Vector8(out _) || !hello.Vector16(out _) || !hello.Vector8(out _) || !hello.Vector16(out var extensions))
        {
            return false;
        }

        while (extensions.UInt16(out var kind) && extensions.Vector16(out var body))
        {
            if (kind == AlpnExtension)
            {
                return body.Vector16(out var protocols) && protocols.Vector8(out var name) && protocols.IsEmpty
                    && name.Rest.SequenceEqual("acme-tls/1"u8);
            }
        }

        return false;
    }

    /// <summary>Reads big-endian numbers and length-prefixed vectors; false once there is not enough left.</summary>
    private ref struct Reader(ReadOnlySpan<byte> rest)
    {
        public ReadOnlySpan<byte> Rest { get; private set; } = rest;

        public readonly bool IsEmpty => Rest.IsEmpty;

        public bool Skip(int count)
        {
            if (Rest.Length < count)
            {
                return false;
            }

            Rest = Rest[count..];
            return true;
        }

        public bool Byte(out byte value)
        {
            value = Rest.IsEmpty ? default : Rest[0];
            return Skip(1);
        }

        public bool UInt16(out ushort value)
        {
            value = Rest.Length < 2 ? default : BinaryPrimitives.ReadUInt16BigEndian(Rest);
            return Skip(2);
        }

        public bool Vector8(out Reader content)
        {
            content = default;
            return Byte(out var length) && Take(length, out content);
        }

        public bool Vector16(out Reader content)
        {
            content = default;
            return UInt16(out var length) && Take(length, out content);
        }

        private bool Take(int length, out Reader content)
        {
            content = default;
            if (Rest.Length < length)
            {
                return false;
            }

            content = new Reader(Rest[..length]);
            Rest = Rest[length..];
            return true;
        }
    }
}
