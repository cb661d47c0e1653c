using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Tests.Cursor;

/// <summary>What Cursor asks by ACP beyond the protocol, as its documents and public clients describe it.</summary>
public sealed class CursorExtensionTests
{
    private const string Question =
        """{"toolCallId":"t","title":"Setup","questions":[{"id":"q1","prompt":"Which?","options":[{"id":"a","label":"This, or that"},{"id":"b","label":"Other"}]},{"id":"q2","prompt":"Which of them?","allowMultiple":true,"options":[{"id":"x","label":"X"},{"id":"y","label":"Y"}]}]}""";

    private static readonly AgentStart s_inRoot = new() { SessionId = Guid.Empty, WorkingDirectory = "/" };

    private readonly AcpTranslator _acp;
    private readonly List<AgentEvent> _events = [];

    public CursorExtensionTests()
    {
        _acp = new AcpTranslator(KnownAcpAgents.Cursor, new AcpRequests(KnownAcpAgents.Cursor, s_inRoot, (_, _) => Task.CompletedTask))
        { SessionId = "S" };
        _acp.BeginTurn();
    }

    [Fact]
    public void A_question_is_answered_with_the_ids_of_what_was_chosen()
    {
        Assert.Empty(Ask(7, "cursor/ask_question", Question));
        var asked = Assert.IsType<AgentQuestionAsked>(Assert.Single(_events));
        Assert.Equal(["Which?", "Which of them?"], asked.Questions.Select(q => q.Text));
        Assert.Equal([false, true], asked.Questions.Select(q => q.MultiSelect));
        var line = Line(_acp.Answer(asked.RequestId, new AgentAnswer.Reply(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["Which?"] = "This, or that", ["Which of them?"] = "X, Y" }))!);
        Assert.Equal("""{"outcome":{"outcome":"answered","answers":[{"questionId":"q1","selectedOptionIds":["a"]},{"questionId":"q2","selectedOptionIds":["x","y"]}]}}""", line);
        Assert.Null(_acp.Answer(asked.RequestId, new AgentAnswer.Deny("late")));
    }

    [Fact]
    public void A_question_that_nobody_answers_is_skipped_and_one_without_a_way_to_answer_is_refused()
    {
        Ask(7, "cursor/ask_question", Question);
        var stop = _acp.Interrupt();
        Assert.Contains("\"outcome\":\"skipped\"", Encoding.UTF8.GetString(stop.Lines[0]), StringComparison.Ordinal);
        Assert.Single(stop.Events.OfType<AgentRequestWithdrawn>());
        _acp.BeginTurn();
        foreach (var broken in (string[])["{}", """{"questions":[]}""", """{"questions":[{"prompt":"Which?"}]}""",
            """{"questions":[{"id":"q"}]}"""])
        {
            Assert.Contains("-32601", Assert.Single(Ask(8, "cursor/ask_question", broken)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_plan_is_accepted_rejected_with_the_reason_or_cancelled()
    {
        const string Plan =
            """{"toolCallId":"t","name":"Move","overview":"In short","plan":"1. move","todos":[{"id":"1","content":"move it","status":"pending"}]}""";
        Assert.Equal("""{"outcome":{"outcome":"accepted"}}""", Answer(new AgentAnswer.AcceptPlan()));
        Assert.Equal("""{"outcome":{"outcome":"rejected","reason":"no"}}""", Answer(new AgentAnswer.Deny("no")));
        Assert.Equal("""{"outcome":{"outcome":"cancelled"}}""", Answer(new AgentAnswer.Deny("stopped", Interrupt: true)));

        string Answer(AgentAnswer answer)
        {
            _events.Clear();
            _acp.BeginTurn();
            Assert.Empty(Ask(9, "cursor/create_plan", Plan));
            var proposed = Assert.IsType<AgentPlanProposed>(Assert.Single(_events));
            Assert.Equal("# Move\n\nIn short\n\n1. move\n\n- move it", proposed.Plan);
            return Line(_acp.Answer(proposed.RequestId, answer)!);
        }
    }

    [Fact]
    public void The_list_of_what_is_to_do_is_replaced_or_changed_by_request_or_by_notification()
    {
        Assert.Contains("accepted", Assert.Single(Ask(1, "cursor/update_todos",
            """{"todos":[{"id":"1","content":"a","status":"pending"},{"id":"2","content":"b","status":"pending"}]}""")),
            StringComparison.Ordinal);
        Tell("cursor/update_todos",
            """{"merge":true,"todos":[{"id":"2","content":"b","status":"completed"},{"id":"3","content":"c","status":"in_progress"},{"id":"1","content":"a","status":"cancelled"}]}""");
        Assert.Equal([("b", TodoState.Done), ("c", TodoState.Active)],
            _events.OfType<AgentTodos>().Last().Items.Select(i => (i.Text, i.State)));
        Tell("cursor/update_todos", """{"todos":[]}""");
        Assert.Empty(_events.OfType<AgentTodos>().Last().Items);
    }

    [Fact]
    public void What_other_agents_ask_beyond_the_protocol_is_refused()
    {
        var other = new AgentRequestTarget();
        Assert.Contains("-32601", other.Ask("cursor/ask_question", Question), StringComparison.Ordinal);
    }

    private static string Line(RpcOutput output)
    {
        using var line = JsonDocument.Parse(output.Lines[0]);
        return line.RootElement.GetProperty("result").GetRawText();
    }

    private List<string> Ask(int id, string method, string parameters)
        => Take($$"""{"jsonrpc":"2.0","id":{{id}},"method":"{{method}}","params":{{parameters}}}""");

    private void Tell(string method, string parameters)
        => Assert.Empty(Take($$"""{"jsonrpc":"2.0","method":"{{method}}","params":{{parameters}}}"""));

    private List<string> Take(string message)
    {
        using var document = JsonDocument.Parse(message);
        var output = _acp.Take(document.RootElement);
        _events.AddRange(output.Events);
        return [.. output.Lines.Select(l => Encoding.UTF8.GetString(l))];
    }

    private sealed class AgentRequestTarget
    {
        private readonly AcpTranslator _translator;

        public AgentRequestTarget()
        {
            var agent = new AcpAgent("x", "X", "x", []);
            _translator = new AcpTranslator(agent, new AcpRequests(agent, s_inRoot, (_, _) => Task.CompletedTask)) { SessionId = "S" };
            _translator.BeginTurn();
        }

        public string Ask(string method, string parameters)
        {
            using var document = JsonDocument.Parse($$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{{parameters}}}""");
            return Encoding.UTF8.GetString(Assert.Single(_translator.Take(document.RootElement).Lines));
        }
    }
}
