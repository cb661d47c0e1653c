using PocketCoder.Protocol;

namespace PocketCoder.Machine.Diffs;

/// <summary>
/// Line diffs by Myers' O(ND) algorithm (E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986) with three lines of context.
/// Bounded: past <see cref="MaxLines"/> lines or <see cref="MaxEdits"/> edits the changed middle is shown as one replacement and the diff
/// says it is not complete. Pure and thread-safe.
/// </summary>
public static class LineDiff
{
    public const int MaxLines = 20_000;
    public const int MaxEdits = 2_000;
    private const int Context = 3;

    public static FileDiff Compute(string path, string? before, string after)
    {
        var old = Split(before ?? "");
        var @new = Split(after);
        var (script, complete) = Script(old, @new);
        var hunks = Hunks(old, @new, script);
        return new FileDiff(
            path,
            before is null,
            hunks.Sum(h => h.Lines.Count(l => l.Kind == DiffLineKind.Add)),
            hunks.Sum(h => h.Lines.Count(l => l.Kind == DiffLineKind.Remove)),
            hunks,
            complete);
    }

    /// <summary>Lines with their ends, so that a missing last newline or a CRLF counts as a difference.</summary>
    private static List<string> Split(string text)
    {
        var lines = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = text.IndexOf('\n', start);
            end = end < 0 ? text.Length : end + 1;
            lines.Add(text[start..end]);
            start = end;
        }

        return lines;
    }

    private static (List<DiffLineKind> Script, bool Complete) Script(List<string> old, List<string> @new)
    {
        var head = 0;
        while (head < old.Count && head < @new.Count && old[head] == @new[head])
        {
            head++;
        }

        var tail = 0;
        while (tail < old.Count - head && tail < @new.Count - head && old[^(tail + 1)] == @new[^(tail + 1)])
        {
            tail++;
        }

        var a = old.GetRange(head, old.Count - head - tail);
        var b = @new.GetRange(head, @new.Count - head - tail);
        var middle = a.Count + b.Count <= MaxLines ? Myers(a, b) : null;
        var script = new List<DiffLineKind>(head + a.Count + b.Count + tail);
        script.AddRange(Enumerable.Repeat(DiffLineKind.Context, head));
        script.AddRange(middle ?? Enumerable.Repeat(DiffLineKind.Remove, a.Count).Concat(Enumerable.Repeat(DiffLineKind.Add, b.Count)));
        script.AddRange(Enumerable.Repeat(DiffLineKind.Context, tail));
        return (script, middle is not null);
    }

    private static List<DiffLineKind>? Myers(List<string> a, List<string> b)
    {
        var max = Math.Min(a.Count + b.Count, MaxEdits);
        var reach = new int[(2 * max) + 3];
        var trace = new List<int[]>();
        var offset = max + 1;
        for (var d = 0; d <= max; d++)
        {
            for (var k = -d; k <= d; k += 2)
            {
                var x = k == -d || (k != d && reach[offset + k - 1] < reach[offset + k + 1]) ? reach[offset + k + 1]
                    : reach[offset + k - 1] + 1;
                var y = x - k;
                while (x < a.Count && y < b.Count && a[x] == b[y])
                {
                    x++;
                    y++;
                }

                reach[offset + k] = x;
                if (x >= a.Count && y >= b.Count)
                {
                    return Backtrack(a.Count, b.Count, trace, d);
                }
            }

            // Only the diagonals that this round could touch are needed to walk back.
            trace.Add(reach[(offset - d - 1)..(offset + d + 2)]);
        }

        return null;
    }

    private static List<DiffLineKind> Backtrack(int x, int y, List<int[]> trace, int edits)
    {
        var script = new List<DiffLineKind>();
        for (var d = edits; d > 0; d--)
        {
            var reach = trace[d - 1];
            var centre = d;
            int At(int k) => reach[centre + k];
            var k = x - y;
            var down = k == -d || (k != d && At(k - 1) < At(k + 1));
            var previousK = down ? k + 1 : k - 1;
            var previousX = At(previousK);
            var previousY = previousX - previousK;
            for (; x > previousX && y > previousY; x--, y--)
            {
                script.Add(DiffLineKind.Context);
            }

            script.Add(down ? DiffLineKind.Add : DiffLineKind.Remove);
            (x, y) = (previousX, previousY);
        }

        script.AddRange(Enumerable.Repeat(DiffLineKind.Context, x));
        script.Reverse();
        return script;
    }

    private static List<DiffHunk> Hunks(List<string> old, List<string> @new, List<DiffLineKind> script)
    {
        var hunks = new List<DiffHunk>();
        var (oldLine, newLine) = (0, 0);
        for (var i = 0; i < script.Count;)
        {
            if (script[i] == DiffLineKind.Context)
            {
                (i, oldLine, newLine) = (i + 1, oldLine + 1, newLine + 1);
                continue;
            }

            var back = Math.Min(Context, i);
            back = Math.Min(back, CountContextBefore(script, i));
            var end = HunkEnd(script, i);
            var lines = new List<DiffLine>();
            var (o, n) = (oldLine - back, newLine - back);
            var (oldStart, newStart) = (o, n);
            for (var j = i - back; j < end; j++)
            {
                var kind = script[j];
                var line = kind == DiffLineKind.Add ? @new[n] : old[o];
                o += kind == DiffLineKind.Add ? 0 : 1;
                n += kind == DiffLineKind.Remove ? 0 : 1;
                var ended = line.EndsWith('\n');
                lines.Add(new DiffLine(kind, ended ? line[..^1] : line, !ended));
            }

            hunks.Add(new DiffHunk(oldStart + 1, o - oldStart, newStart + 1, n - newStart, lines));
            (i, oldLine, newLine) = (end, o, n);
        }

        return hunks;
    }

    private static int CountContextBefore(List<DiffLineKind> script, int index)
    {
        var count = 0;
        while (count < Context && index - count - 1 >= 0 && script[index - count - 1] == DiffLineKind.Context)
        {
            count++;
        }

        return count;
    }

    /// <summary>A hunk goes on while the gap to the next change is at most twice the context.</summary>
    private static int HunkEnd(List<DiffLineKind> script, int start)
    {
        var last = start;
        for (var i = start; i < script.Count && i - last <= (2 * Context) + 1; i++)
        {
            if (script[i] != DiffLineKind.Context)
            {
                last = i;
            }
        }

        return Math.Min(script.Count, last + 1 + Context);
    }
}
