using System.Text;

namespace PocketCoder.Workspace.Beneath;

/// <summary>
/// Names that are, or on some file system would be, <c>.git</c>: what lies in it decides what git runs, so nobody changes it through here.
/// The same spellings that git itself refuses in trees (case, HFS+'s ignored characters, NTFS's short name, streams and trailing dots).
/// Pure.
/// </summary>
internal static class GitFolder
{
    public static bool IsIn(ProjectPath path) => path.Names.Any(Is);

    /// <param name="name">One component, bytes as Latin-1.</param>
    public static bool Is(string name)
    {
        if (!name.Contains('.', StringComparison.Ordinal) && !name.Contains('~', StringComparison.Ordinal))
        {
            return false;
        }

        var text = new StringBuilder(name.Length);
        foreach (var rune in Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(name)).EnumerateRunes())
        {
            if (rune.Value is not ((>= 0x200C and <= 0x200F) or (>= 0x202A and <= 0x202E) or (>= 0x206A and <= 0x206F) or 0xFEFF))
            {
                text.Append(Rune.ToLowerInvariant(rune).ToString());
            }
        }

        var folded = text.ToString();
        var stream = folded.IndexOf(':', StringComparison.Ordinal);
        return (stream < 0 ? folded : folded[..stream]).TrimEnd('.', ' ') is ".git" or "git~1";
    }
}
