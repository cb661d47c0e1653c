using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Agents;
using PocketCoder.Agents.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>What no well-behaved program sends.</summary>
public sealed class ClaudeTranslatorTests
{
    private readonly ClaudeTranslator _translator = Replay.NewTranslator();

    public ClaudeTranslatorTests() => _translator.BeginTurn();

    [Fact]
    public void A_permission_asked_without_the_hook_before_is_denied()
        => AssertDenied(MayUse("r1", "t1", "Bash", """{"command":"ls"}"""), "hook");

    [Theory]
    [InlineData("Bash", """{"command":"rm -rf /"}""")]
    [InlineData("Write", """{"command":"ls"}""")]
    [InlineData("Bash", """{"command":"ls","timeout":1}""")]
    public void A_permission_for_something_else_than_the_hook_saw_is_denied(string tool, string input)
    {
        Hook("t1", "Bash", """{"command":"ls"}""");
        AssertDenied(MayUse("r1", "t1", tool, input), "differs");
    }

    [Fact]
    public void The_order_of_members_is_no_difference()
    {
        Hook("t1", "Bash", """{"command":"ls","timeout":1}""");
        Assert.IsType<AgentApprovalAsked>(Assert.Single(MayUse("r1", "t1", "Bash", """{"timeout":1,"command":"ls"}""").Events));
    }

    [Fact]
    public void An_input_with_a_member_twice_is_no_request_at_all()
    {
        Hook("t1", "Bash", """{"command":"ls"}""");
        var line = """{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"command":"ls","command":"rm -rf /"},"tool_use_id":"t1"}}""";
        var output = _translator.Translate(Encoding.UTF8.GetBytes(line));
        Assert.Empty(output.Events);
        Assert.Empty(output.Lines);
        Assert.NotNull(output.Violation);
    }

    [Fact]
    public void A_request_that_can_not_be_read_ends_the_session_because_it_would_stay_without_an_answer()
    {
        Assert.NotNull(Hook("t1", "Agent", """{"description":"d","prompt":"p","\ud800":1}""").Violation);
        Assert.Null(_translator.Translate("debugger attached"u8.ToArray()).Violation);
        Assert.Equal("ask", Decision(Hook("t2", "Bash", """{"command":"\ud800"}""")));
    }

    [Theory]
    [InlineData("Bash", """{"command":"ls"}""", "ask")]
    [InlineData("Bash", """{"command":"ls","run_in_background":true}""", "deny")]
    [InlineData("Bash", """{"command":"ls","run_in_background":"true"}""", "deny")]
    [InlineData("Bash", """{"command":"ls","run_in_background":false}""", "ask")]
    [InlineData("Agent", """{"description":"d","prompt":"p","run_in_background":true}""", "deny")]
    [InlineData("Agent", """{"description":"d","prompt":"p","subagent_type":"Explore"}""", null)]
    [InlineData("Agent", """{"description":"d","prompt":"p","isolation":"worktree"}""", "ask")]
    [InlineData("Write", """{"file_path":"/home/user/code/claude/a","content":"x"}""", "ask")]
    [InlineData("WebFetch", """{"url":"http://127.0.0.1/","prompt":"p"}""", "ask")]
    [InlineData("Read", """{"file_path":"/home/user/code/claude/a"}""", null)]
    [InlineData("Read", """{"file_path":"/home/user/code/claude/../other/a"}""", "ask")]
    [InlineData("Read", """{"file_path":"~/.ssh/id_rsa"}""", "ask")]
    [InlineData("Read", """{"file_path":"/etc/passwd"}""", "ask")]
    [InlineData("Read", """{}""", "ask")]
    [InlineData("Read", """{"file_path":7}""", "ask")]
    [InlineData("Grep", """{"pattern":"x"}""", null)]
    [InlineData("Grep", """{"pattern":"x","path":"/"}""", "ask")]
    [InlineData("Grep", """{"pattern":"x","path":["/"]}""", "ask")]
    [InlineData("Glob", """{"pattern":"**/*.cs"}""", null)]
    [InlineData("Glob", """{"pattern":"../**"}""", "ask")]
    [InlineData("Glob", """{"pattern":"/etc/**"}""", "ask")]
    [InlineData("TodoWrite", """{"todos":[]}""", null)]
    [InlineData("Workflow", """{}""", "deny")]
    [InlineData("mcp__evil__x", """{}""", "deny")]
    public void The_gate_asks_for_everything_but_a_closed_list(string tool, string input, string? decision)
        => Assert.Equal(decision, Decision(Hook("t1", tool, input)));

    [Fact]
    public void A_plan_file_is_left_to_the_programs_own_rule_in_plan_mode_only()
    {
        const string plan = """{"file_path":"/home/user/homes/claude/.claude/plans/my-plan.md","content":"x"}""";
        Assert.Equal("ask", Decision(Hook("t1", "Write", plan)));
        Assert.Null(Decision(Hook("t2", "Write", plan, "plan")));
        Assert.Equal("ask", Decision(Hook("t3", "Write", plan.Replace("plans/", "plans/../", StringComparison.Ordinal), "plan")));
        Assert.Equal("ask", Decision(Hook("t4", "Bash", """{"command":"ls"}""", "plan")));
    }

    [Theory]
    [InlineData("""{"type":"system","subtype":"init","session_id":"s","tools":["Bash","Monitor"],"mcp_servers":[],"permissionMode":"default"}""")]
    [InlineData("""{"type":"system","subtype":"init","session_id":"s","tools":["Bash"],"mcp_servers":[{"name":"evil"}],"permissionMode":"default"}""")]
    [InlineData("""{"type":"system","subtype":"init","session_id":"s","tools":["Bash"],"mcp_servers":[],"permissionMode":"bypassPermissions"}""")]
    [InlineData("""{"type":"system","subtype":"status","status":null,"permissionMode":"bypassPermissions"}""")]
    [InlineData("""{"type":"system","subtype":"status","status":null,"permissionMode":"dontAsk"}""")]
    public void Tools_servers_and_modes_we_did_not_allow_end_the_session(string line)
        => Assert.NotNull(_translator.Translate(Encoding.UTF8.GetBytes(line)).Violation);

    [Fact]
    public void An_allowed_input_with_anything_changed_becomes_a_denial()
    {
        Hook("t1", "Bash", """{"command":"ls"}""");
        MayUse("r1", "t1", "Bash", """{"command":"ls"}""");
        var line = JsonNode.Parse(_translator.Answer("r1", new AgentAnswer.Allow("""{"command":"ls" }"""))!)!;
        Assert.Equal("deny", line["response"]!["response"]!["behavior"]!.GetValue<string>());
        Assert.Null(_translator.Answer("r1", new AgentAnswer.Allow("""{"command":"ls"}""")));
    }

    [Fact]
    public void An_unknown_request_gets_an_error_and_an_unknown_line_is_counted()
    {
        var reply = Assert.Single(_translator.Translate(
            """{"type":"control_request","request_id":"r1","request":{"subtype":"mcp_message"}}"""u8.ToArray()).Lines);
        Assert.Equal("error", JsonNode.Parse(reply)!["response"]!["subtype"]!.GetValue<string>());
        var before = _translator.Skipped;
        foreach (var line in new[]
            { "", "x", "[]", "null", """{"type":"quantum"}""", """{"type":7}""", """{"type":"system","subtype":"task_started"}""" })
        {
            Assert.Empty(_translator.Translate(Encoding.UTF8.GetBytes(line)).Events);
        }

        Assert.Equal(before + 7, _translator.Skipped);
    }

    [Fact]
    public void What_we_write_is_one_line_of_json_whatever_the_text()
    {
        foreach (var text in new[]
            { "a\nb\r\nc", "\u2028\u0000\u001b[31m", "\ud800", "\"}\n{\"type\":\"control_request\"}", "日本 👩‍💻", "" })
        {
            foreach (var line in new[] { ClaudeMessages.Prompt(new AgentPrompt(Guid.Empty, text) { Note = text }, []),
                ClaudeMessages.Deny("r", text), ClaudeMessages.Initialize("r", text, new ClaudeHostTools([])),
                ClaudeMessages.ToolResult("r", "\"id\"", text, isError: false), ClaudeMessages.SetModel("r", text) })
            {
                Assert.DoesNotContain((byte)'\n', line);
                Assert.DoesNotContain((byte)'\r', line);
                Assert.NotNull(JsonNode.Parse(line));
            }
        }
    }

    [Fact]
    public void Huge_output_keeps_head_and_tail_and_says_so()
    {
        Hook("t1", "TodoWrite", "{}");
        var text = new string('a', 900_000) + new string('b', 900_000);
        var line = new JsonObject
        {
            ["type"] = "user",
            ["message"] = new JsonObject
            { ["content"] = new JsonArray(new JsonObject { ["type"] = "tool_result", ["tool_use_id"] = "t1", ["content"] = text }) }
        };
        var result = _translator.Translate(Capture.Bytes(line)).Events.OfType<AgentToolResult>().Single();
        Assert.True(result.Output.Length < 1_050_000);
        Assert.Contains("751424 characters left out", result.Output, StringComparison.Ordinal);
    }

    /// <summary>Mutated recordings: no exception, and no allow that nobody gave. Bounded by time; the seed is in the message.</summary>
    [Fact]
    public void Mutated_recordings_never_crash_and_never_allow()
    {
        var captures = Capture.Names().Select(n => Capture.Read(n).Where(l => l.Out)
            .SelectMany(l => Capture.HooksFor(l.Data).Prepend(l.Data)).Select(Capture.Bytes).ToList()).ToList();
        var clock = Stopwatch.StartNew();
        for (var seed = 1; clock.Elapsed < TimeSpan.FromSeconds(4) || seed < 50; seed++)
        {
            var random = new Random(seed);
            var lines = captures[random.Next(captures.Count)].ToList();
            var fresh = Replay.NewTranslator();
            fresh.BeginTurn();
            for (var i = 0; i < lines.Count; i++)
            {
                var line = random.Next(3) == 0 ? Mutate(lines[i], lines, random) : lines[i];
                try
                {
                    var output = fresh.Translate(line);
                    Assert.All(output.Lines, l => AssertNoAllow(l, seed));
                    foreach (var asked in output.Events.OfType<AgentApprovalAsked>())
                    {
                        var answer = fresh.Answer(asked.RequestId,
                            random.Next(2) == 0 ? new AgentAnswer.Deny("no") : new AgentAnswer.Allow(asked.InputJson + " "));
                        AssertNoAllow(answer!, seed);
                    }

                    if (output.Events.Exists(e => e is AgentTurnEnded) && random.Next(2) == 0)
                    {
                        fresh.BeginTurn();
                    }
                }
                catch (Exception e) when (e is not Xunit.Sdk.XunitException)
                {
                    Assert.Fail($"seed {seed}, line {i}: {e}\n{Encoding.UTF8.GetString(line)}");
                }
            }

            fresh.CloseOpen();
        }
    }

    private static void AssertNoAllow(byte[] line, int seed)
    {
        var response = JsonNode.Parse(line)!["response"]!["response"];
        Assert.True(response?["behavior"]?.GetValue<string>() != "allow"
            && response?["hookSpecificOutput"]?["permissionDecision"]?.GetValue<string>() != "allow",
            $"seed {seed}: {Encoding.UTF8.GetString(line)}");
    }

    private static byte[] Mutate(byte[] line, List<byte[]> lines, Random random)
    {
        var bytes = line.ToArray();
        switch (random.Next(7))
        {
            case 6:
                return Encoding.UTF8.GetBytes(Surrogate(Encoding.UTF8.GetString(bytes), random));
            case 0:
                for (var i = random.Next(1, 8); i > 0 && bytes.Length > 0; i--)
                {
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                }

                return bytes;
            case 1:
                return bytes[..random.Next(bytes.Length + 1)];
            case 2:
                return lines[random.Next(lines.Count)];
            case 3:
                return Retype(bytes, random);
            case 4:
                return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).Replace("\"id\"", "\"di\"", StringComparison.Ordinal)
                    .Replace("tool_use_id", "x", StringComparison.Ordinal));
            default:
                return [.. bytes, .. lines[random.Next(lines.Count)]];
        }
    }

    private static string Surrogate(string text, Random random)
    {
        var quotes = Enumerable.Range(0, text.Length).Where(i => text[i] == '"').ToList();
        return quotes.Count == 0 ? text : text.Insert(quotes[random.Next(quotes.Count)] + 1, "\\ud800");
    }

    /// <summary>Another kind of value somewhere: what a newer program might send.</summary>
    private static byte[] Retype(byte[] bytes, Random random)
    {
        var root = JsonNode.Parse(bytes)!;
        var nodes = new List<JsonNode>();
        Collect(root);
        if (nodes.Count == 0)
        {
            return bytes;
        }

        var node = nodes[random.Next(nodes.Count)];
        JsonNode? value = random.Next(
            6) switch
        { 0 => null, 1 => 1e300, 2 => "x", 3 => new JsonArray(1, "a"), 4 => new JsonObject(), _ => true };
        switch (node.Parent)
        {
            case JsonObject parent:
                parent[node.GetPropertyName()] = value;
                break;
            case JsonArray parent:
                parent[node.GetElementIndex()] = value;
                break;
        }

        return Capture.Bytes(root);

        void Collect(JsonNode? at)
        {
            foreach (var child in at switch { JsonObject o => o.Select(m => m.Value), JsonArray a => a, _ => [] })
            {
                if (child is not null)
                {
                    nodes.Add(child);
                    Collect(child);
                }
            }
        }
    }

    private static void AssertDenied(ClaudeOutput output, string why)
    {
        Assert.Empty(output.Events);
        var response = JsonNode.Parse(Assert.Single(output.Lines))!["response"]!["response"]!;
        Assert.Equal("deny", response["behavior"]!.GetValue<string>());
        Assert.Contains(why, response["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    private static string? Decision(ClaudeOutput output)
        => JsonNode.Parse(Assert.Single(
            output.Lines))!["response"]!["response"]!["hookSpecificOutput"]?["permissionDecision"]?.GetValue<string>();

    private ClaudeOutput Hook(string id, string tool, string input, string mode = "default")
        => _translator.Translate(Encoding.UTF8.GetBytes(
            $$$$"""{"type":"control_request","request_id":"h-{{{{{id}}}}}","request":{"subtype":"hook_callback","callback_id":"before-tool","input":{"permission_mode":"{{{{mode}}}}","tool_name":"{{{{tool}}}}","tool_input":{{{{input}}}},"tool_use_id":"{{{{id}}}}"}}}"""));

    private ClaudeOutput MayUse(string request, string id, string tool, string input)
        => _translator.Translate(Encoding.UTF8.GetBytes(
            $$$$"""{"type":"control_request","request_id":"{{{{request}}}}","request":{"subtype":"can_use_tool","tool_name":"{{{{tool}}}}","input":{{{{input}}}},"tool_use_id":"{{{{id}}}}"}}"""));
}
