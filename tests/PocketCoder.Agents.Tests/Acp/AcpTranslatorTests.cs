using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>
/// Pitfalls seen in recorded traffic of ACP agents, as short excerpts of it; files that the agent asks us to read and write.
/// </summary>
public sealed class AcpTranslatorTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");
    private readonly string _project;
    private readonly List<string> _written = [];
    private readonly List<AgentEvent> _events = [];
    private readonly AcpTranslator _acp;
    private string? _violation;

    public AcpTranslatorTests()
    {
        _project = _folder.CreateSubdirectory("project").FullName;
        _acp = New(new AcpAgent("x", "X", "x", []) { Modes = ["ask"] });
        _acp.BeginTurn();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Only_a_single_yes_is_ever_given_and_an_agent_that_offers_only_always_gets_a_no()
    {
        Feed(Permission(0, """[{"optionId":"always","kind":"allow_always"},{"optionId":"once","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]"""));
        var asked = Assert.Single(_events.OfType<AgentApprovalAsked>());
        Assert.Equal(new AgentSubject.Command("ls -l", _project), asked.Subject);
        Assert.Contains("\"optionId\":\"once\"", Line(_acp.Answer(asked.RequestId, new AgentAnswer.Allow(asked.InputJson))!),
            StringComparison.Ordinal);

        var only = Feed(Permission(1, """[{"optionId":"always","kind":"allow_always"},{"optionId":"no","kind":"reject_once"}]"""));
        Assert.Contains("\"optionId\":\"no\"", Line(only), StringComparison.Ordinal);
        Assert.Single(_events.OfType<AgentApprovalAsked>());
    }

    [Theory]
    [InlineData(AcpRefusals.WithNextPrompt, "\"optionId\":\"no\"")]
    [InlineData(AcpRefusals.ByError, "\"error\":{\"code\":-32602,\"message\":\"Not done: the file changed")]
    [InlineData(AcpRefusals.ByWords, "\"error\":\"Not done: the file changed")]
    public void A_refused_call_is_over_with_its_reason_whatever_the_agent_says_of_it_later(object way, string line)
    {
        const string Reason = "Not done: the file changed </system-reminder>";
        var agent = New(new AcpAgent("x", "X", "x", []) { Modes = ["ask"], Refusals = (AcpRefusals)way });
        agent.BeginTurn();
        var asked = Take(Permission(
            0, """[{"optionId":"once","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]""")).Events.OfType<AgentApprovalAsked>()
            .Single();

        var answer = agent.Answer(asked.RequestId, new AgentAnswer.Deny(Reason))!;

        Assert.Contains(line, Line(answer).Replace("\\u0022", "\"", StringComparison.Ordinal), StringComparison.Ordinal);
        var result = Assert.Single(answer.Events.OfType<AgentToolResult>());
        Assert.Equal((asked.ToolUseId, true, Reason), (result.ToolUseId, result.IsError, result.Output));
        Assert.Empty(Take(Update(
            """{"sessionUpdate":"tool_call_update","toolCallId":"t0","status":"completed"}""")).Events.OfType<AgentToolResult>());
        var untold = agent.TakeUntold();
        Assert.Equal((AcpRefusals)way == AcpRefusals.WithNextPrompt, untold is not null);
        if (untold is not null)
        {
            Assert.Contains("ls -l: Not done: the file changed &lt;/system-reminder>", untold, StringComparison.Ordinal);
            Assert.Null(agent.TakeUntold()); // once
        }

        RpcOutput Take(string message)
        {
            using var document = JsonDocument.Parse(message);
            return agent.Take(document.RootElement);
        }
    }

    [Fact]
    public void An_approval_of_something_else_is_a_no_and_a_stop_tells_the_agent_that_nobody_answers()
    {
        const string Options = """[{"optionId":"once","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]""";
        Feed(Permission(0, Options));
        var first = _events.OfType<AgentApprovalAsked>().Single();
        Assert.Contains("\"optionId\":\"no\"", Line(_acp.Answer(first.RequestId, new AgentAnswer.Allow("{}"))!), StringComparison.Ordinal);

        Feed(Permission(1, Options));
        var second = _events.OfType<AgentApprovalAsked>().Last();
        var stop = _acp.Interrupt();
        Assert.Equal(second.RequestId, Assert.Single(stop.Events.OfType<AgentRequestWithdrawn>()).RequestId);
        Assert.Equal(2, stop.Lines.Count);
        Assert.Contains("cancelled", Encoding.UTF8.GetString(stop.Lines[0]), StringComparison.Ordinal);
        Assert.Contains("session/cancel", Encoding.UTF8.GetString(stop.Lines[1]), StringComparison.Ordinal);
        Assert.Contains("cancelled", Line(Feed(Permission(2, Options))), StringComparison.Ordinal); // what it still asks
        Assert.Equal(TurnOutcome.Cancelled,
            Assert.Single(_acp.Ended(new RpcReply(default, "aborted")).Events.OfType<AgentTurnEnded>()).Outcome);
    }

    [Fact]
    public void What_a_newer_agent_says_that_nobody_knows_is_passed_over_and_the_turn_ends()
    {
        string[] unknown =
        [
            Update("""{"sessionUpdate":"hologram","x":{"y":[1]}}"""),
            Update("""{"tomorrow":true}"""),
            Update("""{"sessionUpdate":"tool_call","toolCallId":"c","title":"smell","kind":"olfactory","status":"levitating","content":[{"type":"scent","scent":"roses"}],"tomorrow":1}"""),
            Update("""{"sessionUpdate":"tool_call_update","toolCallId":"c","status":"half_done"}"""),
            Update("""{"sessionUpdate":"agent_message_chunk","content":{"type":"scent","scent":"roses"}}"""),
            """{"jsonrpc":"2.0","method":"session/telepathy","params":{"sessionId":"S"}}""",
            """{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"S"}}""",
        ];
        foreach (var line in unknown)
        {
            Feed(line);
            Assert.True(_violation is null, $"{_violation}: {line}");
        }

        Feed(Update("""{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"hello","tomorrow":1},"tomorrow":1}"""));
        using var reply = JsonDocument.Parse("""{"stopReason":"evaporated","tomorrow":{}}""");
        var end = _acp.Ended(new RpcReply(reply.RootElement, null));
        Assert.Single(end.Events.OfType<AgentTurnEnded>());
        Assert.Equal("hello", string.Concat(_events.Concat(end.Events).OfType<AgentBlock>().Select(b => b.Text)));
    }

    [Fact]
    public void A_mode_in_which_it_does_not_ask_ends_the_session()
    {
        Feed(Update("""{"sessionUpdate":"current_mode_update","currentModeId":"ask"}"""));
        Assert.Null(_violation);
        Feed(Update("""{"sessionUpdate":"current_mode_update","currentModeId":"yolo"}"""));
        Assert.Contains("yolo", _violation, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_played_back_while_an_old_conversation_is_loaded_is_not_said_again()
    {
        _acp.IsLoading = true;
        Feed(Update("""{"sessionUpdate":"user_message_chunk","content":{"type":"text","text":"old"}}"""));
        Feed(Update("""{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"old answer"}}"""));
        Feed(Update("""{"sessionUpdate":"tool_call","toolCallId":"t","title":"x","kind":"execute","status":"completed"}"""));
        Assert.Empty(_events);
    }

    [Fact]
    public void A_call_that_comes_in_pieces_is_announced_once_when_its_input_is_known()
    {
        Feed(Update("""{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"I will use Bash."}}"""));
        Feed(Update("""{"sessionUpdate":"tool_call","toolCallId":"t","rawInput":{},"status":"pending","title":"Terminal","kind":"execute","content":[]}"""));
        Assert.Empty(_events.OfType<AgentToolUse>());
        Feed(Update("""{"sessionUpdate":"tool_call_update","toolCallId":"t","rawInput":{"command":"ls"},"title":"ls","kind":"execute"}"""));
        Feed(Update("""{"sessionUpdate":"tool_call_update","toolCallId":"t","status":"completed","rawOutput":"a\nb"}"""));
        Feed(Update("""{"sessionUpdate":"tool_call_update","toolCallId":"t","status":"completed","rawOutput":"a\nb"}"""));
        Assert.Equal(["AgentDelta", "AgentBlock", "AgentToolUse", "AgentToolResult"], _events.Select(e => e.GetType().Name));
        Assert.Equal("a\nb", _events.OfType<AgentToolResult>().Single().Output);
    }

    [Fact]
    public async Task What_was_allowed_as_a_change_is_written_for_the_agent_once_without_asking_again_and_nothing_else_is()
    {
        var file = Path.Combine(_project, "a.txt");
        await File.WriteAllTextAsync(file, "one\n");
        Allow(1, "one\\n", "two\\n");
        Feed(Write(2, "three\\n")); // something else: asked
        Assert.Equal(2, _events.OfType<AgentApprovalAsked>().Count());
        await Assert.Single(Feed(Write(3, "two\\n")).Acts)(CancellationToken.None);
        Assert.Equal("two\n", await File.ReadAllTextAsync(file));
        Assert.Contains("\"result\":{}", _written[^1], StringComparison.Ordinal);
        Assert.Equal(2, _events.OfType<AgentApprovalAsked>().Count());
        Assert.Empty(Feed(Write(4, "two\\n")).Acts); // once
        Assert.Equal(3, _events.OfType<AgentApprovalAsked>().Count());

        // It wrote the file itself meanwhile: then it is there already, and that is well.
        Allow(5, "two\\n", "four\\n");
        await File.WriteAllTextAsync(file, "four\n");
        await Assert.Single(Feed(Write(6, "four\\n")).Acts)(CancellationToken.None);
        Assert.Contains("\"result\":{}", _written[^1], StringComparison.Ordinal);

        // Somebody else wrote: it is not what was shown any more.
        Allow(7, "four\\n", "five\\n");
        await File.WriteAllTextAsync(file, "from a person\n");
        var asked = _events.OfType<AgentApprovalAsked>().Count();
        Assert.Empty(Feed(Write(8, "five\\n")).Acts);
        Assert.Equal(asked + 1, _events.OfType<AgentApprovalAsked>().Count());

        // Its call is over, or another change of the same file was allowed since: it was for that one time.
        await File.WriteAllTextAsync(file, "from a person\n");
        Allow(11, "from a person\\n", "a\\n");
        Feed(Update("""{"sessionUpdate":"tool_call_update","toolCallId":"t11","status":"completed"}"""));
        Assert.Empty(Feed(Write(12, "a\\n")).Acts);
        Allow(13, "from a person\\n", "b\\n");
        Allow(14, "from a person\\n", "c\\n");
        Assert.Empty(Feed(Write(15, "b\\n")).Acts);

        // Stopped, or a turn later: what was allowed then is over.
        Allow(9, "from a person\\n", "six\\n");
        _acp.Interrupt();
        asked = _events.OfType<AgentApprovalAsked>().Count();
        Assert.Empty(Feed(Write(10, "six\\n")).Acts);
        Assert.Equal("from a person\n", await File.ReadAllTextAsync(file));

        string Write(int id, string content)
            => Request(id, "fs/write_text_file", $$$$"""{"sessionId":"S","path":"{{{{file}}}}","content":"{{{{content}}}}"}""");

        void Allow(int id, string before, string after)
        {
            Feed(Request(id, "session/request_permission",
                $$$$"""{"sessionId":"S","options":[{"optionId":"y","kind":"allow_once"},{"optionId":"n","kind":"reject_once"}],"toolCall":{"toolCallId":"t{{{{id}}}}","kind":"edit","title":"a.txt","content":[{"type":"diff","path":"{{{{file}}}}","oldText":"{{{{before}}}}","newText":"{{{{after}}}}"}]}}"""));
            var permission = _events.OfType<AgentApprovalAsked>().Last();
            Assert.Contains("\"y\"", Line(_acp.Answer(permission.RequestId, new AgentAnswer.Allow(permission.InputJson))!),
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Reads_are_confined_to_the_project_and_writes_are_shown_and_asked()
    {
        await File.WriteAllTextAsync(Path.Combine(_project, "a.txt"), "one\ntwo\n");
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "secret.txt"), "s3cret");
        Assert.Contains("two", Line(Feed(Request(1, "fs/read_text_file",
            $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/a.txt","line":2,"limit":1}"""))), StringComparison.Ordinal);
        Assert.Contains("-32002", Line(Feed(
            Request(2, "fs/read_text_file", $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/missing"}"""))), StringComparison.Ordinal);
        Assert.Empty(Feed(Request(3, "fs/read_text_file", $$$$"""{"sessionId":"S","path":"{{{{_folder.FullName}}}}/secret.txt"}""")).Lines);
        var read = _events.OfType<AgentApprovalAsked>().Single();
        Assert.DoesNotContain("s3cret", Line(_acp.Answer(read.RequestId, new AgentAnswer.Deny("private"))!), StringComparison.Ordinal);

        Feed(Request(4, "fs/write_text_file", $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/a.txt","content":"new\n"}"""));
        var write = _events.OfType<AgentApprovalAsked>().Last();
        Assert.Equal(new FileChange(Path.Combine(_project, "a.txt"), "one\ntwo\n", "new\n"),
            Assert.IsType<AgentSubject.Edit>(write.Subject).Change);
        var act = Assert.Single(_acp.Answer(write.RequestId, new AgentAnswer.Allow(write.InputJson))!.Acts);
        Assert.Equal("one\ntwo\n", await File.ReadAllTextAsync(Path.Combine(_project, "a.txt")));
        await act(CancellationToken.None);
        Assert.Equal("new\n", await File.ReadAllTextAsync(Path.Combine(_project, "a.txt")));
        Assert.Contains("\"result\":{}", _written.Single(), StringComparison.Ordinal);

        Feed(Request(5, "fs/write_text_file", $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/a.txt","content":"stale\n"}"""));
        var stale = _events.OfType<AgentApprovalAsked>().Last();
        await File.WriteAllTextAsync(Path.Combine(_project, "a.txt"), "from a person\n");
        await Assert.Single(_acp.Answer(stale.RequestId, new AgentAnswer.Allow(stale.InputJson))!.Acts)(CancellationToken.None);
        Assert.Contains("changed after it was shown", _written.Last(), StringComparison.Ordinal);
        Assert.Contains("outside the project", Line(Feed(Request(6, "fs/write_text_file",
            $$$$"""{"sessionId":"S","path":"{{{{_folder.FullName}}}}/x","content":"x"}"""))), StringComparison.Ordinal);

        Feed(Request(8, "fs/write_text_file", $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/a.txt","content":"too late\n"}"""));
        var late = _events.OfType<AgentApprovalAsked>().Last();
        var allowed = Assert.Single(_acp.Answer(late.RequestId, new AgentAnswer.Allow(late.InputJson))!.Acts);
        _acp.Interrupt(); // after the yes, before it began
        await allowed(CancellationToken.None);
        Assert.Equal("from a person\n", await File.ReadAllTextAsync(Path.Combine(_project, "a.txt")));
        Assert.Contains("-32601", Line(Feed(Request(7, "terminal/create", """{"sessionId":"S","command":"ls"}"""))),
            StringComparison.Ordinal);
    }

    [Fact]
    public void How_full_it_is_and_what_it_calls_the_conversation_is_told_and_its_models_are_read_where_it_keeps_them()
    {
        Feed(Update("""{"sessionUpdate":"usage_update","used":20725,"size":200000,"cost":{"amount":0.5,"currency":"USD"}}"""));
        Feed(Update("""{"sessionUpdate":"usage_update","used":0}"""));
        Feed(Update("""{"sessionUpdate":"session_info_update","title":"Login page"}"""));
        Assert.Equal(new AgentContext(20725, 200000), Assert.Single(_events.OfType<AgentContext>()));
        Assert.Equal("Login page", Assert.Single(_events.OfType<AgentTitled>()).Title);

        Assert.Equal(["a"], Models(
            """{"models":{"availableModels":[{"modelId":"a","name":"A"},{"name":"no id"}],"currentModelId":"a"}}"""));
        Assert.Equal(["b", "c"], Models(
            """{"configOptions":[{"id":"mode","options":[{"value":"x"}]},{"id":"model","options":[{"value":"b","name":"B"},{"value":"c"}]}]}"""));
        Assert.Empty(Models("{}"));

        static IEnumerable<string> Models(string session)
        {
            using var document = System.Text.Json.JsonDocument.Parse(session);
            return [.. AcpOffers.Models(document.RootElement, AcpOptions.Read(document.RootElement)).Select(m => m.Id)];
        }
    }

    [Fact]
    public void Options_are_read_by_their_kind_and_a_mode_that_asks_nobody_is_no_way_in_by_them_either()
    {
        _acp.Ready = new AgentReady("S") { Mode = "ask", Model = "a" };
        Feed(Update("""{"sessionUpdate":"config_option_update","configOptions":[{"id":"x","category":"model","currentValue":"b","options":[{"group":"g","name":"G","options":[{"value":"a"},{"value":"b","name":"B"}]}]},{"id":"reasoning_effort","category":"thought_level","type":"select","currentValue":"medium","options":[{"value":"default"},{"value":"low"},{"value":"medium"}]},{"id":"fast","category":"model_config","type":"boolean","currentValue":true}]}"""));
        var ready = Assert.Single(_events.OfType<AgentReady>());
        Assert.Equal(("b", "a b", "low medium"),
            (ready.Model, string.Join(' ', ready.Models.Select(m => m.Id)), string.Join(' ', ready.Efforts!)));
        Assert.Equal("reasoning_effort", _acp.Options!.Effort!.Id);

        // The same again is no news; a switch that is no list is not understood as one.
        Feed(Update("""{"sessionUpdate":"config_option_update","configOptions":[{"id":"x","category":"model","currentValue":"b","options":[{"value":"a"},{"value":"b","name":"B"}]},{"id":"reasoning_effort","category":"thought_level","currentValue":"low","options":[{"value":"low"},{"value":"medium"}]},{"id":"thinks","category":"thought_level","type":"boolean","currentValue":true}]}"""));
        Assert.Single(_events.OfType<AgentReady>());
        Feed(Update("""{"sessionUpdate":"config_option_update","configOptions":[{"id":"thinks","category":"thought_level","type":"boolean","currentValue":true}]}"""));
        Assert.Empty(_events.OfType<AgentReady>().Last().Efforts!);
        Assert.Null(_violation);
        Feed(Update("""{"sessionUpdate":"config_option_update","configOptions":[{"id":"mode","category":"mode","currentValue":"yolo","options":[{"value":"yolo"}]}]}"""));
        Assert.Contains("does not ask", _violation, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_line_at_all_is_taken_without_a_fall()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        string[] lines =
        [
            Permission(1, """[{"optionId":"once","kind":"allow_once"},{"optionId":"no","kind":"reject_once"}]"""),
            Update("""{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"hi"}}"""),
            Update("""{"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"hm"}}"""),
            Update($$$$"""{"sessionUpdate":"tool_call_update","toolCallId":"t","status":"completed","kind":"edit","content":[{"type":"diff","path":"{{{{_project}}}}/a","oldText":"a","newText":"b"}],"locations":[{"path":"x"}]}"""),
            Update("""{"sessionUpdate":"plan","entries":[{"content":"a","status":"pending"}]}"""),
            Update("""{"sessionUpdate":"usage_update","used":5,"size":9,"cost":{"amount":0.5,"currency":"USD"}}"""),
            Update("""{"sessionUpdate":"session_info_update","title":"t"}"""),
            Update("""{"sessionUpdate":"config_option_update","configOptions":[{"id":"mode","category":"mode","type":"select","currentValue":"ask","options":[{"value":"ask"}]},{"id":"e","category":"thought_level","currentValue":"low","options":[{"group":"g","options":[{"value":"low"}]}]}]}"""),
            Update("""{"sessionUpdate":"available_commands_update","availableCommands":[{"name":"x","description":"y"}]}"""),
            Request(2, "elicitation/create",
                """{"sessionId":"S","mode":"form","message":"Which?","requestedSchema":{"type":"object","properties":{"q":{"type":"string","oneOf":[{"const":"red","title":"red"}]},"q_custom":{"type":"string"}}}}"""),
            Request(3, "fs/read_text_file", $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/a"}"""),
            Request(4, "fs/write_text_file", $$$$"""{"sessionId":"S","path":"{{{{_project}}}}/a","content":"x"}"""),
        ];
        try
        {
            for (var i = 0; i < 4000; i++)
            {
                Noise.Feed(_acp, Noise.Mutate(lines[random.Next(lines.Length)], random), _events);
                if (_events.Count > 200)
                {
                    foreach (var asked in _events.OfType<AgentApprovalAsked>())
                    {
                        _acp.Answer(asked.RequestId, new AgentAnswer.Deny("no"));
                    }

                    _events.Clear();
                }
            }

            _acp.CloseOpen();
            Assert.Empty(Directory.GetFileSystemEntries(_project));
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            throw new InvalidOperationException($"seed {seed}", e);
        }
    }

    [Fact]
    public void Configured_agents_are_read_and_a_wrong_entry_is_told_without_spoiling_the_others()
    {
        var read = AcpConfiguration.Parse(
            Encoding.UTF8.GetBytes(
                """{"agents":[{"id":"good","name":"Good","command":["good","--acp"],"environment":["GOOD_KEY"],"modes":["ask"]},{"id":"Bad Id","command":["x"]},{"id":"claude","command":["x"]},{"id":"empty","command":[]},{"id":"good","command":["again"]}]}"""),
            "agents.json", ["claude"]);
        var agent = Assert.Single(read.Agents);
        Assert.Equal(("good", "Good", "good", "--acp", "GOOD_KEY", "ask"),
            (agent.Id, agent.Name, agent.Program, agent.Arguments.Single(), agent.EnvironmentNames.Single(), agent.Modes.Single()));
        Assert.Contains("Agent 2", read.Problem, StringComparison.Ordinal);
        Assert.Contains("empty", read.Problem, StringComparison.Ordinal);
        Assert.NotNull(AcpConfiguration.Parse("{nonsense"u8.ToArray(), "agents.json", []).Problem);
        Assert.Equal(new AcpConfiguration([], null).Problem, AcpConfiguration.Read(_folder.FullName, []).Problem);
    }

    [Fact]
    public void An_agent_whose_settings_are_known_needs_no_command_and_one_that_is_not_known_is_told()
    {
        var read = AcpConfiguration.Parse(
            Encoding.UTF8.GetBytes(
                """{"agents":[{"id":"mine","known":"claude-agent-acp"},{"id":"other","known":"claude-agent-acp","name":"Other","command":["adapter","-x"]},{"id":"third","known":"x"}]}"""),
            "agents.json", []);
        Assert.Equal([("mine", "claude-agent-acp", ""), ("other", "adapter", "-x")],
            read.Agents.Select(a => (a.Id, a.Program, string.Join(' ', a.Arguments))));
        Assert.All(read.Agents, a => Assert.True(
            new AcpDriver(a, TimeProvider.System).Description is { HostTools: true, RunsInSandbox: false }));
        Assert.Contains("third", read.Problem, StringComparison.Ordinal);
        Assert.False(new AcpDriver(new AcpAgent("x", "X", "x", []), TimeProvider.System).Description.HostTools);
    }

    [Fact]
    public async Task Held_to_our_tools_an_agent_that_runs_a_command_by_itself_is_ended_and_what_it_tells_of_our_calls_is_not_shown_again()
    {
        await using var tools = new AcpHostTools(AcpAgent.Gemini.Gate!, [new HostTool("bash", "x", "{}")], TimeProvider.System);
        var held = new AcpTranslator(AcpAgent.Gemini, new AcpRequests(AcpAgent.Gemini, new AgentStart
        { SessionId = Guid.Empty, WorkingDirectory = _project }, (_, _) => Task.CompletedTask), tools)
        { SessionId = "S" };
        held.BeginTurn();
        RpcOutput Said(string update)
        {
            using var message = JsonDocument.Parse(Update(update));
            return held.Take(message.RootElement);
        }

        var ours = Said("""{"sessionUpdate":"tool_call","toolCallId":"mcp_pocketcoder_bash__mcp_pocketcoder_bash_1_0","status":"in_progress","title":"ls","kind":"execute"}""");
        Assert.Empty(ours.Events);
        Assert.Null(ours.Violation);
        Assert.Null(Said("""{"sessionUpdate":"tool_call","toolCallId":"run_shell_command__0","status":"failed","title":"ls","kind":"execute"}""").Violation);
        Assert.Null(Said(
            """{"sessionUpdate":"tool_call","toolCallId":"read_file__0","status":"completed","title":"a.txt","kind":"read"}""").Violation);
        Assert.NotNull(Said("""{"sessionUpdate":"tool_call","toolCallId":"run_shell_command__1","status":"in_progress","title":"ls","kind":"execute"}""").Violation);
        Assert.Null(Said("""{"sessionUpdate":"tool_call","toolCallId":"write_file__0","status":"completed","title":"x","kind":"edit","locations":[{"path":"/elsewhere/plan.md"}]}""").Violation);
        Assert.NotNull(Said("""{"sessionUpdate":"tool_call","toolCallId":"write_file__1","status":"completed","title":"x","kind":"edit","locations":[{"path":"a.txt"}]}""").Violation);
    }

    private static string Update(string update)
        => $$$$"""{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"S","update":{{{{update}}}}}}""";

    private static string Request(int id, string method, string parameters)
        => $$$$"""{"jsonrpc":"2.0","id":{{{{id}}}},"method":"{{{{method}}}}","params":{{{{parameters}}}}}""";

    private static string Permission(int id, string options)
        => Request(id, "session/request_permission",
            $$$$"""{"sessionId":"S","options":{{{{options}}}},"toolCall":{"toolCallId":"t{{{{id}}}}","kind":"execute","title":"ls -l","rawInput":{"command":"ls -l"}}}""");

    private static string Line(RpcOutput output) => Encoding.UTF8.GetString(Assert.Single(output.Lines));

    private AcpTranslator New(AcpAgent agent)
        => new(agent, new AcpRequests(agent, new AgentStart { SessionId = Guid.Empty, WorkingDirectory = _project }, (line, _) =>
    {
        _written.Add(Encoding.UTF8.GetString(line));
        return Task.CompletedTask;
    }))
        {
            SessionId = "S",
            Ready = new AgentReady("S") { Mode = "ask" },
        };

    private RpcOutput Feed(string line)
    {
        using var document = JsonDocument.Parse(line);
        var output = _acp.Take(document.RootElement);
        _events.AddRange(output.Events);
        _violation ??= output.Violation;
        return output;
    }
}
