using System.Globalization;
using System.Text;
using System.Text.Unicode;

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
    /// <summary>A path as people see it, and its bytes when they are no UTF-8.</summary>
    public static (string Path, string? Raw) Path(ReadOnlySpan<byte> bytes)
        => (Encoding.UTF8.GetString(bytes), Utf8.IsValid(bytes) ? null : Convert.ToBase64String(bytes));

    /// <summary>The path within the project; false when it lies outside.</summary>
    public static bool Within(ReadOnlySpan<byte> path, ReadOnlySpan<byte> prefix, out ReadOnlySpan<byte> within)
    {
        within = path.StartsWith(prefix) ? path[prefix.Length..] : default;
        return within.Length > 0;
    }

    public static DateTimeOffset? Time(string text)
        => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    public static DateTimeOffset? UnixTime(string text)
        => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) && seconds is > -62_135_596_800 and < 253_402_300_800
            ? DateTimeOffset.FromUnixTimeSeconds(seconds)
            : null;

    public static int? Number(ReadOnlySpan<char> text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static GitException Unreadable(string what) => new(GitError.Unreadable, $"git's {what} can't be understood.");
}
