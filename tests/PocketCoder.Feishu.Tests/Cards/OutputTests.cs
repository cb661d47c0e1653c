using System.Globalization;
using PocketCoder.Feishu.Cards;

namespace PocketCoder.Feishu.Tests.Cards;

public sealed class OutputTests
{
    [Theory]
    [InlineData("a\u202eb", "a\\u{202E}b")]
    [InlineData("a\r\nb\rc\0", "a\nb\\u{000D}c\\u{0000}")]
    [InlineData("a\u200db", "a\\u{200D}b")]
    [InlineData("👩‍💻 🏳️‍🌈 1️⃣ 👍🏽 😀", "👩‍💻 🏳️‍🌈 1️⃣ 👍🏽 😀")]
    [InlineData("中文 é عربى", "中文 é عربى")]
    [InlineData("\u200d", "\\u{200D}")]
    public void What_can_not_be_seen_is_named_and_emoji_stay(string text, string shown) => Assert.Equal(shown, SafeText.Visible(text));

    [Fact]
    public void Half_a_surrogate_pair_is_named() => Assert.Equal("x\\u{D83D}y\\u{DE00}", SafeText.Visible("x\ud83dy\ude00"));

    [Fact]
    public void Markup_becomes_entities()
    {
        Assert.Equal("&#42;&#42;b&#42;&#42; &#60;at&#62; &#91;x&#93;&#40;y&#41;", SafeText.Markdown("**b** <at> [x](y)"));
        Assert.Equal("1&#46; one\n\u00A0\u00A0two. three", SafeText.Markdown("1. one\n  two. three"));
    }

    [Fact]
    public void Pages_cut_no_grapheme_lose_nothing_and_are_not_too_long()
    {
        var text = string.Concat(Enumerable.Repeat("word 👩‍💻 中文 e\u0301 ", 2_000));
        var pages = CardOutput.Pages(text);
        Assert.Equal(text, string.Concat(pages));
        Assert.All(pages, p => Assert.InRange(p.Length, 1, CardOutput.LongestPage));
        Assert.Equal(new StringInfo(text).LengthInTextElements, pages.Sum(p => new StringInfo(p).LengthInTextElements));
        Assert.All(pages, p => Assert.False(char.IsLowSurrogate(p[0]) || char.IsHighSurrogate(p[^1]) || p[0] == '\u200d'));
    }

    [Fact]
    public void A_block_of_code_is_closed_at_the_end_of_a_page_and_opened_on_the_next()
    {
        var pages = CardOutput.Pages("before\n```csharp\n" + string.Concat(Enumerable.Range(0, 400).Select(i => $"var line{i} = {i};\n")) + "```\nafter");
        Assert.True(pages.Count > 2);
        Assert.All(pages, p => Assert.Equal(0, p.Split('\n').Count(l => l.StartsWith("```", StringComparison.Ordinal)) % 2));
        Assert.All(pages.Skip(1), p => Assert.StartsWith("```csharp\n", p));
        Assert.All(pages.SkipLast(1), p => Assert.EndsWith("\n```", p));
        Assert.EndsWith("\n```\nafter", pages[^1]);
        Assert.Equal(400, pages.SelectMany(p => p.Split('\n')).Count(l => l.StartsWith("var ", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_block_that_is_not_closed_yet_is_closed_for_the_time_being()
        => Assert.Equal("```\nrunning\n```", Assert.Single(CardOutput.Pages("```\nrunning")));

    [Fact]
    public void Of_too_much_the_end_is_shown()
    {
        var pages = CardOutput.Pages(string.Concat(Enumerable.Range(0, 300_000).Select(i => $"{i}\n")) + "the end");
        Assert.InRange(pages.Count, 2, CardOutput.MostPages);
        Assert.EndsWith("the end", pages[^1]);
    }

    [Fact]
    public void The_sixth_table_is_text()
    {
        var table = "|a|b|\n|-|-|\n|*c*|d|\n\n";
        var markdown = CardOutput.Markdown(string.Concat(Enumerable.Repeat(table, 6)).TrimEnd());
        Assert.Equal(5, markdown.Split("| --- | --- |").Length - 1);
        Assert.Contains("| &#42;c&#42; | d |", markdown);
        Assert.EndsWith("```\n|a|b|\n|-|-|\n|*c*|d|\n```", markdown);
    }

    [Theory]
    [InlineData("```\n<at id=all></at>\n```")]
    [InlineData("```\n< AT id=all>\n```")]
    [InlineData("```\na ``` b\n```")]
    public void Code_that_a_client_might_take_for_markup_is_escaped(string output)
    {
        var markdown = CardOutput.Markdown(Assert.Single(CardOutput.Pages(output)));
        Assert.DoesNotContain('<', markdown);
        Assert.DoesNotContain('`', markdown);
    }
}
