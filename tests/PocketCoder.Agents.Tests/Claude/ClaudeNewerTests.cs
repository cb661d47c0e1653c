using System.Text.Json.Nodes;
using PocketCoder.Agents;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>Recorded conversations as a newer program might tell them: with lines, fields and words that nobody knows yet.</summary>
public sealed class ClaudeNewerTests
{
    private static readonly string[] s_unknownLines =
    [
        """{"type":"hologram","payload":{"a":[1,2,3]},"session_id":"s"}""",
        """{"type":"system","subtype":"telepathy","level":7}""",
        """{"type":"stream_event","event":{"type":"quantum_delta","index":0,"delta":{"type":"entangled","x":1}}}""",
        """{"type":"stream_event","event":{"type":"content_block_delta","index":97,"delta":{"type":"smell_delta","smell":"roses"}}}""",
        """{"type":"stream_event"}""",
        """{"type":7}""",
        """["no object"]""",
    ];

    public static TheoryData<string> Captures => [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Claude", "Captures"),
        "*.jsonl").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Captures))]
    public void What_nobody_knows_yet_changes_nothing_of_what_is_understood(string capture)
    {
        var plain = Replay.Run(capture);
        var newer = Replay.Run(capture, line => [.. s_unknownLines.Select(l => JsonNode.Parse(l)!), WithMore(line)]);
        Assert.Equal(plain.Events.Select(e => e.GetType().Name), newer.Events.Select(e => e.GetType().Name));
        Assert.Equal(plain.Text, newer.Text);
        Assert.Equal(plain.Of<AgentTurnEnded>().Select(e => (e.Outcome, e.Error)),
            newer.Of<AgentTurnEnded>().Select(e => (e.Outcome, e.Error)));
        Assert.Equal(plain.Violation, newer.Violation);
    }

    [Theory]
    [InlineData(false, TurnOutcome.Completed)]
    [InlineData(true, TurnOutcome.Failed)]
    public void A_turn_ends_also_by_a_result_of_a_kind_nobody_knows(bool isError, TurnOutcome outcome)
    {
        var newer = Replay.Run("plain-text", line =>
        {
            if (line["type"]?.GetValue<string>() == "result")
            {
                line = line.DeepClone();
                line["subtype"] = "ended_by_tomorrows_reason";
                line["is_error"] = isError;
            }

            return [line];
        });
        Assert.Equal(outcome, newer.Only<AgentTurnEnded>().Outcome);
    }

    /// <summary>Fields nobody knows, in every object that is the program's own and not the model's or a tool's.</summary>
    private static JsonNode WithMore(JsonNode line)
    {
        var copy = line.DeepClone();
        foreach (var part in (JsonNode?[])[copy, copy["message"], copy["event"], copy["event"]?["delta"], copy["event"]?["content_block"],
            copy["usage"]])
        {
            if (part is JsonObject known)
            {
                known["tomorrow"] = JsonNode.Parse("""{"deep":[{"x":null},1e3,"\u0000"]}""");
            }
        }

        return copy;
    }
}
