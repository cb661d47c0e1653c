using System.Text.Json.Nodes;
using System.Xml.Linq;
using PocketCoder.Feishu.Cards;
using PocketCoder.Testing;
using PocketCoder.Testing.Feishu;

namespace PocketCoder.Feishu.Tests.Cards;

public sealed class DrawingTests
{
    private static readonly string[] s_elements
        = ["html", "head", "meta", "style", "body", "div", "span", "pre", "table", "tr", "th", "td"];

    [Fact]
    public void Every_agreed_card_can_be_drawn()
    {
        var files = Directory.GetFiles(Repository.PathOf("tests/PocketCoder.Feishu.Tests/Cards/Agreed"), "*.json");
        Assert.True(files.Length > 30);
        Assert.All(files, f => Drawn(File.ReadAllText(f)));
    }

    [Fact]
    public void Whatever_stands_in_a_card_is_drawn_as_text()
    {
        for (var seed = 1; seed < 12; seed++)
        {
            var hostile = new Hostile(seed);
            foreach (var (_, view) in CardSamples.All(_ => hostile.Text(20), many: seed))
            {
                Drawn(CardRenderer.Render(view, CardSamples.Context((CardLanguage)(seed % 2))).Json);
            }
        }
    }

    [Fact]
    public void Entities_code_and_tables_are_drawn_as_the_platform_shows_them()
    {
        var output = "a < 2 & *x*\n```js\na &lt; <b>\n```\n| a | b |\n| - | - |\n| 1 | *2* |\nend";
        var view = new TurnView("s", "t", CardState.Complete, "codex", null, "/srv", output);
        var page = Drawn(CardRenderer.Render(view, CardSamples.Context()).Json);
        Assert.Equal(["a < 2 & *x*", "end"], Texts(page, "text"));
        Assert.Equal(["a &lt; <b>\n"], Texts(page, "code"));
        Assert.Equal(["a", "b", "1", "*2*"], page.Descendants().Where(e => e.Name.LocalName is "th" or "td").Select(e => e.Value));
    }

    [Theory]
    [InlineData("\"div\"", "\"img\"")]
    [InlineData("\"plain_text\"", "\"lark_md\"")]
    [InlineData("\"red\"", "\"red onload\"")]
    [InlineData("\"danger\"", "\"laser\"")]
    public void What_is_not_known_is_not_drawn(string known, string unknown)
    {
        const string Json = """
            {"header":{"title":{"tag":"plain_text","content":"x"},"template":"red"},"body":{"elements":[
            {"tag":"div","text":{"tag":"plain_text","content":"y"}},{"tag":"button","type":"danger","text":{"tag":"plain_text","content":"z"}}]}}
            """;
        Drawn(Json);
        Assert.Throws<InvalidOperationException>(() => CardDrawing.Html(Json.Replace(known, unknown, StringComparison.Ordinal)));
    }

    /// <summary>The page, which has nothing but our elements and classes, and every plain text of the card as it is.</summary>
    private static XDocument Drawn(string json)
    {
        var html = CardDrawing.Html(json);
        Assert.StartsWith(CardDrawing.DocType, html, StringComparison.Ordinal);
        var page = XDocument.Parse(html[CardDrawing.DocType.Length..], LoadOptions.PreserveWhitespace);
        Assert.Empty(page.Descendants().Select(e => e.Name.LocalName).Except(s_elements));
        Assert.Single(page.Descendants("style"));
        var attributes = page.Descendants("body").DescendantsAndSelf().Attributes();
        Assert.All(attributes, a => Assert.True(a.Name == "class" && a.Value.All(c => char.IsAsciiLetterLower(c) || c is ' ' or '_')));

        var drawn = page.Descendants("body").Descendants().Where(e => !e.HasElements).Select(e => e.Value).ToList();
        var card = JsonNode.Parse(json)!;
        Assert.Contains((string)card["header"]!["title"]!["content"]!, drawn);
        Assert.All(
            card["body"]!["elements"]!.AsArray().Where(e => (string?)e!["tag"] == "div"),
            e => Assert.Contains(((string)e!["text"]!["content"]!).ReplaceLineEndings("\n"), drawn));
        return page;
    }

    private static IEnumerable<string> Texts(XDocument page, string kind)
        => page.Descendants().Where(e => (string?)e.Attribute("class") == kind).Select(e => e.Value);
}
