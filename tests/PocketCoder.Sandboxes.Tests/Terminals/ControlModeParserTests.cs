using System.Text;
using PocketCoder.Sandboxes.Terminals;

namespace PocketCoder.Sandboxes.Tests.Terminals;

public sealed class ControlModeParserTests
{
    private const string Conversation =
        "%begin 1 2 0\n%end 1 2 0\n%session-changed $0 main\n%output %0 a\\033[1mb\\134\\015\\012\n%begin 1 3 1\n%0\n%end 1 3 1\n"
        + "%extended-output %12 54 : later : x\n%pause %12\n%layout-change @0 a87d\n%begin 5 6 1\nno such\n%error 5 6 1\n%exit lost\n";

    [Fact]
    public void A_conversation_is_understood_in_any_portions()
    {
        var bytes = Encoding.UTF8.GetBytes(Conversation);
        var whole = Describe(new ControlModeParser().Feed(bytes));
        Assert.Equal(["attached", "out %0 a\u001b[1mb\\\r\n", "reply True %0", "out %12 later : x", "pause %12", "reply False no such",
            "exit lost"], whole);
        var random = new Random(11);
        for (var round = 0; round < 200; round++)
        {
            var parser = new ControlModeParser();
            var events = new List<ControlEvent>();
            for (var at = 0; at < bytes.Length;)
            {
                var size = Math.Min(random.Next(1, 9), bytes.Length - at);
                events.AddRange(parser.Feed(bytes.AsSpan(at, size)));
                at += size;
            }

            Assert.Equal(whole, Describe(events));
        }
    }

    [Fact]
    public void Only_the_same_numbers_end_a_reply()
        => Assert.Equal(["reply True %end 1 2 1|%output %0 x"],
            Describe(new ControlModeParser().Feed("%begin 7 8 1\n%end 1 2 1\n%output %0 x\n%end 7 8 1\n"u8)));

    [Fact]
    public void Octal_is_decoded_and_what_only_looks_like_it_is_kept()
    {
        Assert.Equal("a\nb"u8.ToArray(), ControlModeParser.Decode("a\\012b"u8));
        Assert.Equal([0xE6, 0xBC, 0xA2, 255], ControlModeParser.Decode("\\346\\274\\242\\377"u8));
        Assert.Equal("\\9\\400\\01"u8.ToArray(), ControlModeParser.Decode("\\9\\400\\01"u8));
        Assert.Equal("\\"u8.ToArray(), ControlModeParser.Decode("\\134"u8));
    }

    [Fact]
    public void A_line_or_reply_without_end_is_refused()
    {
        Assert.Throws<InvalidDataException>(() => new ControlModeParser().Feed(new byte[ControlModeParser.LongestLine + 1]));
        var parser = new ControlModeParser();
        parser.Feed("%begin 1 1 1\n"u8);
        Assert.Throws<InvalidDataException>(() => parser.Feed(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("x\n", 10_001)))));
    }

    [Fact]
    public void Whatever_comes_it_gives_events_or_refuses_and_never_more_bytes_than_came()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var source = Encoding.UTF8.GetBytes(Conversation);
        var until = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(until) < TimeSpan.FromSeconds(2))
        {
            var bytes = source.ToArray();
            for (var i = random.Next(12); i >= 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var cut = random.Next(bytes.Length);
            try
            {
                var parser = new ControlModeParser();
                var events = parser.Feed(bytes.AsSpan(0, cut)).Concat(parser.Feed(bytes.AsSpan(cut))).ToList();
                Assert.True(events.OfType<PaneOutput>().Sum(o => o.Bytes.Length) <= bytes.Length, $"seed {seed}");
            }
            catch (InvalidDataException)
            {
                // refused
            }
        }
    }

    private static IEnumerable<string> Describe(IEnumerable<ControlEvent> events) => events.Select(e => e switch
    {
        Attached => "attached",
        PaneOutput o => $"out {o.Pane} {Encoding.UTF8.GetString(o.Bytes)}",
        CommandReply r => $"reply {r.Ok} {string.Join('|', r.Lines)}",
        PanePaused p => "pause " + p.Pane,
        ControlExit x => "exit " + x.Reason,
        _ => "?",
    });
}
