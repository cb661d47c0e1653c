using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PocketCoder.Testing.Feishu;

/// <summary>
/// Draws a card of JSON 2.0 as a page of HTML, about as the platform's client does on a phone 390 px wide: so that people can look at our
/// cards without the platform. Of markdown only what our cards use: lines, entities, blocks of code, tables. Everything else is text. The
/// page is well-formed XML after its first line, has no script, and may load nothing. Pure.
/// </summary>
public static partial class CardDrawing
{
    /// <summary>How wide the page is, in CSS pixels.</summary>
    public const int Width = 390;

    /// <summary>The first line of each page.</summary>
    public const string DocType = "<!DOCTYPE html>\n";

    private const string Fence = "```";

    private const string Style = """
        * { box-sizing: border-box; }
        body { margin: 0; width: 390px; padding: 12px; background: #f2f3f5; color: #1f2329; font: 15px/1.5 Roboto, "Noto Sans CJK SC", sans-serif; }
        .card { background: #fff; border: 1px solid #dee0e3; border-radius: 8px; overflow: hidden; }
        .head { padding: 10px 12px; font-weight: 600; font-size: 16px; line-height: 1.4; overflow-wrap: anywhere; }
        .blue { background: #e1eaff; color: #0c296e; } .wathet { background: #d9f3fd; color: #044e67; }
        .green { background: #d9f5d6; color: #124b0c; } .orange { background: #feead2; color: #6b3900; }
        .red { background: #fde2e2; color: #7b1b15; } .grey { background: #eff0f1; color: #373c43; }
        .carmine { background: #fedef1; color: #6e0a4d; }
        .body { padding: 12px; display: flex; flex-direction: column; gap: 8px; }
        .form { display: flex; flex-direction: column; gap: 8px; }
        .line, .text { white-space: pre-wrap; overflow-wrap: anywhere; }
        .notation { font-size: 12px; } .muted { color: #646a73; } .bad { color: #d83931; } .strong { font-weight: 600; }
        .rule { height: 1px; background: #dee0e3; }
        .columns { display: flex; flex-wrap: wrap; gap: 8px; }
        .button { padding: 4px 12px; min-height: 32px; border: 1px solid #d0d3d6; border-radius: 6px; background: #fff; width: fit-content; max-width: 100%; overflow-wrap: anywhere; }
        .primary { color: #1456f0; border-color: #1456f0; } .danger { color: #d83931; border-color: #d83931; }
        .primary_filled { color: #fff; background: #1456f0; border-color: #1456f0; }
        .field { padding: 5px 12px; min-height: 34px; border: 1px solid #d0d3d6; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
        .long { min-height: 102px; }
        .hint { color: #8f959e; }
        .select { display: flex; justify-content: space-between; gap: 8px; }
        .code { margin: 0; padding: 8px 10px; background: #f5f6f7; border: 1px solid #eaebed; border-radius: 6px; font: 12px/1.5 "DejaVu Sans Mono", "Noto Sans Mono CJK SC", monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
        .added { background: #d9f5d6; } .gone { background: #fde2e2; }
        table { border-collapse: collapse; } th, td { border: 1px solid #dee0e3; padding: 3px 8px; text-align: start; overflow-wrap: anywhere; } th { background: #f5f6f7; }
        """;

    /// <summary>The page of a card.</summary>
    /// <exception cref="InvalidOperationException">It has an element, a template or a kind of button that isn't drawn.</exception>
    public static string Html(string json)
    {
        var card = JsonNode.Parse(json)!;
        var title = Plain(card["header"]!["title"]);
        var page = new StringBuilder(DocType)
            .Append("<html><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/>")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>")
            .Append("<style>").Append(Style).Append("</style></head><body><div class=\"card\">");
        Block(page, $"head {Known(card["header"]!["template"], "blue", "wathet", "green", "orange", "red", "grey", "carmine")}", title);
        page.Append("<div class=\"body\">");
        Elements(page, card["body"]!["elements"]);
        return page.Append("</div></div></body></html>").ToString();
    }

    [GeneratedRegex(@"&#(?<code>\d{2,3});", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Entity();

    private static void Elements(StringBuilder page, JsonNode? elements)
    {
        foreach (var element in elements!.AsArray())
        {
            Element(page, element!);
        }
    }

    private static void Element(StringBuilder page, JsonNode element)
    {
        switch ((string?)element["tag"])
        {
            case "markdown":
                Markdown(page, (string)element["content"]!);
                break;
            case "div":
                Block(page, $"line{Look(element["text"]!)}", Plain(element["text"]));
                break;
            case "hr":
                Block(page, "rule", "");
                break;
            case "button":
                Block(page, $"button {Known(element["type"], "default", "primary", "danger", "primary_filled")}", Plain(element["text"]));
                break;
            case "input":
                var shape = Known(element["input_type"] ?? "text", "text", "multiline_text") == "text" ? "field" : "field long";
                Field(page, shape, (string?)element["default_value"], Plain(element["placeholder"]));
                break;
            case "select_static":
                var chosen = (int?)element["initial_index"] is { } index ? Plain(element["options"]![index - 1]!["text"]) : null;
                Field(page, "field select", chosen, Plain(element["placeholder"]), "▾");
                break;
            case "form":
                page.Append("<div class=\"form\">");
                Elements(page, element["elements"]);
                page.Append("</div>");
                break;
            case "column_set":
                page.Append("<div class=\"columns\">");
                foreach (var column in element["columns"]!.AsArray())
                {
                    Elements(page, column!["elements"]);
                }

                page.Append("</div>");
                break;
            case var other:
                throw new InvalidOperationException($"The element '{other}' is not drawn.");
        }
    }

    private static string? Changed(string line) => line switch
    {
        ['+', '+', '+', ..] or ['-', '-', '-', ..] => null, // names of files
        ['+', ..] => "added",
        ['-', ..] => "gone",
        _ => null,
    };

    private static void Field(StringBuilder page, string kind, string? value, string hint, string mark = "")
    {
        page.Append("<div class=\"").Append(kind).Append("\">");
        _ = value is null ? page.Append("<span class=\"hint\">").Append(Text(hint)) : page.Append("<span>").Append(Text(value));
        page.Append("</span>");
        _ = mark.Length == 0 ? page : page.Append("<span class=\"hint\">").Append(mark).Append("</span>");
        page.Append("</div>");
    }

    private static string Look(JsonNode text)
    {
        var size = Known(text["text_size"] ?? "normal", "normal", "notation") == "notation" ? " notation" : "";
        return size + Known(text["text_color"] ?? "default", "default", "grey", "red") switch { "grey" => " muted", "red" => " bad", _ => "" };
    }

    private static void Markdown(StringBuilder page, string text)
    {
        var lines = text.Split('\n');
        var said = new List<string>();
        for (var i = 0; i < lines.Length; i++)
        {
            var isCode = lines[i].StartsWith(Fence, StringComparison.Ordinal);
            if (!isCode && !(IsRow(lines[i]) && i + 1 < lines.Length && IsRule(lines[i + 1])))
            {
                said.Add(Decoded(lines[i]));
                continue;
            }

            Paragraph(page, said);
            i = isCode ? Code(page, lines, i) : Table(page, lines, i);
        }

        Paragraph(page, said);
    }

    private static void Paragraph(StringBuilder page, List<string> lines)
    {
        var text = string.Join('\n', lines).Trim('\n');
        lines.Clear();
        if (text.Length > 0)
        {
            Block(page, "text", text);
        }
    }

    /// <returns>The line with the closing fence.</returns>
    private static int Code(StringBuilder page, string[] lines, int from)
    {
        var end = Array.IndexOf(lines, Fence, from + 1);
        end = end < 0 ? lines.Length : end;
        page.Append("<pre class=\"code\">");
        foreach (var line in lines[(from + 1)..end])
        {
            var kind = lines[from] == Fence + "diff" ? Changed(line) : null;
            page.Append(kind is null ? "<span>" : $"<span class=\"{kind}\">").Append(Text(line)).Append("</span>\n");
        }

        page.Append("</pre>");
        return end;
    }

    /// <returns>The last row's line.</returns>
    private static int Table(StringBuilder page, string[] lines, int from)
    {
        page.Append("<table>");
        var at = from;
        for (; at < lines.Length && IsRow(lines[at]); at++)
        {
            if (at == from + 1)
            {
                continue; // the rule below the heading
            }

            var cell = at == from ? "th" : "td";
            page.Append("<tr>");
            foreach (var text in lines[at][2..^2].Split(" | "))
            {
                page.Append('<').Append(cell).Append('>').Append(Text(Decoded(text))).Append("</").Append(cell).Append('>');
            }

            page.Append("</tr>");
        }

        page.Append("</table>");
        return at - 1;
    }

    private static bool IsRow(string line)
        => line.Length >= 4 && line.StartsWith("| ", StringComparison.Ordinal) && line.EndsWith(" |", StringComparison.Ordinal);

    private static bool IsRule(string line) => IsRow(line) && line.All(c => c is '|' or '-' or ' ');

    private static string Decoded(string markdown)
        => Entity().Replace(markdown, m => ((char)int.Parse(m.Groups["code"].Value, CultureInfo.InvariantCulture)).ToString());

    private static void Block(StringBuilder page, string kind, string text)
        => page.Append("<div class=\"").Append(kind).Append("\">").Append(Text(text)).Append("</div>");

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Plain(JsonNode? text)
        => (string?)text!["tag"] == "plain_text" ? (string)text["content"]! : throw new InvalidOperationException("A text that is not plain is not drawn.");

    private static string Known(JsonNode? word, params string[] known)
        => (string?)word is { } given && known.Contains(given, StringComparer.Ordinal) ? given
            : throw new InvalidOperationException($"'{word}' is not drawn.");
}
