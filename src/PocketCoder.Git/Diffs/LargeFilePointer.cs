using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>
/// What Git LFS puts into a repository in the place of a large file. Pure. Source: the Git LFS specification, "The Pointer".
/// </summary>
public static class LargeFilePointer
{
    /// <summary>Bytes that a pointer has, with some room for extensions.</summary>
    public const int Shortest = 120, Longest = 400;

    private const string Version = "version https://git-lfs.github.com/spec/v1";

    /// <summary>Whether a whole blob is one.</summary>
    public static bool Is(ReadOnlySpan<byte> blob)
        => blob.Length is >= Shortest and <= Longest && Encoding.UTF8.GetString(blob).Split('\n') is [Version, .., ""] lines
            && Size(lines[..^1]) is not null;

    /// <summary>What a file's diff says of pointers, and whether it says nothing else.</summary>
    internal static (GitLargeFile? File, bool Only) Of(PatchFile file)
    {
        if (file.Binary || file.Cut || file.Hunks is not [var hunk])
        {
            return (null, false);
        }

        var old = hunk.Lines.Where(l => l.Sign is (byte)' ' or (byte)'-').Select(l => Encoding.UTF8.GetString(l.Text.Span)).ToList();
        var @new = hunk.Lines.Where(l => l.Sign is (byte)' ' or (byte)'+').Select(l => Encoding.UTF8.GetString(l.Text.Span)).ToList();
        var found = new GitLargeFile(Size(old), Size(@new));
        return found is { OldBytes: null, NewBytes: null } ? (null, false)
            : (found, (found.OldBytes is not null || old.Count == 0) && (found.NewBytes is not null || @new.Count == 0));
    }

    private static long? Size(IReadOnlyList<string> lines)
    {
        long? size = null;
        var (oid, other) = (false, false);
        foreach (var line in lines)
        {
            if (line.StartsWith("oid sha256:", StringComparison.Ordinal) && line.Length == 75)
            {
                oid = true;
            }
            else if (line.StartsWith("size ", StringComparison.Ordinal) && long.TryParse(
                line.AsSpan(5), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var bytes))
            {
                size = bytes;
            }
            else
            {
                other |= line != Version && !line.StartsWith("ext-", StringComparison.Ordinal);
            }
        }

        return oid && !other ? size : null;
    }
}
