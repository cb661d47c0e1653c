using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>
/// Plays a capture through the translator: what the program wrote goes in, what we wrote then becomes the same call of ours.
/// </summary>
internal sealed class Replay
{
    public const string Project = "/home/user/code/claude";

    private Replay()
    {
    }

    public List<AgentEvent> Events { get; } = [];

    /// <summary>All lines we would have written.</summary>
    public List<JsonNode> Written { get; } = [];

    /// <summary>The lines with which we answered, as text.</summary>
    public List<string> Answers { get; } = [];

    public string? Violation { get; private set; }

    public ClaudeTranslator Translator { get; } = NewTranslator();

    public IReadOnlyList<T> Of<T>() => [.. Events.OfType<T>()];

    public T Only<T>() => Assert.Single(Of<T>());

    public string Text => string.Concat(Of<AgentBlock>().Where(b => b.Kind == BlockKind.Text).Select(b => b.Text));

    public static ClaudeTranslator NewTranslator()
        => new(Project, new ClaudeGate(ReadRules.For(Project), "/home/user/homes/claude/.claude", s_noTools), s_noTools);

    private static readonly ClaudeHostTools s_noTools = new([]);

    /// <param name="alter">What the program says in place of each line it said.</param>
    public static Replay Run(string capture, Func<JsonNode, IEnumerable<JsonNode>>? alter = null)
    {
        var replay = new Replay();
        foreach (var (isOut, data) in Capture.Read(capture))
        {
            if (isOut)
            {
                foreach (var line in alter?.Invoke(data) ?? [data])
                {
                    replay.Feed(line);
                }

                foreach (var hook in Capture.HooksFor(data))
                {
                    replay.Feed(hook);
                }
            }
            else
            {
                replay.Wrote(data);
            }
        }

        return replay;
    }

    public void Feed(JsonNode line)
    {
        var output = Translator.Translate(Capture.Bytes(line));
        Events.AddRange(output.Events);
        Written.AddRange(output.Lines.Select(l => JsonNode.Parse(l)!));
        Violation ??= output.Violation;
    }

    private void Wrote(JsonObject line)
    {
        switch (line["type"]!.GetValue<string>())
        {
            case "user":
                Translator.BeginTurn();
                break;
            case "control_request" when line["request"]!["subtype"]!.GetValue<string>() == "interrupt":
                Translator.BeginInterrupt();
                break;
            case "control_response":
                Answered(line["response"]!);
                break;
        }
    }

    private void Answered(JsonNode response)
    {
        var id = response["request_id"]!.GetValue<string>();
        var content = response["response"]!;
        if (content["behavior"] is null)
        {
            return;
        }

        var asked = Events.Last(e => e is AgentApprovalAsked a && a.RequestId == id || e is AgentQuestionAsked q && q.RequestId == id
            || e is AgentPlanProposed p && p.RequestId == id);
        AgentAnswer answer = (content["behavior"]!.GetValue<string>(), asked) switch
        {
            ("deny", _) => new AgentAnswer.Deny(content["message"]!.GetValue<string>(), content["interrupt"]?.GetValue<bool>() ?? false),
            (_, AgentApprovalAsked approval) => new AgentAnswer.Allow(approval.InputJson),
            (_, AgentQuestionAsked) => new AgentAnswer.Reply(
                content["updatedInput"]!["answers"]!.AsObject().ToDictionary(a => a.Key, a => a.Value!.GetValue<string>())),
            _ => new AgentAnswer.AcceptPlan(content["updatedPermissions"]?[0]?["mode"]?.GetValue<string>()),
        };
        var ours = Translator.Answer(id, answer);
        Assert.NotNull(ours);
        var node = JsonNode.Parse(ours)!;
        Written.Add(node);
        Answers.Add(Encoding.UTF8.GetString(ours));

        // What we write means what the recorded host wrote, which the program is known to accept.
        Assert.True(JsonNode.DeepEquals(node["response"]!["response"], Normal(content)),
            $"{Encoding.UTF8.GetString(ours)}\n{content.ToJsonString()}");
    }

    private static JsonObject Normal(JsonNode content)
    {
        var copy = content.DeepClone().AsObject();
        if (copy["behavior"]!.GetValue<string>() == "deny" && copy["interrupt"] is null)
        {
            copy["interrupt"] = false;
        }

        return copy;
    }
}
