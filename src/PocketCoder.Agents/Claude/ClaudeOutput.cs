using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>What one line of the program leads to: events for the machine, lines to write back, and at most one of the rest.</summary>
internal sealed class ClaudeOutput
{
    public List<AgentEvent> Events { get; } = [];

    /// <summary>To be written before the events are handed on.</summary>
    public List<byte[]> Lines { get; } = [];

    /// <summary>The answer to one of our own requests.</summary>
    public ClaudeReply? Reply { get; set; }

    /// <summary>The program did what it must not: it is to be killed, for this reason.</summary>
    public string? Violation { get; set; }
}

/// <param name="Error">Null: it worked.</param>
/// <param name="Offers">What the answer to <c>initialize</c> offers.</param>
internal sealed record ClaudeReply(string RequestId, string? Error, ClaudeOffers Offers)
{
    public static ClaudeReply? From(JsonElement line)
    {
        if (line.Object("response") is not { } response || response.Text("request_id") is not { } id)
        {
            return null;
        }

        var error = response.Text("subtype") == "success" ? null : response.Text("error") ?? "refused";
        return new ClaudeReply(id, error, response.Object("response") is { } content ? ClaudeOffers.From(content) : ClaudeOffers.None);
    }
}
