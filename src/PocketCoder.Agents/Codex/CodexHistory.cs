using System.Text.Json;

namespace PocketCoder.Agents.Codex;

/// <summary>The words of a conversation that a terminal began, for a new one to begin with: <c>thread/inject_items</c> (0.169.0).</summary>
internal static class CodexHistory
{
    /// <summary>Characters, the last ones: a model's context needs room for more.</summary>
    internal const int Most = 128 * 1024;

    public static void Write(Utf8JsonWriter w, string threadId, IReadOnlyList<AgentConversationPart> said)
    {
        w.WriteString("threadId", threadId);
        w.WriteStartArray("items");
        foreach (var part in Last(said))
        {
            var isPerson = part.Who == AgentConversationSpeaker.Person;
            w.WriteStartObject();
            w.WriteString("type", "message");
            w.WriteString("role", isPerson ? "user" : "assistant");
            w.WriteStartArray("content");
            w.WriteStartObject();
            w.WriteString("type", isPerson ? "input_text" : "output_text");
            w.WriteString("text", part.Text);
            w.WriteEndObject();
            w.WriteEndArray();
            w.WriteEndObject();
        }

        w.WriteEndArray();
    }

    /// <summary>What was said, not what was called: a call without its outcome would only mislead.</summary>
    internal static IReadOnlyList<AgentConversationPart> Last(IReadOnlyList<AgentConversationPart> said)
    {
        var characters = 0;
        return [.. said.Where(p => p.Who != AgentConversationSpeaker.Tool).Reverse().TakeWhile(p => (characters += p.Text.Length) <= Most)
            .Reverse()];
    }
}
