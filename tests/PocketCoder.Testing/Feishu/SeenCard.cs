using System.Text.Json.Nodes;

namespace PocketCoder.Testing.Feishu;

/// <summary>A card as a person sees it now.</summary>
public sealed record SeenCard(string Message, string Chat, string Title, string Text, IReadOnlyList<JsonObject> Buttons)
{
    public IEnumerable<string> Verbs => Buttons.Select(b => (string)b["a"]!);

    public static SeenCard Of(FakeFeishu platform, FakeMessage message, string chat)
    {
        var root = JsonNode.Parse(message.Content)!.AsObject();
        var streamed = "";
        if (root["type"]?.GetValue<string>() == "card")
        {
            var card = platform.Cards[(string)root["data"]!["card_id"]!];
            root = JsonNode.Parse(card.Data)!.AsObject();
            streamed = string.Join('\n', card.Elements.Values);
        }

        var (buttons, text) = (new List<JsonObject>(), new List<string> { streamed });
        Walk(root, buttons, text);
        return new SeenCard(message.Id, chat, (string)root["header"]!["title"]!["content"]!, string.Join('\n', text), buttons);
    }

    public bool Has(string verb) => Verbs.Contains(verb, StringComparer.Ordinal);

    /// <summary>What the button for a verb sends.</summary>
    public JsonObject Button(string verb, Func<JsonObject, bool>? which = null)
        => Buttons.FirstOrDefault(b => (string)b["a"]! == verb && (which?.Invoke(b) ?? true))
            ?? throw new InvalidOperationException($"'{Title}' has no button {verb}: {string.Join(' ', Verbs)}");

    private static void Walk(JsonNode? node, List<JsonObject> buttons, List<string> text)
    {
        switch (node)
        {
            case JsonObject o:
                if (o["value"] is JsonObject value && value.ContainsKey("a"))
                {
                    buttons.Add(value);
                }

                if (o["content"] is JsonValue content)
                {
                    text.Add((string)content!);
                }

                foreach (var (_, child) in o)
                {
                    Walk(child, buttons, text);
                }

                break;
            case JsonArray a:
                foreach (var child in a)
                {
                    Walk(child, buttons, text);
                }

                break;
        }
    }
}
