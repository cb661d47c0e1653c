using System.Text;
using PocketCoder.Agents;
using PocketCoder.Agents.Cursor;

namespace PocketCoder.Agents.Tests.Cursor;

/// <summary>Lines as Cursor's documents and public parsers describe them; the program itself can't be had here.</summary>
public sealed class CursorTranslatorTests
{
    private static readonly string[] s_turn =
    [
        """{"type":"system","subtype":"init","apiKeySource":"login","cwd":"/p","session_id":"c0ffee-1","model":"Auto","permissionMode":"default"}""",
        """{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hi"}]},"session_id":"c0ffee-1"}""",
        """{"type":"thinking","subtype":"delta","text":"Let me ","session_id":"c0ffee-1","timestamp_ms":1}""",
        """{"type":"thinking","subtype":"delta","text":"look.","session_id":"c0ffee-1","timestamp_ms":2}""",
        """{"type":"thinking","subtype":"completed","session_id":"c0ffee-1","timestamp_ms":3}""",
        """{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"I read "}]},"session_id":"c0ffee-1","timestamp_ms":4}""",
        """{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"it."}]},"session_id":"c0ffee-1","timestamp_ms":5}""",
        """{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"I read it."}]},"session_id":"c0ffee-1","timestamp_ms":6,"model_call_id":"m-1"}""",
        """{"type":"tool_call","subtype":"started","call_id":"t-1","tool_call":{"readToolCall":{"args":{"path":"a.txt"}}},"session_id":"c0ffee-1"}""",
        """{"type":"interaction_query","subtype":"request","query":{},"session_id":"c0ffee-1"}""",
        """{"type":"tool_call","subtype":"completed","call_id":"t-1","tool_call":{"readToolCall":{"args":{"path":"a.txt"},"result":{"success":{"content":"inside"}}}},"session_id":"c0ffee-1"}""",
        """{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Done."}]},"session_id":"c0ffee-1","timestamp_ms":7}""",
        """{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Done."}]},"session_id":"c0ffee-1"}""",
        """{"type":"result","subtype":"success","duration_ms":10,"is_error":false,"result":"I read it.Done.","session_id":"c0ffee-1","usage":{"inputTokens":7,"outputTokens":3,"cacheReadTokens":2}}""",
    ];

    private readonly List<AgentEvent> _events = [];
    private readonly CursorTranslator _cursor = new();
    private string? _violation;

    public CursorTranslatorTests() => _cursor.BeginTurn();

    [Fact]
    public void A_turn_is_told_once_though_the_program_says_everything_twice()
    {
        Feed(s_turn);
        Assert.Equal(("c0ffee-1", "Auto"), _events.OfType<AgentReady>().Select(r => (r.NativeId, r.Model)).Single());
        Assert.Equal(["Let me look.", "I read it.", "Done."], _events.OfType<AgentBlock>().Select(b => b.Text));
        Assert.Equal(["Let me ", "look.", "I read ", "it.", "Done."], _events.OfType<AgentDelta>().Select(d => d.Text));
        Assert.Equal((ToolKind.Read, "a.txt"), _events.OfType<AgentToolUse>().Select(t => (t.Kind, t.Title)).Single());
        Assert.Equal((false, "inside"), _events.OfType<AgentToolResult>().Select(t => (t.IsError, t.Output)).Single());
        var ended = Assert.IsType<AgentTurnEnded>(_events[^1]);
        Assert.Equal((TurnOutcome.Completed, new AgentUsage(7, 3, 2, 0, null)), (ended.Outcome, ended.Usage));
        Assert.Equal(0, _cursor.Skipped);
        Assert.Empty(_cursor.Gone("ended"));
    }

    [Fact]
    public void A_version_that_does_not_stream_is_heard_too()
    {
        Feed(s_turn.Where(l => !l.Contains("\"timestamp_ms\"", StringComparison.Ordinal)
            || l.Contains("model_call_id", StringComparison.Ordinal)));
        Assert.Equal(["I read it.", "Done."], _events.OfType<AgentBlock>().Select(b => b.Text));
        _events.Clear();
        _cursor.BeginTurn();
        Feed(s_turn[^1..]);
        Assert.Equal("I read it.Done.", Assert.Single(_events.OfType<AgentBlock>()).Text); // nothing else was said at all
    }

    [Theory]
    [InlineData("shellToolCall", """{"command":"rm -rf ."}""")]
    [InlineData("editToolCall", """{"path":"a.txt"}""")]
    [InlineData("writeToolCall", """{"path":"a.txt"}""")]
    [InlineData("deleteToolCall", """{"path":"a.txt"}""")]
    [InlineData("mcpToolCall", """{"name":"x"}""")]
    [InlineData("tomorrowToolCall", "{}")]
    public void What_does_more_than_read_ends_it_as_it_begins(string tool, string input)
    {
        Feed([s_turn[0], """{"type":"tool_call","subtype":"started","call_id":"t","tool_call":{"TOOL":{"args":INPUT}}}""".Replace(
            "TOOL", tool, StringComparison.Ordinal).Replace("INPUT", input, StringComparison.Ordinal)]);
        Assert.Contains("began", _violation, StringComparison.Ordinal);
        Assert.Single(_events.OfType<AgentToolUse>()); // shown, so that the person knows what to look for
        var ended = Assert.Single(_cursor.Gone(_violation!).OfType<AgentTurnEnded>());
        Assert.Equal((TurnOutcome.Failed, _violation), (ended.Outcome, ended.Error));
    }

    [Fact]
    public void A_call_whose_beginning_was_not_told_is_looked_at_when_it_ends()
    {
        Feed(["""{"type":"tool_call","subtype":"completed","call_id":"t","tool_call":{"function":{"name":"write_everything","args":{},"result":{"success":{}}}}}"""]);
        Assert.Contains("write_everything", _violation, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refused_call_is_an_error_with_its_reason()
    {
        Feed([s_turn[8], """{"type":"tool_call","subtype":"completed","call_id":"t-1","tool_call":{"readToolCall":{"result":{"rejected":{"reason":"outside"}}}}}"""]);
        Assert.Equal((true, "outside"), _events.OfType<AgentToolResult>().Select(r => (r.IsError, r.Output)).Single());
    }

    [Fact]
    public void An_error_an_end_without_a_result_and_a_stop_are_three_different_ends()
    {
        Feed(["""{"type":"result","subtype":"error","is_error":true,"result":"You are over your limit.\nMore."}"""]);
        Assert.Equal((TurnOutcome.Failed, "You are over your limit. …"), End());
        _cursor.BeginTurn();
        Feed(s_turn[..9]);
        _events.Clear();
        _events.AddRange(_cursor.Gone("Cursor ended (code 1)."));
        Assert.True(Assert.Single(_events.OfType<AgentToolResult>()).Interrupted);
        Assert.Equal((TurnOutcome.Failed, "Cursor ended (code 1)."), End());
        _cursor.BeginTurn();
        _cursor.Interrupting = true;
        _events.AddRange(_cursor.Gone("Cursor ended (code 137)."));
        Assert.Equal((TurnOutcome.Cancelled, null), End());

        (TurnOutcome, string?) End() => _events.OfType<AgentTurnEnded>().Select(e => (e.Outcome, e.Error)).Last();
    }

    [Fact]
    public void A_conversation_whose_name_could_be_an_option_ends_it()
    {
        Feed(["""{"type":"system","subtype":"init","session_id":"--force"}"""]);
        Assert.NotNull(_violation);
        Assert.Empty(_events);
    }

    [Fact]
    public void Lines_of_a_broken_newer_or_hostile_program_break_nothing()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 400; round++)
        {
            var translator = new CursorTranslator();
            var ended = 0;
            translator.BeginTurn();
            foreach (var line in s_turn)
            {
                var output = translator.Take(Noise.Mutate(line, random));
                ended += output.Events.Count(e => e is AgentTurnEnded);
            }

            ended += translator.Gone("gone").Count(e => e is AgentTurnEnded);
            Assert.Equal(1, ended);
        }
    }

    private void Feed(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            var output = _cursor.Take(Encoding.UTF8.GetBytes(line));
            _events.AddRange(output.Events);
            _violation ??= output.Violation;
        }
    }
}
