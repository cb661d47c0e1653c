using System.Buffers.Binary;
using System.Text;

namespace PocketCoder.Broker.Egress;

internal enum HelloKind
{
    /// <summary>More bytes are needed to tell.</summary>
    Incomplete,

    /// <summary>Not TLS.</summary>
    Other,

    /// <summary>TLS that names no host.</summary>
    Nameless,
    Named,
    Malformed,
}

/// <summary>
/// Reads the server name out of a TLS ClientHello (RFC 8446 §4.1.2, RFC 6066 §3), so that a tunnel to one host doesn't ask for another.
/// </summary>
internal static class ClientHello
{
    public const int MaxBytes = 16 * 1024;

    public static HelloKind Read(ReadOnlySpan<byte> bytes, out string name)
    {
        name = "";
        if (bytes.Length == 0)
        {
            return HelloKind.Incomplete;
        }

        if (bytes[0] != 0x16)
        {
            return HelloKind.Other;
        }

        // The hello may be spread over several records.
        var hello = new byte[Math.Min(bytes.Length, MaxBytes)];
        var length = 0;
        for (var i = 0; i < bytes.Length;)
        {
            if (bytes.Length - i < 5)
            {
                return Short(bytes);
            }

            var record = BinaryPrimitives.ReadUInt16BigEndian(bytes[(i + 3)..]);
            if (bytes[i] != 0x16 || bytes[i + 1] != 3 || record == 0)
            {
                return HelloKind.Malformed;
            }

            var part = bytes.Slice(i + 5, Math.Min(record, bytes.Length - i - 5));
            part.CopyTo(hello.AsSpan(length));
            length += part.Length;
            i += 5 + part.Length;
            if (length >= 4)
            {
                var size = (hello[1] << 16) | (hello[2] << 8) | hello[3];
                if (hello[0] != 1 || size > MaxBytes)
                {
                    return HelloKind.Malformed;
                }

                if (length >= size + 4)
                {
                    return Names(hello.AsSpan(4, size), out name);
                }
            }
        }

        return Short(bytes);
    }

    private static HelloKind Short(ReadOnlySpan<byte> bytes) => bytes.Length >= MaxBytes ? HelloKind.Malformed : HelloKind.Incomplete;

    private static HelloKind Names(ReadOnlySpan<byte> hello, out string name)
    {
        name = "";
        // version, random; then session id, cipher suites, compression methods, extensions
        if (hello.Length < 35 || !Skip(ref hello, 34, 0) || !Skip(ref hello, 0, 1) || !Skip(ref hello, 0, 2) || !Skip(ref hello, 0, 1))
        {
            return HelloKind.Malformed;
        }

        if (hello.IsEmpty)
        {
            return HelloKind.Nameless;
        }

        if (hello.Length < 2 || BinaryPrimitives.ReadUInt16BigEndian(hello) != hello.Length - 2)
        {
            return HelloKind.Malformed;
        }

        hello = hello[2..];
        var kind = HelloKind.Nameless;
        while (!hello.IsEmpty)
        {
            if (hello.Length < 4 || BinaryPrimitives.ReadUInt16BigEndian(hello[2..]) is var size && size > hello.Length - 4)
            {
                return HelloKind.Malformed;
            }

            if (BinaryPrimitives.ReadUInt16BigEndian(hello) == 0)
            {
                // One list with one entry of type host_name; a second list or entry would be a second reading.
                var list = hello.Slice(4, size);
                if (kind == HelloKind.Named || list.Length < 5 || BinaryPrimitives.ReadUInt16BigEndian(list) != list.Length - 2
                    || list[2] != 0 || BinaryPrimitives.ReadUInt16BigEndian(list[3..]) != list.Length - 5)
                {
                    return HelloKind.Malformed;
                }

                name = Encoding.Latin1.GetString(list[5..]);
                kind = HelloKind.Named;
            }

            hello = hello[(4 + size)..];
        }

        return kind;
    }

    /// <summary>Passes a fixed number of bytes and then a field with its length in front.</summary>
    private static bool Skip(ref ReadOnlySpan<byte> bytes, int fixedBytes, int lengthBytes)
    {
        if (bytes.Length < fixedBytes + lengthBytes)
        {
            return false;
        }

        var size = lengthBytes switch { 0 => 0, 1 => bytes[fixedBytes], _ => BinaryPrimitives.ReadUInt16BigEndian(bytes[fixedBytes..]) };
        var all = fixedBytes + lengthBytes + size;
        if (bytes.Length < all)
        {
            return false;
        }

        bytes = bytes[all..];
        return true;
    }
}
