using System.Text.Json;
using PocketCoder.Feishu.Cards;
using PocketCoder.Feishu.Events;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>
/// A card's action as the platform would send it, or as the older bot's cards did: what is wanted, and the sender's id of the request.
/// Pure.
/// </summary>
/// <param name="RequestId">The same again does nothing twice; null: nobody can tell.</param>
internal sealed record CardActionBody(CardIntent Intent, string? RequestId)
{
    private const int MostDepth = 16;
    private const int MostValues = 32;

    /// <summary>The older bot's intents, by what they are here.</summary>
    private static readonly Dictionary<string, string> s_older = new(StringComparer.Ordinal)
    {
        ["project.home"] = "home",
        ["project.new"] = "project.new",
        ["project.create"] = "project.create",
        ["project.manage"] = "project.manage",
        ["project.list"] = "project.manage",
        ["project.open"] = "project.open",
        ["project.delete"] = "project.delete",
    };

    /// <exception cref="LocalFailure">INVALID_REQUEST; the message quotes nothing of it.</exception>
    public static CardActionBody Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(
                body, new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false });
            var root = document.RootElement;
            var happened = Part(root, "event") ?? root;
            var action = Part(happened, "action") ?? throw LocalFailure.Wrong("The body has no action.");
            var value = Texts(Part(action, "value"));
            var form = Texts(Part(action, "form_value"));
            var id = value.GetValueOrDefault("request_id") ?? Text(Part(root, "header"), "event_id") ?? Text(root, "event_id");
            var isOlder = value.ContainsKey("intent_key");
            if (isOlder)
            {
                (value, form) = Older(value, form);
            }

            var intent = CardIntent.Read(new CardAction(
                null, null, null, null, "button", null, value,
                form.ToDictionary(f => f.Key, f => (IReadOnlyList<string>)[f.Value], StringComparer.Ordinal), null, null, [], null));
            return new CardActionBody(intent, id ?? (isOlder ? null : intent.Nonce));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text that is no Unicode
        {
            throw LocalFailure.Wrong("The body is no JSON object, is too deep, or has a name twice.");
        }
        catch (FeishuException e)
        {
            throw LocalFailure.Wrong(e.Message);
        }
    }

    public override string ToString() => Intent.ToString();

    private static (Dictionary<string, string> Value, Dictionary<string, string> Form) Older(
        Dictionary<string, string> value, Dictionary<string, string> form)
    {
        if (!s_older.TryGetValue(value["intent_key"], out var verb))
        {
            throw LocalFailure.Wrong("This intent is none of a direct chat's that there is here.");
        }

        var here = new Dictionary<string, string>(StringComparer.Ordinal) { ["a"] = verb, ["n"] = "older" };
        if (value.GetValueOrDefault("project_id") is { } project)
        {
            here["p"] = project;
        }

        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in (string[])["name", "backend", "agent", "folder"])
        {
            if (form.GetValueOrDefault(name) is { } filled)
            {
                fields[name == "backend" ? "agent" : name] = filled switch
                {
                    "claude_code" => "claude",
                    "cursor_agent" => "cursor",
                    _ => filled,
                };
            }
        }

        return (here, verb == "project.create" ? fields : []);
    }

    private static JsonElement? Part(JsonElement of, string name)
        => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out var part) && part.ValueKind == JsonValueKind.Object ? part
            : null;

    private static string? Text(JsonElement? of, string name)
        => of is { ValueKind: JsonValueKind.Object } there && there.TryGetProperty(name, out var part)
            && part.ValueKind == JsonValueKind.String ? part.GetString() : null;

    private static Dictionary<string, string> Texts(JsonElement? of)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in of is { } there ? there.EnumerateObject() : default)
        {
            if (property.Value.ValueKind != JsonValueKind.String || texts.Count >= MostValues)
            {
                throw LocalFailure.Wrong($"An action has at most {MostValues} values, each a text.");
            }

            texts[property.Name] = property.Value.GetString()!;
        }

        return texts;
    }
}
