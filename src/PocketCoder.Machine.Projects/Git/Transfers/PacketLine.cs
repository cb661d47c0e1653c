using System.Globalization;
using System.Text;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// One line of git's protocol: four hexadecimal digits that count it with themselves, then so many bytes. Source: gitprotocol-common(5).
/// </summary>
/// <param name="Bytes">With the digits.</param>
internal sealed record PacketLine(ReadOnlyMemory<byte> Bytes)
{
    private const int Longest = 65520;

    /// <summary>The end of a part.</summary>
    public bool IsFlush => Bytes.Span.SequenceEqual("0000"u8);

    public string Text => Encoding.UTF8.GetString(Bytes.Span[4..]);

    public static PacketLine Of(string text)
        => new(Encoding.ASCII.GetBytes((text.Length + 4).ToString("x4", CultureInfo.InvariantCulture) + text));

    /// <summary>The next one; null at the end.</summary>
    /// <exception cref="InvalidDataException">These bytes are none.</exception>
    /// <exception cref="EndOfStreamException">It ends within.</exception>
    public static async Task<PacketLine?> ReadAsync(Stream from, CancellationToken cancellationToken)
    {
        var digits = new byte[4];
        if (await from.ReadAtLeastAsync(digits, 4, throwOnEndOfStream: false, cancellationToken) is var read and < 4)
        {
            return read == 0 ? null : throw new EndOfStreamException();
        }

        if (!int.TryParse(Encoding.ASCII.GetString(digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var length)
            || length is (> 0 and < 4) or > Longest)
        {
            throw new InvalidDataException("that is not git's protocol");
        }

        var line = new byte[Math.Max(4, length)];
        digits.CopyTo(line, 0);
        await from.ReadExactlyAsync(line.AsMemory(4), cancellationToken);
        return new PacketLine(line);
    }
}
