using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Feishu.Cards;

/// <summary>A card as the platform takes it, and the same as text for where no card can be shown.</summary>
/// <param name="Json">JSON 2.0.</param>
/// <param name="Text">What it says, for a text message, without markup; buttons are left out, the app's address stays.</param>
public sealed record FeishuCard(string Json, string Text)
{
    /// <summary>The markdown of the element that live output is streamed to, or null when the card has none.</summary>
    public string? Live { get; init; }

    /// <summary>The card's JSON without its live output: as long as it is the same, only the output needs to be sent.</summary>
    public string Frame { get; init; } = Json;

    public override string ToString() => $"card of {Json.Length} characters";
}

/// <summary>
/// Builds a card of JSON 2.0 that is valid by construction: ids and names are given out here, untrusted text becomes plain text or escaped
/// markdown, inputs stand only in forms, and what is too long is cut with <c>…</c>. For one card, by one thread.
/// </summary>
internal sealed class CardBuilder
{
    /// <summary>What a card may have in the request, in bytes: as a JSON text in JSON, every special character escaped.</summary>
    public const int MostBytes = 28 * 1024;

    /// <summary>The element that live output is streamed to.</summary>
    public const string LiveElement = "live";

    private const int LongestTitle = 120;
    private const int LongestLine = 600;
    private const int LongestLabel = 40;
    private const int MostButtonsInRow = 3;
    private const int LongestFallback = 20_000;
    private const int OptionsCost = 6_000;
    private static readonly JsonWriterOptions s_relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _nonce;
    private readonly string _title;
    private readonly string _colour;
    private readonly IReadOnlyCollection<CardVerb> _without;
    private readonly StringBuilder _text = new();
    private readonly JsonArray _elements = [];
    private JsonArray _into;
    private JsonObject? _live;
    private int _ids;

    /// <param name="without">What no button is made for.</param>
    public CardBuilder(string nonce, string title, string colour, IReadOnlyCollection<CardVerb> without)
    {
        (_nonce, _title, _colour, _into, _without) = (nonce, SafeText.Line(title, LongestTitle), colour, _elements, without);
        _text.Append(_title).Append('\n');
    }

    /// <summary>A line as plain text.</summary>
    public CardBuilder Line(string text) => Line(text, size: null, colour: null);

    /// <summary>Lines beside the point: small and grey, close together.</summary>
    public CardBuilder Note(params string?[] lines)
        => lines.OfType<string>().ToArray() is { Length: > 0 } said ? Line(string.Join('\n', said), "notation", "grey") : this;

    /// <summary>A line that must not be passed over.</summary>
    public CardBuilder Warning(string text) => Line(text, size: null, "red");

    /// <summary>What was wrong with the last try.</summary>
    public CardBuilder Fault(string text) => Warning($"⚠ {text}");

    /// <summary>
    /// Text that must be shown exactly, as a block of code where that is safe. The caller looks before whether it <see cref="Fits"/>.
    /// </summary>
    public CardBuilder Exact(string text, string language)
    {
        var safe = SafeText.Visible(text);
        _text.Append(safe).Append('\n');
        return CardOutput.Block(safe, language) is { } block && !HasEntity(safe) ? Add("markdown", e => e["content"] = block)
            : Add("div", e => e["text"] = Plain(safe));
    }

    /// <summary>A page of an agent's output.</summary>
    /// <param name="isLive">Whether it is the element that is streamed to.</param>
    public CardBuilder Output(string page, bool isLive = false)
    {
        _text.Append(page).Append('\n');
        return Add("markdown", e => e["content"] = CardOutput.Markdown(page), isLive ? LiveElement : null);
    }

    public CardBuilder Rule() => Add("hr", _ => { });

    /// <summary>Buttons, up to three in a row.</summary>
    public CardBuilder Buttons(params CardButton?[] buttons)
    {
        var there = buttons.OfType<CardButton>().Where(b => b.Intent is not { } intent || !_without.Contains(intent.Verb));
        foreach (var row in there.Chunk(MostButtonsInRow))
        {
            if (row.Length == 1)
            {
                _into.Add((JsonNode)Button(row[0]));
                continue;
            }

            Add("column_set", set =>
            {
                set["flex_mode"] = "flow";
                set["columns"] = new JsonArray([.. row.Select(b => (JsonNode)new JsonObject
                {
                    ["tag"] = "column", ["width"] = "auto", ["elements"] = new JsonArray(Button(b)),
                })]);
            });
        }

        return this;
    }

    /// <summary>A form; what stands in it comes back with its submit button.</summary>
    public CardBuilder Form(Action<CardBuilder> fill, CardButton submit)
    {
        var elements = new JsonArray();
        var outer = _into;
        Add("form", form =>
        {
            form["name"] = NewId("form");
            form["elements"] = elements;
        });
        _into = elements;
        fill(this);
        var button = Button(submit);
        button["name"] = NewId("send");
        button["form_action_type"] = "submit";
        elements.Add((JsonNode)button);
        _into = outer;
        return this;
    }

    /// <param name="name">Unique in the card; one that <see cref="CardIntent"/> knows.</param>
    public CardBuilder Input(string name, string label, int most, string? value = null, bool isNeeded = true, bool isLong = false)
    {
        // Nobody is to send what they can't see.
        var isFilled = value is { Length: > 0 } && value.Length <= most && value == SafeText.Visible(value);
        return (isFilled ? Label(label) : this).Add("input", input =>
        {
            input["name"] = name;
            input["width"] = "fill";
            input["required"] = isNeeded;
            input["max_length"] = Math.Min(most, CardIntent.LongestPrompt);
            input["placeholder"] = Plain(SafeText.Line(label, LongestLabel * 2));
            if (isFilled)
            {
                input["default_value"] = value;
            }

            if (isLong)
            {
                input["input_type"] = "multiline_text";
                input["rows"] = 4;
            }
        });
    }

    /// <summary>A choice of one. Options beyond the room that a card has are left out: the answer says how many.</summary>
    public int Select(string name, string label, IReadOnlyList<CardOption> options, string? chosen, bool isNeeded = true)
    {
        var (items, cost, index) = (new JsonArray(), 0, 0);
        foreach (var option in options)
        {
            var shown = SafeText.Line(option.Label, LongestLabel * 2);
            cost += CardOutput.Cost(shown) + CardOutput.Cost(option.Value) + 150;
            if (cost > OptionsCost)
            {
                break;
            }

            items.Add((JsonNode)new JsonObject { ["text"] = Plain(shown), ["value"] = option.Value });
            index = option.Value == chosen ? items.Count : index;
        }

        (index > 0 ? Label(label) : this).Add("select_static", select =>
        {
            select["name"] = name;
            select["width"] = "fill";
            select["required"] = isNeeded;
            select["placeholder"] = Plain(SafeText.Line(label, LongestLabel * 2));
            select["options"] = items;
            if (index > 0)
            {
                select["initial_index"] = index;
            }
        });
        return options.Count - items.Count;
    }

    /// <exception cref="FeishuException">The card has no room for it: the template that made it is wrong.</exception>
    public FeishuCard Build()
    {
        var config = new JsonObject
        {
            ["update_multi"] = true,
            ["enable_forward"] = false,
            ["width_mode"] = "fill",
            ["summary"] = new JsonObject { ["content"] = _title },
        };
        var card = new JsonObject
        {
            ["schema"] = "2.0",
            ["config"] = config,
            ["header"] = new JsonObject { ["title"] = Plain(_title), ["template"] = _colour },
            ["body"] = new JsonObject { ["direction"] = "vertical", ["elements"] = _elements },
        };
        var (json, live) = (Written(card), (string?)_live?["content"]);
        if (Size(json) > MostBytes)
        {
            throw new FeishuException(FeishuError.TooLarge, $"A card has at most {MostBytes} bytes in its request.");
        }

        _ = _live is null ? null : _live["content"] = "";
        return new FeishuCard(json, SafeText.Cut(SafeText.Message(_text.ToString().TrimEnd()), LongestFallback))
        {
            Live = live,
            Frame = _live is null ? json : Written(card),
        };
    }

    /// <summary>Whether a text that may not be cut has room in a card.</summary>
    public static bool Fits(string text) => CardOutput.Cost(SafeText.Visible(text)) <= 12_000;

    /// <summary>A card's bytes as a JSON text in a request.</summary>
    public static int Size(string json) => JsonEncodedText.Encode(json).EncodedUtf8Bytes.Length;

    /// <summary>Whether a client that reads entities also in code would show something else.</summary>
    private static bool HasEntity(string text)
    {
        var at = text.IndexOf('&');
        while (at >= 0 && (at + 1 == text.Length || !(text[at + 1] == '#' || char.IsAsciiLetter(text[at + 1]))))
        {
            at = text.IndexOf('&', at + 1);
        }

        return at >= 0;
    }

    /// <summary>As JSON in which only what must be is escaped.</summary>
    public static string Written(JsonObject card)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, s_relaxed))
        {
            card.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Above a field that is filled in, so that it shows no placeholder. The card's text has no fields.</summary>
    private CardBuilder Label(string label)
        => Add("div", e => e["text"] = Plain(SafeText.Line(label, LongestLabel * 2), "notation", "grey"));

    private CardBuilder Line(string text, string? size, string? colour)
    {
        var safe = SafeText.Cut(SafeText.Visible(text), LongestLine);
        _text.Append(safe).Append('\n');
        return Add("div", e => e["text"] = Plain(safe, size, colour));
    }

    private static JsonObject Plain(string text, string? size, string? colour)
    {
        var plain = Plain(text);
        _ = size is null ? null : plain["text_size"] = size;
        _ = colour is null ? null : plain["text_color"] = colour;
        return plain;
    }

    private static JsonObject Plain(string text) => new() { ["tag"] = "plain_text", ["content"] = text };

    private JsonObject Button(CardButton button)
    {
        var behaviour = new JsonObject();
        if (button.Address is { } address)
        {
            behaviour["type"] = "open_url";
            behaviour["default_url"] = address.Scheme == Uri.UriSchemeHttps || address.IsLoopback ? address.AbsoluteUri
                : throw new FeishuException(FeishuError.Invalid, "A button leads only to an https address.");
            _text.Append(button.Label).Append(": ").Append(address.AbsoluteUri).Append('\n');
        }
        else
        {
            var value = new JsonObject();
            foreach (var (key, text) in (button.Intent! with { Nonce = _nonce }).Values())
            {
                value[key] = text;
            }

            behaviour["type"] = "callback";
            behaviour["value"] = value;
        }

        return new JsonObject
        {
            ["tag"] = "button",
            ["element_id"] = NewId("e"),
            ["type"] = button.Kind,
            ["text"] = Plain(SafeText.Line(button.Label, LongestLabel)),
            ["behaviors"] = new JsonArray(behaviour),
        };
    }

    private CardBuilder Add(string tag, Action<JsonObject> fill, string? id = null)
    {
        var element = new JsonObject { ["tag"] = tag, ["element_id"] = id ?? NewId("e") };
        fill(element);
        _live = id == LiveElement ? element : _live;
        _into.Add((JsonNode)element);
        return this;
    }

    private string NewId(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{++_ids}");
}

/// <summary>A button that sends an intent, or opens an address.</summary>
/// <param name="Kind">One of the platform's.</param>
internal sealed record CardButton(string Label, CardIntent? Intent, string Kind = CardButton.Plain, Uri? Address = null)
{
    public const string Plain = "default";

    /// <summary>What the card is for: at most one in it, unless several ask for the same.</summary>
    public const string Main = "primary_filled";

    /// <summary>What ends, refuses or deletes.</summary>
    public const string Danger = "danger";
}
