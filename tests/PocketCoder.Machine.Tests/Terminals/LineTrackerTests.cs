using System.Text;
using PocketCoder.Machine.Terminals;

namespace PocketCoder.Machine.Tests.Terminals;

public sealed class LineTrackerTests
{
    [Theory]
    [InlineData("echo hi", "echo hi")]
    [InlineData("echx\u007fo hi", "echo hi")]
    [InlineData("world\u0001hello \u0005!", "hello world!")]
    [InlineData("ac\u001b[Db", "abc")]
    [InlineData("ac\u001bODb\u001b[F!", "abc!")]
    [InlineData("one two three\u0017\u0017", "one ")]
    [InlineData("rm -rf /\u0015ls", "ls")]
    [InlineData("abc\u0001\u0004\u001b[3~", "c")]
    [InlineData("keep cut\u001bb\u000b", "keep ")]
    [InlineData("a-b c\u001b\u007fd", "a-b d")]
    [InlineData("Zażółć 漢👩\u007f", "Zażółć 漢")]
    [InlineData("never\u0003after", "after")]
    [InlineData("mouse\u001b[<0;10;10M\u001b[<0;10;10m", "mouse")]
    public void Editing_keys_are_applied(string keys, string line)
    {
        var tracker = new LineTracker();
        Assert.False(Feed(tracker, keys));
        Assert.Equal(line, tracker.Line);
        Assert.True(tracker.Exact);
    }

    [Theory]
    [InlineData("\u001b[A")]
    [InlineData("ls /et\t")]
    [InlineData("\u0012sudo")]
    [InlineData("\u0019")]
    [InlineData("\u001b.")]
    public void What_only_the_shell_knows_makes_the_line_inexact_and_never_empty(string keys)
    {
        var tracker = new LineTracker();
        Feed(tracker, keys);
        Assert.False(tracker.Exact);
        Assert.False(tracker.IsEmpty);
    }

    [Theory]
    [InlineData("\r")]
    [InlineData("\n")]
    [InlineData("\u000f")]
    public void A_submitting_key_is_taken_alone_and_leaves_the_line_to_be_read(string enter)
    {
        var tracker = new LineTracker();
        var printed = new StringBuilder();
        Assert.Equal(2, tracker.Advance("ls" + enter + "pwd", printed, out var submits));
        Assert.False(submits);
        Assert.Equal(1, tracker.Advance(enter + "pwd", printed, out submits));
        Assert.True(submits);
        Assert.Equal("ls", tracker.Line);
        tracker.Begin();
        Assert.True(tracker.IsEmpty);
        Assert.Equal(3, tracker.Advance("pwd", printed, out submits));
        Assert.Equal("pwd", tracker.Line);
        Assert.Equal("lspwd", printed.ToString());
    }

    [Fact]
    public void A_line_end_in_a_paste_submits_only_where_the_program_does_not_take_marked_pastes()
    {
        var tracker = new LineTracker { BracketedPaste = true };
        Assert.False(Feed(tracker, "\u001b[200~one\rtwo\n\tthree\u001b[201~"));
        Assert.Equal("one\ntwo\n\tthree", tracker.Line);

        tracker = new LineTracker { BracketedPaste = false };
        Assert.True(Feed(tracker, "\u001b[200~one\rtwo\u001b[201~"));
    }

    [Fact]
    public void A_line_is_bounded_and_says_so()
    {
        var tracker = new LineTracker();
        Feed(tracker, new string('x', LineTracker.LongestLine + 5));
        Assert.Equal(LineTracker.LongestLine, tracker.Line.Length);
        Assert.True(tracker.Cut);
        Assert.Equal(LineTracker.LongestLine + 5, tracker.Typed);
    }

    [Fact]
    public void Any_keys_in_any_portions_give_the_same_line_and_every_enter_is_seen()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] keys = ["a", "b", " ", "ż", "👩", "\r", "\n", "\u001b", "[", "O", "D", "C", "A", "~", "3", "200", "201", "\u001b[200~",
            "\u001b[201~", "\u007f", "\u0001", "\u0005", "\u0015", "\u0017", "\u000b", "\u0003", "\u0004", "\t", "\u001bb", "\u001bf",
            "\u001bd", "\u0000"];
        for (var round = 0; round < 3000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 30)).Select(_ => keys[random.Next(keys.Length)]));
            var paste = random.Next(2) == 0;
            var (whole, wholeLines) = Run(text, paste, text.Length);
            var (pieces, pieceLines) = Run(text, paste, random.Next(1, 4));
            Assert.True(whole == pieces && wholeLines.SequenceEqual(pieceLines), $"seed {seed}, round {round}");
            if (!paste)
            {
                Assert.Equal(text.Count(c => c is '\r' or '\n'), wholeLines.Count);
            }
        }

        static (string Line, List<string> Lines) Run(string text, bool paste, int portion)
        {
            var tracker = new LineTracker { BracketedPaste = paste };
            var lines = new List<string>();
            foreach (var part in text.Chunk(portion))
            {
                for (var at = 0; at < part.Length;)
                {
                    at += tracker.Advance(part.AsSpan(at), new StringBuilder(), out var submits);
                    if (submits)
                    {
                        lines.Add($"{tracker.Line} {tracker.Exact}");
                        tracker.Begin();
                    }
                }
            }

            return (tracker.Line, lines);
        }
    }

    /// <returns>Whether a key submitted.</returns>
    private static bool Feed(LineTracker tracker, string keys)
    {
        var any = false;
        for (var at = 0; at < keys.Length;)
        {
            at += tracker.Advance(keys.AsSpan(at), new StringBuilder(), out var submits);
            any |= submits;
        }

        return any;
    }
}
