using System.Text;
using PocketCoder.Machine.Diffs;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Diffs;

public sealed class LineDiffTests
{
    [Fact]
    public void A_changed_line_shows_with_three_lines_around_it()
    {
        var before = string.Concat(Enumerable.Range(1, 20).Select(i => $"line {i}\n"));
        var diff = LineDiff.Compute("a.txt", before, before.Replace("line 10\n", "LINE TEN\n", StringComparison.Ordinal));

        var hunk = Assert.Single(diff.Hunks);
        Assert.Equal((7, 7, 7, 7), (hunk.OldStart, hunk.OldLines, hunk.NewStart, hunk.NewLines));
        Assert.Equal((1, 1, true, false), (diff.Added, diff.Removed, diff.Complete, diff.Creates));
        Assert.Equal(
            [" line 7", " line 8", " line 9", "-line 10", "+LINE TEN", " line 11", " line 12", " line 13"],
            hunk.Lines.Select(l => (l.Kind switch { DiffLineKind.Add => "+", DiffLineKind.Remove => "-", _ => " " }) + l.Text));
    }

    [Fact]
    public void A_new_file_is_all_added_and_an_equal_one_has_no_hunk()
    {
        var made = LineDiff.Compute("a", null, "x\ny");
        Assert.True(made.Creates);
        Assert.Equal(2, made.Added);
        Assert.True(made.Hunks[0].Lines[^1].NoNewline);
        Assert.Empty(LineDiff.Compute("a", "same\n", "same\n").Hunks);
    }

    [Fact]
    public void A_missing_last_newline_and_a_carriage_return_count_as_differences()
    {
        Assert.Equal((1, 1), Counts(LineDiff.Compute("a", "x\n", "x")));
        Assert.Equal((1, 1), Counts(LineDiff.Compute("a", "x\r\n", "x\n")));

        static (int, int) Counts(FileDiff diff) => (diff.Added, diff.Removed);
    }

    [Fact]
    public void Applying_a_diff_to_the_old_text_gives_the_new_text_for_any_two_texts()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 500; round++)
        {
            var before = Text(random);
            var after = random.Next(3) == 0 ? Text(random) : Mutate(random, before);
            var diff = LineDiff.Compute("a", before, after);
            Assert.True(Apply(before, diff) == after, $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public void Texts_too_different_to_compare_are_shown_as_one_replacement_and_say_so()
    {
        var before = string.Concat(Enumerable.Range(0, 3000).Select(i => $"a{i}\n"));
        var after = string.Concat(Enumerable.Range(0, 3000).Select(i => $"b{i}\n"));
        var diff = LineDiff.Compute("a", before, after);
        Assert.False(diff.Complete);
        Assert.Equal((3000, 3000), (diff.Added, diff.Removed));
        Assert.Equal(after, Apply(before, diff));
    }

    private static string Text(Random random)
    {
        var lines = Enumerable.Range(0, random.Next(0, 40)).Select(_ => new string((char)('a' + random.Next(4)), random.Next(3)));
        return string.Join('\n', lines) + (random.Next(2) == 0 ? "\n" : "");
    }

    private static string Mutate(Random random, string text)
    {
        var lines = text.Split('\n').ToList();
        for (var edits = random.Next(6); edits > 0; edits--)
        {
            var at = random.Next(lines.Count + 1);
            if (random.Next(2) == 0 && at < lines.Count)
            {
                lines.RemoveAt(at);
            }
            else
            {
                lines.Insert(at, $"new{random.Next(5)}");
            }
        }

        return string.Join('\n', lines);
    }

    private static string Apply(string before, FileDiff diff)
    {
        var old = new List<string>();
        for (var start = 0; start < before.Length;)
        {
            var end = before.IndexOf('\n', start) is var at && at < 0 ? before.Length : at + 1;
            old.Add(before[start..end]);
            start = end;
        }

        var result = new StringBuilder();
        var next = 0;
        foreach (var hunk in diff.Hunks)
        {
            var from = hunk.OldStart - 1;
            for (; next < from; next++)
            {
                result.Append(old[next]);
            }

            foreach (var line in hunk.Lines)
            {
                if (line.Kind != DiffLineKind.Add)
                {
                    Assert.Equal(old[next], line.Text + (line.NoNewline ? "" : "\n"));
                    next++;
                }

                if (line.Kind != DiffLineKind.Remove)
                {
                    result.Append(line.Text).Append(line.NoNewline ? "" : "\n");
                }
            }
        }

        for (; next < old.Count; next++)
        {
            result.Append(old[next]);
        }

        return result.ToString();
    }
}
