using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Watching;

namespace PocketCoder.Machine.Tests.Sessions.Watching;

/// <summary>What counts as the same thing again.</summary>
public sealed class RepeatsTests
{
    private readonly Repeats _repeats = new();
    private int _calls;

    [Fact]
    public void The_same_call_with_the_same_result_counts_and_anything_else_starts_anew()
    {
        Assert.Equal([1, 2, 3], [Do(), Do(), Do()]);
        Assert.Equal("read: a title", _repeats.Title);
        Assert.Equal([1, 1, 1], [Do(output: "another result"), Do(input: "{\"b\":1}"), Do(name: "write")]);
        Assert.Equal([1, 2, 1, 1], [Do(), Do(), Do(failed: true), Do()]);
    }

    [Fact]
    public void Sub_agents_that_each_do_the_same_once_do_not_repeat_themselves()
        => Assert.Equal([1, 1, 1], [Do(parent: "a"), Do(parent: "b"), Do(parent: "c")]);

    [Fact]
    public void Texts_that_run_together_alike_are_not_the_same()
        => Assert.Equal([1, 1], [Do(name: "ab", input: "c"), Do(name: "a", input: "bc")]);

    [Fact]
    public void A_result_without_a_call_is_no_repetition_and_a_restart_forgets()
    {
        Assert.Equal([1, 2], [Do(), Do()]);
        Assert.Equal(1, _repeats.Ended(new AgentToolResult("never called", false, "x")));
        Assert.Equal(3, Do());
        _repeats.Restart();
        Assert.Equal(1, Do());
    }

    private int Do(string name = "read", string input = "{}", string output = "same", bool failed = false, string? parent = null)
    {
        var id = $"call-{_calls++}";
        _repeats.Called(new AgentToolUse(id, name, ToolKind.Read, "a title", input) { ParentToolUseId = parent });
        return _repeats.Ended(new AgentToolResult(id, failed, output));
    }
}
