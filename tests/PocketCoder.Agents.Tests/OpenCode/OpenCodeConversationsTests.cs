using System.Text;
using PocketCoder.Agents;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.OpenCode;

/// <summary>What OpenCode answers about conversations, as it did and as a broken one might.</summary>
public sealed class OpenCodeConversationsTests
{
    private const string List = """
        Performing one time database migration
        [{"id":"ses_e000f2959ffekuGHG2rxIRzFN8","title":"A title\nof two lines","directory":"/p","time_updated":1795252836000},{"id":"../../x","title":"no id","directory":"/p","time_updated":1},{"id":"ses_e000f2959ffekuGHG2rxIRzFN9","directory":"/p","time_updated":99999999999999999}]
        """;

    private const string Messages = """
        [{"info":{"role":"user","time":{"created":1795252836000}},"parts":[{"type":"text","text":"look"},{"type":"text","text":"of the program","synthetic":true},{"type":"file","url":"data:x"}]},{"info":{"role":"assistant","time":{"created":1795252837000}},"parts":[{"type":"step-start"},{"type":"reasoning","text":"hm"},{"type":"tool","tool":"bash","state":{"input":{"command":"ls\nrm"}}},{"type":"tool","tool":"todowrite"},{"type":"text","text":"there"}]}]
        """;

    [Fact]
    public void An_answer_is_read_and_a_broken_one_does_no_harm()
    {
        Assert.Equal([("ses_e000f2959ffekuGHG2rxIRzFN8", "A title …"), ("ses_e000f2959ffekuGHG2rxIRzFN9", "")],
            OpenCodeConversations.Listed(List).Select(c => (c.Id, c.Title)));
        using var messages = LineJson.TryParse(Encoding.UTF8.GetBytes(Messages))!;
        Assert.Equal(
            [(AgentConversationSpeaker.Person, "look"), (AgentConversationSpeaker.Tool, "bash: ls …"),
                (AgentConversationSpeaker.Tool, "todowrite"), (AgentConversationSpeaker.Agent, "there")],
            OpenCodeConversations.Said(messages.RootElement).Select(p => (p.Who, p.Text)));

        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 3000; i++)
        {
            Assert.All(OpenCodeConversations.Listed(Encoding.UTF8.GetString(Noise.Mutate(
                List[List.IndexOf('[', StringComparison.Ordinal)..].Trim(), random))), c => Assert.DoesNotContain('\n', c.Title));
            using var broken = LineJson.TryParse(Noise.Mutate(Messages.Trim(), random));
            if (broken is not null)
            {
                Assert.All(OpenCodeConversations.Said(broken.RootElement), p => Assert.NotEmpty(p.Text));
            }
        }
    }
}
