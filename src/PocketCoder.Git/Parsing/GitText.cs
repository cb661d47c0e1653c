using System.Globalization;
using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>Reads what git writes as pieces that end in a NUL.</summary>
internal ref struct ZeroReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public readonly bool IsAtEnd => _rest.IsEmpty;

    public readonly ReadOnlySpan<byte> Rest => _rest;

    /// <summary>The next piece; what is cut off at the end counts as none.</summary>
    public bool TryRead(out ReadOnlySpan<byte> piece)
    {
        var end = _rest.IndexOf((byte)0);
        if (end < 0)
        {
            piece = default;
            _rest = default;
            return false;
        }

        piece = _rest[..end];
        _rest = _rest[(end + 1)..];
        return true;
    }

    public bool TryRead(out string piece)
    {
        var found = TryRead(out ReadOnlySpan<byte> bytes);
        piece = found ? Encoding.UTF8.GetString(bytes) : "";
        return found;
    }
}

/// <summary>Pieces of git's output.</summary>
internal static class GitText
{
    /// <summary>A path as it stands in messages: <see cref="PathText"/>, as with the messages about files.</summary>
    public static string Path(ReadOnlySpan<byte> bytes) => PathText.Escape(Encoding.Latin1.GetString(bytes));

    /// <summary>
    /// A name as git quotes it where names stand in lines: <c>"a\tb\303\274"</c>. What is not quoted, or not well, is itself.
    /// </summary>
    public static byte[] Unquote(ReadOnlySpan<byte> name)
    {
        if (name.Length < 2 || name[0] != '"' || name[^1] != '"')
        {
            return name.ToArray();
        }

        var plain = new List<byte>(name.Length);
        for (var rest = name[1..^1]; rest.Length > 0;)
        {
            if (rest[0] != '\\' || rest.Length == 1)
            {
                plain.Add(rest[0]);
                rest = rest[1..];
                continue;
            }

            var octal = rest.Length >= 4 && rest[1..4].IndexOfAnyExceptInRange((byte)'0', (byte)'7') < 0;
            var at = "abtnvfr".IndexOf((char)rest[1], StringComparison.Ordinal);
            plain.Add(octal ? (byte)(((rest[1] - '0') << 6) | ((rest[2] - '0') << 3) | (rest[3] - '0')) : at >= 0
                ? (byte)"\a\b\t\n\v\f\r"[at] : rest[1]);
            rest = rest[(octal ? 4 : 2)..];
        }

        return [.. plain];
    }

    /// <summary>The path within the project; false when it lies outside.</summary>
    public static bool Within(ReadOnlySpan<byte> path, ReadOnlySpan<byte> prefix, out ReadOnlySpan<byte> within)
    {
        within = path.StartsWith(prefix) ? path[prefix.Length..] : default;
        return within.Length > 0;
    }

    public static DateTimeOffset? Time(string text)
        => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static DateTimeOffset? UnixTime(string text)
        => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds)
            && seconds is > -62_135_596_800 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    public static int? Number(ReadOnlySpan<char> text)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static GitException Unreadable(string what) => new(GitError.Unreadable, $"git's {what} can't be understood.");
}
