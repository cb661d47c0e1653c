using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Sessions.Tools;

public sealed class SubAgentsTests
{
    [Theory]
    [InlineData("""{"description":"Find the cause","subagent_type":"Explore"}""", "Explore")]
    [InlineData("""{"description":" Find \u202e the\ncause "}""", "Find the cause")]
    [InlineData("""{"subagent_type":7}""", "sub-agent")]
    [InlineData("""["no","object"]""", "sub-agent")]
    [InlineData("no JSON", "sub-agent")]
    public void A_call_is_the_sub_agents_that_was_started_by_its_parent(string input, string name)
    {
        var agents = new SubAgents();
        agents.Note(new AgentToolUse("task", "Task", ToolKind.Agent, "", input));
        agents.Note(new AgentToolUse("inner", "Bash", ToolKind.Execute, "ls", "{}") { ParentToolUseId = "task" });
        agents.Note(new AgentToolUse("outer", "Bash", ToolKind.Execute, "ls", "{}"));
        Assert.Equal(name, agents.Of("inner"));
        Assert.Null(agents.Of("outer"));
        Assert.Null(agents.Of("unknown"));
        Assert.Null(agents.Of(null));
        agents.Clear();
        Assert.Null(agents.Of("inner"));
    }

    [Fact]
    public void A_name_is_short_and_its_parent_may_be_unknown()
    {
        var agents = new SubAgents();
        agents.Note(new AgentToolUse("task", "Task", ToolKind.Agent, "", $$"""{"subagent_type":"{{new string('x', 10_000)}}"}"""));
        agents.Note(new AgentToolUse("inner", "Bash", ToolKind.Execute, "ls", "{}") { ParentToolUseId = "task" });
        agents.Note(new AgentToolUse("orphan", "Bash", ToolKind.Execute, "ls", "{}") { ParentToolUseId = "before" });
        Assert.Equal(Limits.NameLength, agents.Of("inner")!.Length);
        Assert.Equal("sub-agent", agents.Of("orphan"));
    }
}
