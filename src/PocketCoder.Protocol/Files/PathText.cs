using System.Buffers;
using System.Globalization;
using System.Text;

namespace PocketCoder.Protocol;

/// <summary>
/// The one reversible way in which names are written in messages. Plain text stays as it is; a backslash is <c>\\</c>; a byte that is no
/// UTF-8 is <c>\x{ff}</c>; a character that would not be seen, or would change how others are seen (controls, newlines, direction marks,
/// zero width, unusual spaces), is <c>\u{202e}</c>. So a name can be shown as it came, and sent back as it was shown. Pure.
/// </summary>
public static class PathText
{
    /// <param name="raw">Bytes as Latin-1.</param>
    public static string Escape(string raw)
    {
        if (raw.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 && !raw.Contains('\\', StringComparison.Ordinal))
        {
            return raw;
        }

        Span<byte> bytes = Encoding.Latin1.GetBytes(raw);
        var text = new StringBuilder(raw.Length + 16);
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) != OperationStatus.Done)
            {
                used = 1;
                text.Append(CultureInfo.InvariantCulture, $"\\x{{{bytes[0]:x2}}}");
            }
            else if (rune.Value == '\\')
            {
                text.Append(@"\\");
            }
            else if (IsPlain(rune))
            {
                text.Append(rune.ToString());
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:x}}}");
            }

            bytes = bytes[used..];
        }

        return text.ToString();
    }

    /// <summary>The bytes as Latin-1; null when the text has an escape that is none, or half a surrogate pair.</summary>
    public static string? Unescape(string wire)
    {
        var bytes = new ArrayBufferWriter<byte>(wire.Length + 8);
        var rest = wire.AsSpan();
        Span<byte> utf8 = stackalloc byte[4];
        while (rest.Length > 0)
        {
            if (rest[0] == '\\')
            {
                if (TakeEscape(ref rest, bytes))
                {
                    continue;
                }

                return null;
            }

            if (Rune.DecodeFromUtf16(rest, out var rune, out var used) != OperationStatus.Done)
            {
                return null;
            }

            bytes.Write(utf8[..rune.EncodeToUtf8(utf8)]);
            rest = rest[used..];
        }

        return Encoding.Latin1.GetString(bytes.WrittenSpan);
    }

    /// <summary>Whether a character is seen as what it is.</summary>
    public static bool IsPlain(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.SpaceSeparator
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate);

    private static bool TakeEscape(ref ReadOnlySpan<char> rest, ArrayBufferWriter<byte> bytes)
    {
        if (rest.StartsWith(@"\\"))
        {
            bytes.Write("\\"u8);
            rest = rest[2..];
            return true;
        }

        var end = rest.IndexOf('}');
        if (end is < 4 or > 9 || rest[2] != '{'
            || !uint.TryParse(rest[3..end], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        switch (rest[1])
        {
            case 'x' when value <= 0xFF:
                bytes.Write([(byte)value]);
                break;
            case 'u' when Rune.TryCreate(value, out var rune):
                Span<byte> utf8 = stackalloc byte[4];
                bytes.Write(utf8[..rune.EncodeToUtf8(utf8)]);
                break;
            default:
                return false;
        }

        rest = rest[(end + 1)..];
        return true;
    }
}
