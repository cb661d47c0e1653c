using System.Buffers;
using System.Globalization;
using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Git;

/// <summary>Makes the patch of a part of a diff, for <c>git apply</c>. Pure.</summary>
public static class PatchBuilder
{
    /// <summary>The patch of what is selected, in the diff's own order.</summary>
    /// <param name="diff">As it is now.</param>
    /// <param name="prefix">The project within the repository.</param>
    /// <param name="reverse">It will be applied with <c>--reverse</c>: to where the diff leads, not to where it comes from.</param>
    /// <exception cref="GitException">Conflict: the selection does not fit the diff any more; InvalidName: it selects what can't
    /// be.</exception>
    public static byte[] Build(ParsedDiff diff, IReadOnlyList<GitSelection> selections, ReadOnlySpan<byte> prefix, bool reverse)
    {
        var patch = new ArrayBufferWriter<byte>();
        var wanted = new Dictionary<string, IReadOnlyList<int>?>(StringComparer.Ordinal);
        foreach (var selection in selections)
        {
            if (!wanted.TryAdd(selection.HunkId, selection.Lines))
            {
                throw new GitException(GitError.InvalidName, "A hunk is selected twice.");
            }
        }

        foreach (var file in diff.Files)
        {
            if (!GitText.Within(file.Path.Span, prefix, out _))
            {
                continue;
            }

            var parts = new List<(PatchHunk Hunk, List<PatchLine> Lines, bool Whole)>();
            foreach (var hunk in file.Hunks)
            {
                if (wanted.Remove(hunk.Id, out var lines))
                {
                    parts.Add(Part(hunk, lines, reverse));
                }
            }

            if (parts.Count > 0)
            {
                Write(patch, file, parts, whole: !file.Cut && parts.Count == file.Hunks.Count && parts.TrueForAll(p => p.Whole), reverse);
            }
        }

        return wanted.Count == 0
            ? patch.WrittenSpan.ToArray()
            : throw new GitException(GitError.Conflict, "The file has changed: that part no longer exists.");
    }

    /// <summary>Leaves out what is not selected: such a change stays as it is on the side that the patch is applied to.</summary>
    private static (PatchHunk, List<PatchLine>, bool Whole) Part(PatchHunk hunk, IReadOnlyList<int>? selected, bool reverse)
    {
        if (selected is null)
        {
            return (hunk, [.. hunk.Lines], true);
        }

        var chosen = selected.ToHashSet();
        if (chosen.Count == 0 || chosen.Any(i => i < 0 || i >= hunk.Lines.Count || hunk.Lines[i].Sign == ' '))
        {
            throw new GitException(GitError.InvalidName, "The selection includes unchanged lines.");
        }

        var lines = new List<PatchLine>();
        for (var i = 0; i < hunk.Lines.Count; i++)
        {
            var line = hunk.Lines[i];
            if (line.Sign == ' ' || chosen.Contains(i))
            {
                lines.Add(line);
            }
            else if (line.Sign == (reverse ? '+' : '-'))
            {
                lines.Add(line with { Sign = (byte)' ' });
            }
        }

        return (hunk, lines, chosen.Count == hunk.Lines.Count(l => l.Sign != ' '));
    }

    private static void Write(ArrayBufferWriter<byte> patch, PatchFile file,
        List<(PatchHunk Hunk, List<PatchLine> Lines, bool Whole)> parts, bool whole, bool reverse)
    {
        // A new file of which a part is taken away stays, and so does a deleted one of which a part is taken over.
        var added = file.Kind == GitChangeKind.Added && (!reverse || whole);
        var deleted = file.Kind == GitChangeKind.Deleted && (reverse || whole);
        var (a, b) = (Quoted("a/"u8, file.Path.Span), Quoted("b/"u8, file.Path.Span));
        Text(patch, $"diff --git {a} {b}\n");
        if (added)
        {
            Text(patch, $"new file mode {file.NewMode}\n");
        }
        else if (deleted)
        {
            Text(patch, $"deleted file mode {file.OldMode}\n");
        }

        Text(patch, $"--- {(added ? "/dev/null" : a)}\n+++ {(deleted ? "/dev/null" : b)}\n");
        var delta = 0;
        foreach (var (hunk, lines, _) in parts)
        {
            var oldCount = lines.Count(l => l.Sign != '+');
            var newCount = lines.Count(l => l.Sign != '-');

            // The side it is applied to is as the diff has it; the other is counted anew. An empty side stands at the line before.
            var (oldStart, newStart) = reverse
                ? (Start(hunk.NewStart, newCount, oldCount) + delta, hunk.NewStart)
                : (hunk.OldStart, Start(hunk.OldStart, oldCount, newCount) + delta);
            delta += reverse ? oldCount - newCount : newCount - oldCount;
            Text(patch, $"@@ -{oldStart},{oldCount} +{newStart},{newCount} @@\n");
            foreach (var line in lines)
            {
                patch.Write([line.Sign]);
                patch.Write(line.Text.Span);
                Text(patch, line.NoNewline ? "\n\\ No newline at end of file\n" : "\n");
            }
        }
    }

    private static int Start(int start, int count, int otherCount) => count == 0 && otherCount > 0 ? start + 1 : count > 0
        && otherCount == 0 ? start - 1 : start;

    private static void Text(ArrayBufferWriter<byte> patch, FormattableString text)
        => Text(patch, text.ToString(CultureInfo.InvariantCulture));

    private static void Text(ArrayBufferWriter<byte> patch, string text) => patch.Write(Encoding.ASCII.GetBytes(text));

    /// <summary>As git reads names: in quotes, with everything unusual as octal numbers.</summary>
    private static string Quoted(ReadOnlySpan<byte> side, ReadOnlySpan<byte> path)
    {
        var quoted = new StringBuilder("\"").Append(Encoding.ASCII.GetString(side));
        foreach (var b in path)
        {
            if (b is (byte)'"' or (byte)'\\' or < 0x20 or >= 0x7f)
            {
                quoted.Append('\\').Append((char)('0' + (b >> 6))).Append((char)('0' + ((b >> 3) & 7))).Append((char)('0' + (b & 7)));
            }
            else
            {
                quoted.Append((char)b);
            }
        }

        return quoted.Append('"').ToString();
    }
}
