using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Mcp;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.OpenCode;

/// <summary>Events in the order in which the real program (1.18.33) was seen to send them, and in others.</summary>
public sealed class OpenCodeTranslatorTests : IDisposable
{
    private const string Session = "ses_test00000001";
    private const string Prompt = "msg_user";
    private const string Answer = "msg_answer";

    private readonly DirectoryInfo _project = Directory.CreateTempSubdirectory("pocketcoder-opencode-events-");
    private readonly ManualTime _time = new();
    private readonly List<(string Id, AgentAnswer Answer)> _answered = [];
    private readonly List<AgentEvent> _events = [];
    private readonly List<OpenCodeCall> _calls = [];
    private readonly OpenCodeTranslator _translator;
    private string? _violation;
    private int _dropped;

    public OpenCodeTranslatorTests()
    {
        _translator = new OpenCodeTranslator(
            _project.FullName, ReadRules.For(_project.FullName), gated: true, _time,
            (id, answer) =>
            {
                _answered.Add((id, answer));
                return true;
            },
            () => _dropped++)
        { SessionId = Session };
        _translator.BeginTurn(Prompt);
    }

    public void Dispose() => _project.Delete(recursive: true);

    [Fact]
    public void Two_idles_after_a_stop_end_one_turn_and_not_the_next()
    {
        Begin();
        Part(new { id = "prt_1", type = "text", text = "", time = new { start = 1 } });
        Take("message.part.delta", new { messageID = Answer, partID = "prt_1", field = "text", delta = "half " });
        _calls.Add(_translator.Interrupt());
        Take("session.error", new { error = new { name = "MessageAbortedError", data = new { message = "Aborted" } } });
        Idle();
        Assert.Empty(_events.OfType<AgentTurnEnded>()); // the message is not over
        Part(new { id = "prt_1", type = "text", text = "half ", time = new { start = 1, end = 2 } });
        Message(Answer, Prompt, completed: true);
        Assert.Equal(TurnOutcome.Cancelled, Assert.Single(_events.OfType<AgentTurnEnded>()).Outcome);

        _translator.BeginTurn("msg_second");
        Idle(); // the echo
        Assert.Single(_events.OfType<AgentTurnEnded>());
        Message(Answer, Prompt, completed: true); // the last words of the turn before
        Take("message.updated", new { info = new { id = "msg_second", role = "user" } });
        Message("msg_b", "msg_second", completed: true);
        Idle();
        Assert.Equal(TurnOutcome.Completed, _events.OfType<AgentTurnEnded>().Last().Outcome);
        Assert.EndsWith("/abort", Assert.Single(_calls).Path, StringComparison.Ordinal);
        Assert.True(_dropped >= 2);
    }

    [Fact]
    public void A_turn_whose_message_never_ends_is_ended_by_the_heartbeat_and_an_error_ends_it_at_once()
    {
        Begin();
        Idle();
        Assert.Empty(_events.OfType<AgentTurnEnded>());
        Take("server.heartbeat", new { });
        Assert.Equal(TurnOutcome.Completed, Assert.Single(_events.OfType<AgentTurnEnded>()).Outcome);

        _translator.BeginTurn("msg_2");
        Take("message.updated", new { info = new { id = "msg_2", role = "user" } });
        Message("msg_b", "msg_2", completed: false);
        Take("session.error", new { error = new { name = "APIError", data = new { message = "invalid key", statusCode = 401 } } });
        Idle();
        var end = _events.OfType<AgentTurnEnded>().Last();
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.StartsWith("The model's provider does not accept the key or login: invalid key.", end.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Retries_without_end_are_stopped_with_their_reason_and_what_was_shown_of_them_is_taken_away()
    {
        Begin();
        Part(new { id = "prt_1", type = "text", text = "", time = new { start = 1 } });
        Take("message.part.delta", new { messageID = Answer, partID = "prt_1", field = "text", delta = "half " });
        Retry(1);
        Assert.Equal("prt_1", Assert.Single(_events.OfType<AgentBlockDropped>()).BlockId);
        Assert.Equal((1, "overloaded"), (_events.OfType<AgentActivity>().Last().Attempt, _events.OfType<AgentActivity>().Last().Detail));
        _time.Advance(OpenCodeTranslator.RetryLimit);
        Retry(2);
        Assert.EndsWith("/abort", Assert.Single(_calls).Path, StringComparison.Ordinal);
        Take("session.error", new { error = new { name = "MessageAbortedError" } });
        Message(Answer, Prompt, completed: true);
        Idle();
        var end = Assert.Single(_events.OfType<AgentTurnEnded>());
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.Contains("overloaded", end.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Answers_without_anything_in_them_are_not_asked_for_for_ever()
    {
        Begin();
        Message(Answer, Prompt, completed: true);
        for (var i = 0; i < 30; i++)
        {
            Message($"msg_{i}", Prompt, completed: true);
        }

        Assert.Single(_calls);
        Idle();
        Assert.Contains("answers nothing", Assert.Single(_events.OfType<AgentTurnEnded>()).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_asked_before_its_input_is_known_waits_for_it_and_not_for_ever()
    {
        Begin();
        Ask("per_1", "edit", "call_1");
        Assert.Empty(_calls);
        Tool("call_1", "write", "running", new { filePath = "a.txt", content = "x" });
        var asked = Assert.Single(_events.OfType<AgentApprovalAsked>());
        Assert.Equal(new FileChange(Path.Combine(_project.FullName, "a.txt"), null, "x"),
            Assert.IsType<AgentSubject.Edit>(asked.Subject).Change);
        Assert.True(_events.FindIndex(e => e is AgentToolUse) < _events.FindIndex(e => e is AgentApprovalAsked));

        Ask("per_2", "edit", "call_2");
        _time.Advance(TimeSpan.FromSeconds(6));
        Take("server.heartbeat", new { });
        Assert.Equal("reject", ReplyOf("per_2"));

        // "Always" is no answer, and a yes to something else is a no.
        var output = _translator.Answer("per_1", new AgentAnswer.Allow("{}"), (_, _, _, _) => Task.CompletedTask)!;
        Assert.Equal("reject", Body(Assert.Single(output.Calls))["reply"]!.GetValue<string>());
        Assert.Null(_translator.Answer("per_1", new AgentAnswer.Allow(asked.InputJson), (_, _, _, _) => Task.CompletedTask));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("write")]
    [InlineData("evil_tool")]
    public void What_ran_although_nobody_allowed_it_ends_the_session(string tool)
    {
        Begin();
        Tool("call_1", tool, "running", new { command = "x" });
        Assert.Null(_violation);
        Tool("call_1", tool, "completed", new { command = "x" });
        Assert.Contains(tool, _violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_of_our_tool_finds_its_card_whichever_comes_first_and_none_begins_outside_of_a_turn()
    {
        Begin();
        var first = Call("{\"command\":\"one\"}", 1);
        var second = Call("{\"command\":\"two\"}", 2);
        Assert.True(Called(second));
        Tool("call_1", "pocketcoder_bash", "running", new { command = "one" });
        Assert.True(Called(first));
        Tool("call_2", "pocketcoder_bash", "running", new { command = "two" });
        Assert.Equal([("call_1", "{\"command\":\"one\"}"), ("call_2", "{\"command\":\"two\"}")],
            _events.OfType<AgentHostCall>().Select(c => (c.ToolUseId, c.InputJson)));
        Assert.True(Called(Call("{\"command\":\"from nowhere\"}", 5)));
        _time.Advance(TimeSpan.FromSeconds(6));
        Take("server.heartbeat", new { });
        Assert.Equal("mcp-5", Assert.Single(_answered).Id);
        _calls.Add(_translator.Interrupt());
        Assert.False(Called(Call("{\"command\":\"three\"}", 3)));
        Message(Answer, Prompt, completed: true);
        Idle();
        Assert.Equal(2, _events.OfType<AgentRequestWithdrawn>().Count());
        Assert.False(Called(Call("{\"command\":\"four\"}", 4)));
    }

    [Fact]
    public void What_another_session_or_a_turn_that_is_over_asks_is_refused()
    {
        Begin();
        Ask("per_1", "edit", "call_1", "ses_another00001");
        Assert.Equal("reject", ReplyOf("per_1"));
        Message(Answer, Prompt, completed: true);
        Idle();
        Ask("per_2", "edit", "call_1");
        Assert.Equal("reject", ReplyOf("per_2"));
        Assert.Empty(_events.OfType<AgentApprovalAsked>());
    }

    [Fact]
    public void Broken_and_unknown_events_never_break_it()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        string[] lines =
        [
            Line("message.updated", new { info = new { id = Answer, parentID = Prompt, role = "assistant", cost = 0.1,
                tokens = new { input = 1, output = 2, reasoning = 3, cache = new { read = 4, write = 5 } }, time = new { created = 1 } } }),
            Line("message.part.updated",
                new { part = new { id = "prt_1", messageID = Answer, type = "text", text = "", time = new { start = 1 } } }),
            Line("message.part.delta", new { messageID = Answer, partID = "prt_1", field = "text", delta = "x" }),
            Line("message.part.updated",
                new { part = new { id = "prt_1", messageID = Answer, type = "text", text = "x", time = new { start = 1, end = 2 } } }),
            Line("message.part.updated", new { part = new { id = "prt_2", messageID = Answer, type = "tool", tool = "edit", callID = "c",
                state = new { status = "running", input = new { filePath = "a", oldString = "b", newString = "c" } } } }),
            Line("permission.asked", new { id = "per_1", permission = "edit", patterns = new[] { "a" }, metadata = new { filepath = "a",
                files = new[] { new { filePath = "a" } } }, tool = new { messageID = Answer, callID = "c" } }),
            Line("question.asked", new { id = "que_1", questions = new[] { new { question = "q", header = "h",
                options = new[] { new { label = "a", description = "b" } }, multiple = true } }, tool = new { callID = "c" } }),
            Line("todo.updated", new { todos = new[] { new { content = "a", status = "in_progress" } } }),
            Line("session.status", new { status = new { type = "retry", attempt = 1, message = "m", next = 5 } }),
            Line("session.error", new { error = new { name = "APIError", data = new { message = "m", statusCode = 500 } } }),
            Line("session.idle", new { }),
            Line("tomorrow.invented", new { anything = 1 }),
        ];
        for (var i = 0; i < 4000; i++)
        {
            if (!_translator.TurnRuns)
            {
                _translator.BeginTurn(Prompt);
                Take("message.updated", new { info = new { id = Prompt, role = "user" } });
            }

            var line = Noise.Mutate(lines[random.Next(lines.Length)], random);
            using var document = LineJson.TryParse(line);
            try
            {
                var output = document is { RootElement.ValueKind: JsonValueKind.Object } ? _translator.Take(document.RootElement)
                    : _translator.NotUnderstood(line);
                Assert.All(output.Events.OfType<AgentApprovalAsked>(), a => Assert.NotNull(a.InputJson));
            }
            catch (InvalidOperationException)
            {
                _translator.NotUnderstood(line); // as the server does with half a surrogate pair
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, {Encoding.UTF8.GetString(line)}: {e}");
            }
        }
    }

    private void Begin()
    {
        Take("message.updated", new { info = new { id = Prompt, role = "user" } });
        Message(Answer, Prompt, completed: false);
    }

    private void Message(string id, string parent, bool completed)
        => Take("message.updated", new
        {
            info = new
            {
                id,
                parentID = parent,
                role = "assistant",
                time = completed ? (object)new { created = 1, completed = 2 } : new { created = 1 }
            }
        });

    private void Part(object part)
    {
        var node = JsonSerializer.SerializeToNode(part)!;
        node["messageID"] = Answer;
        Take("message.part.updated", new { part = node });
    }

    private void Tool(string call, string tool, string status, object input)
        => Part(new { id = $"prt_{call}", type = "tool", tool, callID = call, state = new { status, input, output = "done" } });

    private void Ask(string id, string permission, string call, string session = Session)
        => Take("permission.asked", new
        {
            id,
            sessionID = session,
            permission,
            patterns = Array.Empty<string>(),
            metadata = new { },
            tool = new { messageID = Answer, callID = call }
        });

    private void Retry(int attempt)
        => Take("session.status", new { status = new { type = "retry", attempt, message = "overloaded", next = 1 } });

    private void Idle()
    {
        Take("session.status", new { status = new { type = "idle" } });
        Take("session.idle", new { });
    }

    private static McpCall Call(string input, int number) => new($"mcp-{number}", "bash", input, null);

    private bool Called(McpCall call)
    {
        var output = new OpenCodeOutput();
        var said = _translator.Called(call, output);
        _events.AddRange(output.Events);
        return said;
    }

    private void Take(string type, object properties)
    {
        using var document = JsonDocument.Parse(Line(type, properties));
        var output = _translator.Take(document.RootElement);
        _events.AddRange(output.Events);
        _calls.AddRange(output.Calls);
        _violation ??= output.Violation;
    }

    private static string Line(string type, object properties)
    {
        var node = JsonSerializer.SerializeToNode(properties)!.AsObject();
        if (!node.ContainsKey("sessionID") && type != "server.heartbeat")
        {
            node["sessionID"] = Session;
        }

        return new JsonObject { ["id"] = "evt_1", ["type"] = type, ["properties"] = node }.ToJsonString();
    }

    private string? ReplyOf(string permission)
        => _calls.Where(c => c.Path == $"/permission/{permission}/reply").Select(c => Body(c)["reply"]!.GetValue<string>()).LastOrDefault();

    private static JsonNode Body(OpenCodeCall call) => JsonNode.Parse(call.Body!)!;
}
