using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Reads the lines of a transcript (<c>projects/&lt;directory&gt;/&lt;id&gt;.jsonl</c>, as written by 2.1.197). Anybody may have written
/// them: what is not understood is passed over. Holds what was found; for one reader.
/// </summary>
internal sealed class ClaudeTranscript
{
    private string? _given; // by the person
    private string? _made; // by the model
    private string? _first;
    private string? _last;

    /// <summary>Where it began, as its lines say.</summary>
    public string? Directory { get; private set; }

    /// <summary>What a sub-agent said to itself: no conversation of a person's.</summary>
    public bool IsSidechain { get; private set; }

    /// <summary>One line; null: nothing was said yet.</summary>
    public string? Title => (_given ?? _made ?? _first ?? _last) is { } text
        && BoundedText.OneLine(text) is { Length: > 0 } line ? line : null;

    /// <summary>What it is called, by the person or by the model; the beginning of what was said does not count. One line.</summary>
    public string? Name => (_given ?? _made) is { } text && BoundedText.OneLine(text) is { Length: > 0 } line ? line : null;

    public ConversationTail Said { get; } = new();

    public void Take(ReadOnlyMemory<byte> line)
    {
        using var document = line.Length == 0 ? null : LineJson.TryParse(line);
        if (document?.RootElement is not { ValueKind: JsonValueKind.Object } root)
        {
            return;
        }

        Directory ??= root.Text("cwd");
        switch (root.Text("type"))
        {
            case "custom-title":
                _given = root.Text("customTitle") ?? _given;
                break;
            case "ai-title":
                _made = root.Text("aiTitle") ?? _made;
                break;
            case "summary":
                _made ??= root.Text("summary");
                break;
            case "last-prompt":
                _last = root.Text("lastPrompt") ?? _last;
                break;
            case "user" when !root.IsTrue("isMeta") && !root.IsTrue("isCompactSummary"):
                Message(root, fromPerson: true);
                break;
            case "assistant":
                Message(root, fromPerson: false);
                break;
            default:
                break;
        }
    }

    private void Message(JsonElement root, bool fromPerson)
    {
        if (root.IsTrue("isSidechain"))
        {
            IsSidechain = true;
            return;
        }

        var at = DateTimeOffset.TryParse(root.Text("timestamp"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time : (DateTimeOffset?)null;
        var message = root.Object("message") ?? default;
        if (message.Text("content") is { } plain)
        {
            Text(plain);
            return;
        }

        foreach (var block in message.Items("content"))
        {
            if (block.Text("type") == "text" && block.Text("text") is { } text)
            {
                Text(text);
            }
            else if (!fromPerson && block.Text("type") == "tool_use" && block.Text("name") is { } tool)
            {
                Said.Add(AgentConversationSpeaker.Tool, About(tool, block.Object("input") ?? default), at);
            }
        }

        void Text(string text)
        {
            if (fromPerson && IsMachinery(text))
            {
                return;
            }

            if (fromPerson)
            {
                _first ??= text;
            }

            Said.Add(fromPerson ? AgentConversationSpeaker.Person : AgentConversationSpeaker.Agent, text, at);
        }
    }

    private static string About(string tool, JsonElement input)
        => (input.Text("command") ?? input.Text("file_path") ?? input.Text("pattern") ?? input.Text("url")
            ?? input.Text("description")) is { } what ? $"{tool}: {what}" : tool;

    /// <summary>
    /// What stands in the person's place but was written by the program: slash commands and their output, notes of the system.
    /// </summary>
    private static bool IsMachinery(string text)
    {
        var start = text.AsSpan().TrimStart();
        return start.StartsWith("<command-") || start.StartsWith("<local-command") || start.StartsWith("<bash-")
            || start.StartsWith("<system-reminder>") || start.StartsWith("Caveat: The messages below");
    }
}
