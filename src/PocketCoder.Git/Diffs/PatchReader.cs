using System.Buffers.Text;
using System.Text;

namespace PocketCoder.Git;

/// <summary>
/// Reads patches one file after the other. A hunk's own counts say where it ends, so no line of content is taken for a header.
/// </summary>
/// <param name="words">A word diff's pieces are no lines: its counts can't be held against them. None of them begins like a header
/// either.</param>
internal sealed class PatchReader(ReadOnlyMemory<byte> patches, bool words)
{
    private ReadOnlyMemory<byte> _rest = patches;

    /// <param name="cut">The patch ends before its hunk does.</param>
    /// <returns>False: there is none any more.</returns>
    public bool TryReadFile(out bool binary, out List<PatchHunk> hunks, out bool cut)
    {
        (binary, hunks, cut) = (false, [], false);
        do
        {
            if (_rest.IsEmpty)
            {
                return false;
            }
        }
        while (!Line().Span.StartsWith("diff --git "u8)); // "* Unmerged path" and the like are no files

        while (!_rest.IsEmpty && !_rest.Span.StartsWith("diff --git "u8))
        {
            var line = Line().Span;
            if (line.StartsWith("@@ "u8))
            {
                hunks.Add(Hunk(line, out cut));
            }
            else if (line.StartsWith("Binary files "u8) || line.StartsWith("GIT binary patch"u8))
            {
                binary = true;
            }
            else if (line.StartsWith("* Unmerged path"u8))
            {
                break;
            }
        }

        return true;
    }

    private PatchHunk Hunk(ReadOnlySpan<byte> header, out bool cut)
    {
        var (oldStart, oldCount, newStart, newCount, heading) = Header(header);
        var lines = new List<PatchLine>();
        var (old, @new) = (oldCount, newCount);
        while (!_rest.IsEmpty)
        {
            var next = _rest.Span[0];
            if (next == '\\')
            {
                Line();
                if (lines.Count > 0)
                {
                    lines[^1] = lines[^1] with { NoNewline = true };
                }

                continue;
            }

            if (next is not ((byte)' ' or (byte)'+' or (byte)'-' or (byte)'~') || (!words && (next == '~' || (old <= 0 && @new <= 0))))
            {
                break;
            }

            var line = Line();
            lines.Add(new PatchLine(next, line[1..], NoNewline: false));
            old -= next is (byte)' ' or (byte)'-' ? 1 : 0;
            @new -= next is (byte)' ' or (byte)'+' ? 1 : 0;
        }

        cut = !words && (old != 0 || @new != 0);
        return new PatchHunk("", oldStart, oldCount, newStart, newCount, heading, lines);
    }

    /// <summary><c>@@ -1,2 +3,4 @@ heading</c>; a count of one may be left out.</summary>
    private static (int OldStart, int OldCount, int NewStart, int NewCount, string Heading) Header(ReadOnlySpan<byte> line)
    {
        line = line[3..];
        if (!Range(ref line, '-', out var oldStart, out var oldCount) || !Range(ref line, '+', out var newStart, out var newCount)
            || !line.StartsWith("@@"u8))
        {
            throw GitText.Unreadable("diff");
        }

        line = line[2..];
        return (oldStart, oldCount, newStart, newCount, Encoding.UTF8.GetString(line.Length > 0 ? line[1..] : line));
    }

    private static bool Range(ref ReadOnlySpan<byte> line, char sign, out int start, out int count)
    {
        count = 1;
        start = 0;
        if (line.IsEmpty || line[0] != sign || !Utf8Parser.TryParse(line[1..], out start, out var used) || start < 0)
        {
            return false;
        }

        line = line[(1 + used)..];
        if (!line.IsEmpty && line[0] == ',')
        {
            if (!Utf8Parser.TryParse(line[1..], out count, out used) || count < 0)
            {
                return false;
            }

            line = line[(1 + used)..];
        }

        if (line.IsEmpty || line[0] != ' ')
        {
            return false;
        }

        line = line[1..];
        return true;
    }

    private ReadOnlyMemory<byte> Line()
    {
        var end = _rest.Span.IndexOf((byte)'\n');
        var line = end < 0 ? _rest : _rest[..end];
        _rest = end < 0 ? default : _rest[(end + 1)..];
        return line;
    }
}
