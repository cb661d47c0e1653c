using System.Globalization;
using PocketCoder.Machine.Terminals;

namespace PocketCoder.Machine.Tests.Terminals;

public sealed class OutputFilterTests
{
    [Theory]
    [InlineData("plain Zażółć 漢字 👩‍💻\r\n\ttab\b\a")]
    [InlineData("\u001b[1;31;48;2;10;20;30mred\u001b[0m\u001b[4:3mcurly\u001b[m")]
    [InlineData("\u001b[H\u001b[2J\u001b[3J\u001b[10;20H\u001b[?25l\u001b[?1049h\u001b[?2004h\u001b[K\u001b[?1;1000;1006h")]
    [InlineData("\u001b7\u001b8\u001bM\u001b=\u001b>\u001b(0lqk\u001b(B\u001b#8\u001b[5 q\u001b[!p\u001b[2;20r")]
    public void What_draws_passes_unchanged(string text) => Assert.Equal(text, new OutputFilter().Pass(text));

    [Theory]
    [InlineData("\u001b]52;c;ZXZpbA==\a", "clipboard")]
    [InlineData("\u001b]52;c;?\u001b\\", "clipboard question")]
    [InlineData("\u001b]0;title\a", "title")]
    [InlineData("\u001b]2;title\u001b\\", "title")]
    [InlineData("\u001bkname\u001b\\", "title of screen")]
    [InlineData("\u001b]8;;http://evil.example\a", "link")]
    [InlineData("\u001b]11;?\a", "colour question")]
    [InlineData("\u001bPtmux;\u001b\u001b]52;c;ZXZpbA==\a\u001b\\", "passthrough")]
    [InlineData("\u001bP$q\"p\u001b\\", "DECRQSS")]
    [InlineData("\u001b_Gi=1,a=q;AAAA\u001b\\", "APC")]
    [InlineData("\u001b^pm\u001b\\", "PM")]
    [InlineData("\u001bXsos\u001b\\", "SOS")]
    [InlineData("\u001b[c", "DA")]
    [InlineData("\u001b[>c", "DA2")]
    [InlineData("\u001b[=c", "DA3")]
    [InlineData("\u001b[5n", "DSR")]
    [InlineData("\u001b[6n", "cursor position")]
    [InlineData("\u001b[?6n", "DECXCPR")]
    [InlineData("\u001b[?2004$p", "DECRQM")]
    [InlineData("\u001b[>q", "XTVERSION")]
    [InlineData("\u001b[?u", "keyboard question")]
    [InlineData("\u001b[>1u", "keyboard protocol")]
    [InlineData("\u001b[>4;2m", "key encoding")]
    [InlineData("\u001b[21t", "title report")]
    [InlineData("\u001b[8;1;1t", "window size")]
    [InlineData("\u001b[4i", "printing")]
    [InlineData("\u001b[1;2;3;4;5T", "highlight tracking")]
    [InlineData("\u001bZ", "DECID")]
    [InlineData("\u0005", "ENQ")]
    [InlineData("\u001b[?3h", "132 columns")]
    [InlineData("\u001b[?1004h", "focus reports")]
    [InlineData("\u202e\u2066\u061c", "direction")]
    public void What_acts_on_whoever_looks_is_left_out(string text, string what)
    {
        var passed = new OutputFilter().Pass($"<{text}>");
        Assert.True(passed.Replace("\u001b\\", "", StringComparison.Ordinal).TrimStart('\a') is "<>" or "<>", $"{what}: {Shown(passed)}");
        Assert.DoesNotContain('\u001b', passed);
    }

    [Theory]
    [InlineData("\u009b6n", "6n")]
    [InlineData("\u009d52;c;ZXZpbA==\u009c", "52;c;ZXZpbA==")]
    [InlineData("\u0090$qm\u009c", "$qm")]
    public void Controls_of_eight_bits_become_harmless_text(string text, string passed)
        => Assert.Equal(passed, new OutputFilter().Pass(text));

    [Fact]
    public void Of_several_modes_only_the_allowed_stay()
        => Assert.Equal("\u001b[?25;1049h", new OutputFilter().Pass("\u001b[?25;1004;1049;9999h"));

    [Fact]
    public void Numbers_are_bounded()
        => Assert.Equal("a\u001b[9999b\u001b[9999;9999H", new OutputFilter().Pass("a\u001b[2147483647b\u001b[99999999999999999999;12345H"));

    [Fact]
    public void A_string_without_an_end_does_not_hide_the_rest_for_ever()
    {
        var filter = new OutputFilter();
        Assert.Equal("", filter.Pass("\u001b]0;never"));
        Assert.Equal("\u001b[0mprompt$ ", filter.Pass("…\u001b[0mprompt$ "));
        filter.Pass("\u001b]0;never");
        Assert.EndsWith("x", filter.Pass(new string('x', (1 << 20) + 10)), StringComparison.Ordinal);
    }

    [Fact]
    public void It_tells_whether_pastes_are_marked()
    {
        var filter = new OutputFilter();
        filter.Pass("\u001b[?20");
        Assert.False(filter.BracketedPaste);
        filter.Pass("04h");
        Assert.True(filter.BracketedPaste);
        filter.Pass("\u001b[?2004l");
        Assert.False(filter.BracketedPaste);
    }

    [Fact]
    public void Whatever_comes_in_whatever_portions_the_result_is_the_same_and_only_what_is_allowed()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        string[] parts = ["\u001b", "[", "]", "?", ">", "P", "_", "^", "X", "k", "\\", "\a", ";", ":", "6", "n", "c", "t", "h", "25",
            "2004", "1004", "m", "52;c;", "$", "!", " ", "q", "p", "\u0018", "\u009b", "\u0090", "\u0005", "text", "ż", "👩‍💻", "\r\n",
            "99999999999", "\u202e", "\0"];
        for (var round = 0; round < 3000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => parts[random.Next(parts.Length)]));
            var whole = new OutputFilter().Pass(text);
            var filter = new OutputFilter();
            var pieces = "";
            for (var at = 0; at < text.Length;)
            {
                var length = random.Next(1, Math.Min(6, text.Length - at) + 1);
                pieces += filter.Pass(text.AsSpan(at, length));
                at += length;
            }

            Assert.True(whole == pieces, $"seed {seed}: portions of {Shown(text)} gave {Shown(pieces)} instead of {Shown(whole)}");
            Assert.True(IsHarmless(whole), $"seed {seed}: {Shown(text)} passed as {Shown(whole)}");
            Assert.True(new OutputFilter().Pass(whole) == whole, $"seed {seed}: filtering {Shown(whole)} again changes it");
        }
    }

    /// <summary>Written the other way round than the filter: by a pattern of everything that may pass.</summary>
    private static bool IsHarmless(string text) => System.Text.RegularExpressions.Regex.IsMatch(
        text,
        @"\A(?:[\a\b\t\n\v\f\r\x0e\x0f\x20-\x7e]|(?![\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])[\u00a0-\uffff]|\x1b[78DEHM=>c]|\x1b[()*+][0AB]|\x1b#8|\x1b\[[0-9;:]*[@A-HIJKLMPSTXZ`abdefgmrsu]|\x1b\[(4|20)(;(4|20))*[hl]|\x1b\[[0-9;:]* q|\x1b\[[0-9;:]*!p|\x1b\[\?[0-9;:]*[JK]|\x1b\[\?(1|5|6|7|12|25|45|47|66|1000|1002|1003|1006|1047|1048|1049|2004|2026)(;\d+)*[hl])*\z",
        System.Text.RegularExpressions.RegexOptions.CultureInvariant | System.Text.RegularExpressions.RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(5));

    private static string Shown(string text)
        => string.Concat(text.Select(
            c => c is >= ' ' and < '\u007f' ? c.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")));
}
