using System.Text;
using System.Text.Json;

namespace PocketCoder.Broker.Secrets;

/// <summary>How a value looks when a program has written it down.</summary>
internal static class Spellings
{
    /// <summary>Characters of base64 that must be the secret's own before it is looked for.</summary>
    private const int MinBase64 = 8;

    public static IEnumerable<byte[]> Of(string value)
    {
        var raw = Encoding.UTF8.GetBytes(value);
        if (raw.Length > Redactor.MaxBytes)
        {
            raw = raw[..Redactor.MaxBytes];
        }

        if (raw.Length < Redactor.MinBytes)
        {
            yield break;
        }

        yield return raw;
        foreach (var text in Base64(raw))
        {
            yield return Encoding.ASCII.GetBytes(text);
            if (text.AsSpan().ContainsAny('+', '/'))
            {
                yield return Encoding.ASCII.GetBytes(text.Replace('+', '-').Replace('/', '_'));
            }
        }

        yield return Encoding.ASCII.GetBytes(Convert.ToHexStringLower(raw));
        yield return Encoding.ASCII.GetBytes(Convert.ToHexString(raw));
        if (raw.All(b => char.IsAsciiLetterOrDigit((char)b)))
        {
            yield break; // the rest would be the same text again
        }

        yield return Percent(raw, upper: true, keep: "-._~");
        yield return Percent(raw, upper: false, keep: "-._~");
        yield return Percent(raw, upper: true, keep: "-._~!'()*"); // JavaScript's encodeURIComponent
        yield return Percent(raw, upper: true, keep: "-._*", plus: true); // form encoding
        yield return Encoding.UTF8.GetBytes(JsonEncodedText.Encode(value).ToString());
        yield return Encoding.UTF8.GetBytes(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal));
    }

    /// <summary>The characters that depend on the value alone, for each of the three places it may have in longer text.</summary>
    private static IEnumerable<string> Base64(byte[] raw)
    {
        for (var offset = 0; offset < 3; offset++)
        {
            var padded = new byte[offset + raw.Length];
            raw.CopyTo(padded, offset);
            var text = Convert.ToBase64String(padded).TrimEnd('=');
            var first = offset == 0 ? 0 : offset + 1; // characters that hold bits of what stands before
            var last = padded.Length % 3 == 0 ? text.Length : text.Length - 1; // the last one holds bits of what follows
            if (last - first >= MinBase64)
            {
                yield return text[first..last];
            }
        }
    }

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
