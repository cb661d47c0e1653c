using System.Buffers;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// The byte patterns by which a value is known: the value itself, as URLs and JSON write it, and pieces of a long one. Base64, hexadecimal
/// and dumps are no spellings: what they stand for is looked at (<see cref="Base64Track"/>, <see cref="HexTrack"/>,
/// <see cref="DumpTrack"/>).
/// </summary>
internal static class Spellings
{
    /// <summary>Bytes of a piece of a value that is known by its pieces: any part of the value that is as long is found.</summary>
    public const int Piece = 12;

    /// <summary>
    /// The same for values of <see cref="LongValue"/> bytes and more, which often begin with a prefix that is no secret
    /// (<c>sk-ant-api03-</c>).
    /// </summary>
    public const int LongPiece = 16;

    public const int LongValue = 32;

    /// <summary>What a value is, as far as it matters for its pieces.</summary>
    private enum Kind
    {
        Token,

        /// <summary>A key file, JSON: lines and names around what is secret.</summary>
        Structured,

        /// <summary>A URL with a password or a token in it.</summary>
        Address,
    }

    private const int MinDistinct = 6;
    private static readonly SearchValues<byte> s_scheme = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789+-."u8);
    private const int MinRun = 24;
    private const int AllPieces = 1024; // bytes of a value whose pieces begin at each byte; those of a longer one begin further apart

    public static IEnumerable<byte[]> Of(string value)
    {
        var raw = Encoding.UTF8.GetBytes(value);
        if (raw.Length > Redactor.MaxBytes)
        {
            raw = raw[..Redactor.MaxBytes];
        }

        if (raw.Length < Redactor.MinBytes)
        {
            return [];
        }

        // In its other spellings it has other bytes, where it has any that are spelled otherwise.
        byte[][] whole = raw.All(b => char.IsAsciiLetterOrDigit((char)b)) ? [raw] :
        [
            raw,
            Percent(raw, upper: true, keep: "-._~"),
            Percent(raw, upper: false, keep: "-._~"),
            Percent(raw, upper: true, keep: "-._~!'()*"), // JavaScript's encodeURIComponent
            Percent(raw, upper: true, keep: "-._*", plus: true), // form encoding
            Encoding.UTF8.GetBytes(JsonEncodedText.Encode(value).ToString()),
            Encoding.UTF8.GetBytes(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal)),
        ];
        return raw.Length < Piece ? whole
            : [.. whole, .. (raw.Length <= AllPieces && KindOf(raw) != Kind.Address ? whole : [raw]).SelectMany(w => Pieces(w, raw))];
    }

    private static IEnumerable<byte[]> Pieces(byte[] text, byte[] value)
    {
        var size = value.Length < LongValue ? Piece : LongPiece;
        var step = Math.Max(1, text.Length / AllPieces);
        foreach (var region in Regions(text, KindOf(value)))
        {
            for (var at = region.Start.Value; at + size <= region.End.Value; at += step)
            {
                var piece = text[at..(at + size)];
                if (piece.Distinct().Count() >= MinDistinct)
                {
                    yield return piece;
                }
            }
        }
    }

    /// <summary>
    /// Where a piece can be told from ordinary text: not the headers of a PEM file, the names of a JSON file or the host of a URL.
    /// </summary>
    private static IEnumerable<Range> Regions(byte[] text, Kind kind)
    {
        if (kind == Kind.Structured)
        {
            for (var (at, start) = (0, 0); at <= text.Length; at++)
            {
                if (at == text.Length || !(char.IsAsciiLetterOrDigit((char)text[at])
                    || text[at] is (byte)'+' or (byte)'/' or (byte)'=' or (byte)'_' or (byte)'-'))
                {
                    var run = text.AsSpan(start, at - start);
                    if (run.Length >= MinRun && run.IndexOf("-----"u8) < 0)
                    {
                        yield return start..at;
                    }

                    start = at + 1;
                }
            }
        }
        else if (kind == Kind.Address)
        {
            var start = text.AsSpan().IndexOf("://"u8) + 3;
            var end = text.AsSpan(start).IndexOfAny("/?#"u8) is var found and >= 0 ? start + found : text.Length;
            if (text.AsSpan(start, end - start).LastIndexOf((byte)'@') is var at and > 0)
            {
                yield return start..(start + at);
            }

            yield return end..text.Length;
        }
        else
        {
            yield return 0..text.Length;
        }
    }

    private static Kind KindOf(byte[] value)
        => value.AsSpan().IndexOfAny((byte)'\n', (byte)'{') >= 0 ? Kind.Structured
            : value.AsSpan().IndexOf("://"u8) is var scheme and > 0 && value.AsSpan(0, scheme).IndexOfAnyExcept(s_scheme) < 0 ? Kind.Address
            : Kind.Token;

    private static byte[] Percent(byte[] raw, bool upper, string keep, bool plus = false)
    {
        var text = new StringBuilder(raw.Length * 3);
        foreach (var b in raw)
        {
            if (char.IsAsciiLetterOrDigit((char)b) || (b < 0x80 && keep.Contains((char)b, StringComparison.Ordinal)))
            {
                text.Append((char)b);
            }
            else if (plus && b == ' ')
            {
                text.Append('+');
            }
            else
            {
                text.Append('%').Append(upper ? Convert.ToHexString([b]) : Convert.ToHexStringLower([b]));
            }
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
