using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PocketCoder.Testing.Feishu;

/// <summary>
/// What the platform is known to refuse in a card of JSON 2.0 (attributes that it does not know, names twice, too many tables), and what we
/// ask of ours besides: escaped markdown, no invisible characters, values that fit.
/// </summary>
public static partial class CardValidator
{
    /// <summary>The code for a card that can't be used.</summary>
    public const long Refused = 230099;

    private const int MostTables = 5;
    private const int MostElements = 200;
    private const int MostValueBytes = 8 * 1024;
    private const int MostOptions = 100;

    private static readonly SearchValues<char> s_markup = SearchValues.Create("&<>*_~`[]()#:!|\\$\"'+=-{}@");

    /// <summary>By tag: attributes that must be there, and those that may.</summary>
    private static readonly Dictionary<string, (string[] Needed, string[] May)> s_elements = new(StringComparer.Ordinal)
    {
        ["markdown"] = (["content"], ["text_align", "text_size", "margin"]),
        ["div"] = (["text"], ["margin"]),
        ["hr"] = ([], ["margin"]),
        ["button"] = (["text", "behaviors"], ["type", "name", "form_action_type", "width", "size", "disabled"]),
        ["input"] = (["name"], ["placeholder", "default_value", "required", "max_length", "input_type", "rows", "width"]),
        ["select_static"] = (["options"], ["name", "placeholder", "required", "initial_index", "initial_option", "width"]),
        ["form"] = (["name", "elements"], ["margin"]),
        ["column_set"] = (["columns"], ["flex_mode", "margin", "horizontal_spacing"]),
    };

    /// <summary>Everything that is wrong with a card; none when it is right.</summary>
    public static IReadOnlyList<string> Faults(string json)
    {
        var check = new Check();
        try
        {
            check.Card(JsonNode.Parse(json, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false }));
        }
        catch (JsonException)
        {
            check.Faults.Add("no JSON, or a name twice");
        }

        return check.Faults;
    }

    /// <summary>A card's bytes in a request: a JSON text in JSON.</summary>
    public static int Size(string json) => JsonEncodedText.Encode(json).EncodedUtf8Bytes.Length;

    [GeneratedRegex(@"&#\d{2,3};", RegexOptions.None, 1000)]
    private static partial Regex Entity();

    [GeneratedRegex(@"</?\s*(at|a|font|text_tag|link|person|img|audio|record|raw|highlight|local_datetime)\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Tag();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]{0,19}$", RegexOptions.None, 1000)]
    private static partial Regex ElementId();

    private sealed class Check
    {
        private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);
        private int _elements;
        private int _tables;

        public List<string> Faults { get; } = [];

        public void Card(JsonNode? node)
        {
            if (node is not JsonObject card)
            {
                Faults.Add("no object");
                return;
            }

            Only(card, "card", ["schema", "body"], ["config", "header"]);
            Is((string?)card["schema"] == "2.0", "schema must be 2.0");
            if (card["config"] is JsonObject config)
            {
                Only(config, "config", [], ["update_multi", "enable_forward", "width_mode", "summary", "streaming_mode", "streaming_config"]);
                Is((bool?)config["update_multi"] != false, "update_multi may only be true");
            }

            if (card["header"] is JsonObject header)
            {
                Only(header, "header", ["title"], ["subtitle", "template", "padding"]);
                Plain(header["title"], "title");
                Is(
                    (string?)header["template"] is null or "blue" or "wathet" or "green" or "orange" or "red" or "grey" or "carmine",
                    "no such template");
            }

            if (card["body"] is JsonObject body)
            {
                Only(body, "body", ["elements"], ["direction", "padding"]);
                Elements(body["elements"], inForm: false, depth: 0);
            }

            Is(_tables <= MostTables, "more than five tables (ErrCode: 11310)");
            Is(_elements <= MostElements, "more than 200 elements");
        }

        private void Elements(JsonNode? node, bool inForm, int depth)
        {
            Is(node is JsonArray, "elements must be an array");
            Is(depth <= 5, "too deep");
            foreach (var element in node as JsonArray ?? [])
            {
                Element(element as JsonObject ?? [], inForm, depth);
            }
        }

        private void Element(JsonObject element, bool inForm, int depth)
        {
            _elements++;
            var tag = (string?)element["tag"] ?? "";
            if (!s_elements.TryGetValue(tag, out var shape))
            {
                Faults.Add($"no element '{tag}'");
                return;
            }

            Only(element, tag, ["tag", .. shape.Needed], ["element_id", .. shape.May]);
            if ((string?)element["element_id"] is { } id)
            {
                Is(ElementId().IsMatch(id), $"'{id}' is no element id");
                Is(_ids.Add(id), $"element id '{id}' twice");
            }

            if ((string?)element["name"] is { } name)
            {
                Is(_names.Add(name), $"name '{name}' twice");
            }

            switch (tag)
            {
                case "markdown":
                    Markdown((string?)element["content"] ?? "");
                    break;
                case "div":
                    Plain(element["text"], "div", isLine: true);
                    break;
                case "button":
                    Button(element, inForm);
                    break;
                case "input":
                    Is(inForm, "an input outside a form never comes back");
                    var most = (int?)element["max_length"] ?? 1000;
                    Is(most is > 0 and <= 1000, "max_length is 1 to 1000");
                    Is(((string?)element["default_value"] ?? "").Length <= most, "default_value is too long");
                    Visible((string?)element["default_value"] ?? "", "default_value");
                    break;
                case "select_static":
                    Select(element);
                    break;
                case "form":
                    Is(!inForm && depth == 0, "a form stands at the root");
                    Elements(element["elements"], inForm: true, depth + 1);
                    Is(element["elements"]!.ToJsonString().Contains("\"form_action_type\":\"submit\"", StringComparison.Ordinal), "a form without submit");
                    break;
                case "column_set":
                    foreach (var column in element["columns"] as JsonArray ?? [])
                    {
                        Only((JsonObject)column!, "column", ["tag", "elements"], ["width", "weight", "vertical_align"]);
                        Elements(column!["elements"], inForm, depth + 1);
                    }

                    break;
            }
        }

        private void Button(JsonObject button, bool inForm)
        {
            Plain(button["text"], "button");
            Is((string?)button["type"] is null or "default" or "primary" or "primary_filled" or "danger", "no such type of button");
            Is(button["form_action_type"] is null || (inForm && button["name"] is not null), "a submit button needs a form and a name");
            Is(button["behaviors"] is JsonArray { Count: > 0 }, "a button without behaviour");
            foreach (var behaviour in button["behaviors"] as JsonArray ?? [])
            {
                var one = (JsonObject)behaviour!;
                if ((string?)one["type"] == "callback")
                {
                    Only(one, "callback", ["type", "value"], []);
                    Is(Encoding.UTF8.GetByteCount(one["value"]!.ToJsonString()) <= MostValueBytes, "a value of more than 8 KiB");
                }
                else
                {
                    Only(one, "open_url", ["type", "default_url"], ["pc_url", "ios_url", "android_url"]);
                    Is(((string?)one["default_url"])?.StartsWith("https://", StringComparison.Ordinal) == true, "an address that is not https");
                }
            }
        }

        private void Select(JsonObject select)
        {
            var options = select["options"] as JsonArray ?? [];
            Is(options.Count is > 0 and <= MostOptions, "1 to 100 options");
            foreach (var option in options)
            {
                Only((JsonObject)option!, "option", ["text", "value"], []);
                Plain(option!["text"], "option");
            }

            var chosen = (int?)select["initial_index"] ?? 1;
            Is(chosen >= 1 && chosen <= options.Count, "initial_index is no option");
        }

        /// <param name="isLine">Of a div, where size and colour may be said.</param>
        private void Plain(JsonNode? text, string where, bool isLine = false)
        {
            Is(text is JsonObject, $"{where} has no text");
            if (text is JsonObject plain)
            {
                Only(plain, where, ["tag", "content"], isLine ? ["text_size", "text_color"] : []);
                Is((string?)plain["text_size"] is null or "notation", "no such size");
                Is((string?)plain["text_color"] is null or "grey" or "red", "no such colour");
                Is((string?)plain["tag"] == "plain_text", $"{where} must be plain_text");
                Visible((string?)plain["content"] ?? "", where);
            }
        }

        private void Markdown(string text)
        {
            Visible(text, "markdown");
            var inCode = false;
            var lines = text.Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                var line = lines[i];
                if (line.StartsWith("```", StringComparison.Ordinal) && (!inCode || line == "```"))
                {
                    inCode = !inCode;
                    continue;
                }

                if (inCode)
                {
                    Is(!line.Contains("```", StringComparison.Ordinal) && !Tag().IsMatch(line), "code that could be markup");
                    continue;
                }

                if (line.StartsWith("| ", StringComparison.Ordinal) && line.EndsWith(" |", StringComparison.Ordinal))
                {
                    var isRule = line.All(c => c is '|' or '-' or ' ');
                    _tables += isRule ? 1 : 0;
                    line = isRule ? "" : line.Replace("|", "", StringComparison.Ordinal);
                }

                Is(Entity().Replace(line, "").AsSpan().IndexOfAny(s_markup) < 0, "markup that is not escaped");
                Is(!line.StartsWith("    ", StringComparison.Ordinal) && !line.StartsWith('\t'), "code by indentation");
            }

            Is(!inCode, "a block of code that is not closed");
        }

        private void Visible(string text, string where)
        {
            foreach (var rune in text.EnumerateRunes())
            {
                var category = Rune.GetUnicodeCategory(rune);
                Is(
                    rune.Value is '\n' or '\t' or 0x200D
                    || category is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator),
                    $"{where} has U+{rune.Value:X4}");
            }
        }

        private void Only(JsonObject owner, string what, string[] needed, string[] may)
        {
            foreach (var name in needed.Where(n => !owner.ContainsKey(n)))
            {
                Faults.Add($"{what} needs {name}");
            }

            foreach (var name in owner.Select(p => p.Key).Where(k => !needed.Contains(k) && !may.Contains(k)))
            {
                Faults.Add($"{what} has no attribute {name}");
            }
        }

        private void Is(bool holds, string otherwise)
        {
            if (!holds)
            {
                Faults.Add(otherwise);
            }
        }
    }
}
