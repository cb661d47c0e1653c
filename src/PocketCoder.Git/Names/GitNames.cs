using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>What may be given to git as a name, a revision or a path. Nothing that begins with a dash ever gets through. Pure.</summary>
public static class GitNames
{
    /// <summary>
    /// A branch's, tag's or remote's name by the rules of <c>git check-ref-format --branch</c>, without its shorthands (<c>@{-1}</c>).
    /// </summary>
    /// <exception cref="GitException">InvalidName</exception>
    public static string Ref(string? name, string what)
        => IsRef(name) ? name! : throw new GitException(GitError.InvalidName, $"\"{Shown(name)}\" can't be the name of a {what}.");

    /// <summary>Whether git takes it as a name below <c>refs/heads/</c>.</summary>
    public static bool IsRef(string? name)
        => name is { Length: > 0 and <= GitLimits.NameLength }
            && name is not ("@" or "HEAD")
            && name[0] is not ('-' or '/')
            && name[^1] is not ('/' or '.')
            && !name.Contains("..", StringComparison.Ordinal)
            && !name.Contains("//", StringComparison.Ordinal)
            && !name.Contains("@{", StringComparison.Ordinal)
            && name.All(c => c > ' ' && c != 0x7f && !char.IsSurrogate(c) && c is not ('~' or '^' or ':' or '?' or '*' or '[' or '\\'))
            && name.Split('/').All(part => !part.StartsWith('.') && !part.EndsWith(".lock", StringComparison.Ordinal));

    /// <summary>
    /// A revision as people write one: a branch, tag, id, <c>HEAD~2</c>, <c>main^2</c>, <c>stash@{0}</c>. No ranges, no paths, no searches
    /// (<c>:/</c>, <c>^{/</c>).
    /// </summary>
    /// <exception cref="GitException">InvalidName</exception>
    public static string Revision(string? revision) => IsRevision(revision)
        ? revision!
        : throw new GitException(GitError.InvalidName, $"\"{Shown(revision)}\" names no commit.");

    public static bool IsRevision(string? revision)
        => revision is { Length: > 0 and <= GitLimits.NameLength }
            && revision[0] is not ('-' or '^' or '/')
            && !revision.Contains("..", StringComparison.Ordinal)
            && !revision.Contains("^{/", StringComparison.Ordinal)
            && revision.All(c => c > ' ' && c != 0x7f && !char.IsSurrogate(c) && c is not (':' or '?' or '*' or '[' or '\\'));

    /// <summary>A whole object id, SHA-1 or SHA-256.</summary>
    public static bool IsId(string? id) => id is { Length: 40 or 64 } && id.All(char.IsAsciiHexDigitLower);

    /// <exception cref="GitException">InvalidName</exception>
    public static string Id(string? id, string what)
        => IsId(id) ? id! : throw new GitException(GitError.InvalidName, $"\"{Shown(id)}\" is not the id of a {what}.");

    /// <summary>
    /// A path of a message (<see cref="PathText"/>) within the project, as bytes: relative, beneath it, and not of git's own folder.
    /// </summary>
    /// <exception cref="GitException">InvalidName</exception>
    public static byte[] Path(string? path)
    {
        return path is not null && PathText.Unescape(path) is { } raw
            ? Path(Encoding.Latin1.GetBytes(raw))
            : throw new GitException(GitError.InvalidName,
                @"A path is missing or has an invalid escape: write a backslash as \\, a byte as \x{ff}, a character as \u{202e}.");
    }

    /// <inheritdoc cref="Path(string?)"/>
    public static byte[] Path(byte[] path)
    {
        var text = Encoding.Latin1.GetString(path);
        var parts = text.Split('/');
        if (path.Length is 0 or > GitLimits.PathBytes || text.Contains('\0', StringComparison.Ordinal)
            || parts.SkipLast(1).Any(p => p.Length == 0)
            || parts.Any(p => p is "." or ".."))
        {
            throw new GitException(GitError.InvalidName, $"\"{Shown(Encoding.UTF8.GetString(path))}\" is not a path in the project.");
        }

        if (parts.Any(p => p.Equals(".git", StringComparison.OrdinalIgnoreCase)))
        {
            throw new GitException(GitError.InvalidName, "Files in .git belong to git.");
        }

        return path;
    }

    /// <summary>Text for a message: short, and without what could change how it looks.</summary>
    public static string Shown(string? text)
    {
        var shown = new StringBuilder();
        foreach (var rune in (text ?? "").EnumerateRunes().Take(100))
        {
            shown.Append(Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.Format
                ? $"\\u{{{rune.Value:x}}}" : rune.ToString());
        }

        return shown.ToString();
    }

    /// <summary>Whether one path is the other, or leads to it.</summary>
    public static bool Covers(ReadOnlySpan<byte> folder, ReadOnlySpan<byte> path)
        => path.StartsWith(folder) && (path.Length == folder.Length || folder.IsEmpty || folder[^1] == '/' || path[folder.Length] == '/');
}
