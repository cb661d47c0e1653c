using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.Shared.Rpc;
using PocketCoder.Testing;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>Pitfalls seen in recorded traffic of codex-cli 0.169.0, as short excerpts of it, and what no version should do.</summary>
public sealed class CodexTranslatorTests : IDisposable
{
    private readonly DirectoryInfo _project = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly ManualTime _time = new();
    private readonly List<AgentEvent> _events = [];
    private readonly CodexTranslator _codex;
    private string? _violation;

    public CodexTranslatorTests()
    {
        _codex = New(_project.FullName, _time);
        _codex.BeginTurn();
    }

    public void Dispose() => _project.Delete(recursive: true);

    [Theory]
    [InlineData("""{"method":"item/started","params":{"item":{"type":"commandExecution","id":"c","command":"ls","cwd":"/"},"threadId":"T","turnId":"1"}}""")]
    [InlineData("""{"method":"item/completed","params":{"item":{"type":"fileChange","id":"c","changes":[]},"threadId":"T","turnId":"1"}}""")]
    [InlineData("""{"method":"item/started","params":{"item":{"type":"mcpToolCall","id":"c","server":"evil","tool":"x"},"threadId":"T","turnId":"1"}}""")]
    [InlineData("""{"method":"item/started","params":{"item":{"type":"webSearch","id":"c","query":"x"},"threadId":"T","turnId":"1"}}""")]
    [InlineData("""{"method":"item/commandExecution/terminalInteraction","params":{"threadId":"T","turnId":"1","itemId":"c","processId":"1","stdin":"rm -rf .\n"}}""")]
    public void A_tool_of_its_own_that_runs_although_it_is_off_ends_the_session(string line)
    {
        Feed(line);
        Assert.Contains("switched off", _violation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("item/commandExecution/requestApproval")]
    [InlineData("item/fileChange/requestApproval")]
    [InlineData("item/permissions/requestApproval")]
    [InlineData("execCommandApproval")]
    public void An_approval_for_a_tool_of_its_own_is_declined_and_ends_the_session(string method)
    {
        var output = Feed($$$$"""{"id":7,"method":"{{{{method}}}}","params":{"threadId":"T","itemId":"c","command":"ls"}}""");
        Assert.NotNull(_violation);
        Assert.Equal("""{"jsonrpc":"2.0","id":7,"result":{"decision":"cancel"}}""", Encoding.UTF8.GetString(Assert.Single(output.Lines)));
        Assert.Empty(_events.OfType<AgentApprovalAsked>());
    }

    [Fact]
    public void What_a_thread_is_called_is_told()
    {
        Feed("""{"method":"thread/name/updated","params":{"threadId":"T","threadName":"The lighthouse"}}""");
        Feed("""{"method":"thread/name/updated","params":{"threadId":"T","threadName":null}}""");
        Assert.Equal("The lighthouse", Assert.Single(_events.OfType<AgentTitled>()).Title);
    }

    [Fact]
    public void A_request_nobody_knows_is_refused_and_a_call_that_can_not_be_read_ends_the_session()
    {
        var output = Feed("""{"id":"x","method":"account/tomorrow","params":{}}""");
        Assert.Contains("-32601", Encoding.UTF8.GetString(Assert.Single(output.Lines)), StringComparison.Ordinal);
        Assert.Null(_violation);
        Assert.NotNull(_codex.NotUnderstood("""{"id":1,"method":"item/tool/call","params":{"tool":"bash","tool":"x"}}"""u8).Violation);
        Assert.Null(_codex.NotUnderstood("debugger attached"u8).Violation);
    }

    [Fact]
    public void What_a_newer_version_says_that_nobody_knows_is_passed_over_and_the_turn_ends()
    {
        string[] unknown =
        [
            """{"method":"thread/hologram","params":{"threadId":"T"}}""",
            """{"method":"thread/hologram"}""",
            """{"method":"item/started","params":{"item":{"type":"agentMessage","id":"m","text":"","tomorrow":{"x":[1]}},"threadId":"T","turnId":"1","tomorrow":1}}""",
            """{"method":"item/agentMessage/smell","params":{"threadId":"T","turnId":"1","itemId":"m","delta":"roses"}}""",
            """{"method":"turn/started","params":{"threadId":"T","turn":{"id":"1","status":"levitating","tomorrow":{}}}}""",
            """{"method":"thread/tokenUsage/updated","params":{"threadId":"T","turnId":"1","tokenUsage":{"tomorrow":{}}}}""",
            """{"tomorrow":true}""",
        ];
        foreach (var line in unknown)
        {
            Feed(line);
            Assert.True(_violation is null, $"{_violation}: {line}");
        }

        Feed("""{"method":"item/completed","params":{"item":{"type":"agentMessage","id":"m","text":"hello","tomorrow":1},"threadId":"T","turnId":"1"}}""");
        Assert.Equal("hello", Assert.Single(_events.OfType<AgentBlock>()).Text);
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"completed","error":null,"tomorrow":{}}}}""");
        Assert.Equal(TurnOutcome.Completed, Assert.Single(_events.OfType<AgentTurnEnded>()).Outcome);
    }

    [Fact]
    public void A_turn_ends_also_with_a_status_nobody_knows()
    {
        Feed("""{"method":"turn/started","params":{"threadId":"T","turn":{"id":"1","status":"inProgress"}}}""");
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"evaporated","error":null}}}""");
        Assert.NotEqual(TurnOutcome.Completed, Assert.Single(_events.OfType<AgentTurnEnded>()).Outcome);
    }

    [Fact]
    public void A_call_of_another_thread_or_without_a_turn_is_refused_at_once()
    {
        var foreign = Feed(Call(1, "bash", """{"command":"ls"}""").Replace("\"T\"", "\"other\"", StringComparison.Ordinal));
        Assert.Contains("\"success\":false", Encoding.UTF8.GetString(Assert.Single(foreign.Lines)), StringComparison.Ordinal);
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"completed","error":null}}}""");
        var late = Feed(Call(2, "bash", """{"command":"ls"}"""));
        Assert.Single(late.Lines);
        Assert.Empty(_events.OfType<AgentApprovalAsked>());
    }

    [Fact]
    public void A_cancelled_call_is_seen_only_by_its_items_end_and_is_withdrawn()
    {
        Feed(Call(0, "bash", """{"command":"echo never"}"""));
        var asked = Assert.Single(_events.OfType<AgentApprovalAsked>());
        Feed("""{"method":"item/completed","params":{"item":{"type":"dynamicToolCall","id":"call-0","tool":"bash","arguments":{"command":"echo never"},"status":"failed","contentItems":[],"success":false},"threadId":"T","turnId":"1"}}""");
        Assert.Equal(asked.RequestId, Assert.Single(_events.OfType<AgentRequestWithdrawn>()).RequestId);
        Assert.True(Assert.Single(_events.OfType<AgentToolResult>()).Interrupted);
        Assert.Null(_codex.Answer(asked.RequestId, new AgentAnswer.Allow(asked.InputJson)));
    }

    [Fact]
    public async Task A_command_that_was_allowed_as_the_turn_ended_never_begins()
    {
        Feed(Call(0, "bash", """{"command":"touch never"}"""));
        var asked = Assert.Single(_events.OfType<AgentApprovalAsked>());
        var act = Assert.Single(_codex.Answer(asked.RequestId, new AgentAnswer.Allow(asked.InputJson))!.Acts);
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"failed","error":{"message":"gone"}}}}""");
        await act(CancellationToken.None);
        Assert.Empty(_project.GetFileSystemInfos());
    }

    [Fact]
    public void A_resolved_question_closes_its_card_once_also_after_the_turn()
    {
        Feed("""{"method":"item/tool/requestUserInput","id":0,"params":{"threadId":"T","turnId":"1","itemId":"c","questions":[{"id":"q1","header":"Choice","question":"Which colour?","options":[{"label":"red"}]}]}}""");
        Feed("""{"method":"serverRequest/resolved","params":{"threadId":"T","requestId":0}}""");
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"interrupted"}}}""");
        Feed("""{"method":"serverRequest/resolved","params":{"threadId":"T","requestId":0}}""");
        Assert.Single(_events.OfType<AgentRequestWithdrawn>());
    }

    [Fact]
    public void A_network_that_never_comes_back_fails_the_turn_with_a_reason_after_five_minutes()
    {
        Feed("""{"method":"turn/started","params":{"threadId":"T","turn":{"id":"1"}}}""");
        Reconnecting();
        _time.Advance(CodexTranslator.RetryLimit - TimeSpan.FromSeconds(1));
        Assert.Empty(Reconnecting().Calls);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("turn/interrupt", Assert.Single(Reconnecting().Calls).Method);
        Assert.Empty(Reconnecting().Calls); // once
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"interrupted","error":null}}}""");
        var end = Assert.Single(_events.OfType<AgentTurnEnded>());
        Assert.Equal(TurnOutcome.Failed, end.Outcome);
        Assert.Contains("could not be reached for 5 minutes", end.Error, StringComparison.Ordinal);

        RpcOutput Reconnecting() => Feed(
            """{"method":"error","params":{"error":{"message":"Reconnecting... waiting for network","additionalDetails":"Connection failed: error sending request"},"willRetry":true,"threadId":"T","turnId":"1"}}""");
    }

    [Fact]
    public void Tokens_are_those_of_the_turn_although_the_counters_go_on()
    {
        Tokens(9700, 500, 55, 9700, 500, 55);
        Tokens(19514, 1000, 128, 9814, 500, 73);
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"completed"}}}""");
        _codex.BeginTurn();
        Tokens(29456, 1500, 182, 9942, 500, 54);
        Feed("""{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"2","status":"completed"}}}""");
        Assert.Equal([new AgentUsage(18514, 128, 1000, 0, null), new AgentUsage(9442, 54, 500, 0, null)],
            _events.OfType<AgentTurnEnded>().Select(e => e.Usage));

        void Tokens(int input, int cached, int output, int lastInput, int lastCached, int lastOutput) => Feed(
            "{\"method\":\"thread/tokenUsage/updated\",\"params\":{\"threadId\":\"T\",\"tokenUsage\":{\"total\":" + Counters(
                input, cached, output) + ",\"last\":" + Counters(lastInput, lastCached, lastOutput) + "}}}");

        static string Counters(int input, int cached, int output)
            => string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"{{\"inputTokens\":{input},\"cachedInputTokens\":{cached},\"outputTokens\":{output}}}");
    }

    [Fact]
    public void Any_line_at_all_is_taken_without_a_fall()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var lines = Samples().ToArray();
        try
        {
            for (var i = 0; i < 4000; i++)
            {
                if (!_codex.TurnRuns)
                {
                    _codex.BeginTurn();
                }

                Noise.Feed(_codex, Noise.Mutate(lines[random.Next(lines.Length)], random), _events);
                if (_events.Count > 200)
                {
                    foreach (var asked in _events.OfType<AgentApprovalAsked>())
                    {
                        _codex.Answer(asked.RequestId, new AgentAnswer.Deny("no"));
                    }

                    _events.Clear();
                }
            }

            _codex.CloseOpen();
            Assert.Empty(_project.GetFileSystemInfos());
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {seed}", e);
        }
    }

    private static IEnumerable<string> Samples() =>
    [
        """{"method":"turn/started","params":{"threadId":"T","turn":{"id":"1"}}}""",
        """{"method":"item/agentMessage/delta","params":{"threadId":"T","turnId":"1","itemId":"m","delta":"hel"}}""",
        """{"method":"item/completed","params":{"item":{"type":"agentMessage","id":"m","text":"hello"},"threadId":"T","turnId":"1"}}""",
        """{"method":"item/completed","params":{"item":{"type":"reasoning","id":"r","summary":["a","b"],"content":[]},"threadId":"T"}}""",
        """{"method":"item/completed","params":{"item":{"type":"plan","id":"p","text":"1. x"},"threadId":"T"}}""",
        """{"method":"item/started","params":{"item":{"type":"dynamicToolCall","id":"call-1","tool":"write_file","arguments":{"path":"a.txt","content":"x"}},"threadId":"T"}}""",
        Call(1, "bash", """{"command":"ls","timeout":5}"""), Call(2, "write_file", """{"path":"a.txt","content":"x"}"""),
        Call(3, "edit_file", """{"path":"a.txt","old_string":"x","new_string":"y"}"""),
        Call(4, "read_file", """{"path":"a.txt","offset":1,"limit":2}"""),
        Call(5, "update_todos", """{"items":[{"text":"a","status":"completed"}]}"""),
        """{"method":"item/tool/requestUserInput","id":9,"params":{"threadId":"T","questions":[{"id":"q1","question":"Which?","options":[{"label":"red"}]}]}}""",
        """{"method":"error","params":{"error":{"message":"Reconnecting... 1/2","additionalDetails":"x"},"willRetry":true,"threadId":"T"}}""",
        """{"method":"thread/tokenUsage/updated","params":{"threadId":"T","tokenUsage":{"total":{"inputTokens":1,"cachedInputTokens":1,"outputTokens":1},"last":{"inputTokens":1}}}}""",
        """{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"1","status":"failed","error":{"message":"no"}}}}""",
    ];

    private static CodexTranslator New(string project, TimeProvider time)
    {
        var tools = new CodexTools([]);
        var start = new AgentStart { SessionId = Guid.CreateVersion7(), WorkingDirectory = project };
        return new CodexTranslator(new CodexCallReader(start, tools, new Dictionary<string, string>(), time), tools, time,
            (_, _) => Task.CompletedTask)
        { ThreadId = "T" };
    }

    private static string Call(int id, string tool, string arguments)
        => $$$$"""{"method":"item/tool/call","id":{{{{id}}}},"params":{"threadId":"T","turnId":"1","callId":"call-{{{{id}}}}","tool":"{{{{tool}}}}","arguments":{{{{arguments}}}}}}""";

    private RpcOutput Feed(string line)
    {
        using var document = System.Text.Json.JsonDocument.Parse(line);
        var output = _codex.Take(document.RootElement);
        _events.AddRange(output.Events);
        _violation ??= output.Violation;
        return output;
    }
}
