using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.Acp;

/// <summary>The answer to <c>session/list</c>, as agents give it and as a broken one might.</summary>
public sealed class AcpConversationsTests
{
    private const string Answer = """
        {"sessions":[{"sessionId":"a","cwd":"/p","title":"older\nsecond line","updatedAt":"2026-11-21T09:08:56.506Z"},{"sessionId":"b","cwd":"/p/sub","title":"","updatedAt":"2026-11-21T09:09:10.000Z"},{"sessionId":"c","cwd":"/elsewhere","title":"x","updatedAt":"2026-11-21T09:09:10.000Z"},{"sessionId":"d","cwd":"/p"}]}
        """;

    [Fact]
    public void What_works_in_the_directory_is_listed_newest_first_whatever_else_the_agent_tells()
    {
        Assert.Equal([("b", "b"), ("a", "older …")], AcpConversations.Listed(Parse(Answer), "/p", 50).Select(c => (c.Id, c.Title)));
        Assert.Equal("b", Assert.Single(AcpConversations.Listed(Parse(Answer), "/p", 1)).Id);
        Assert.True(AcpConversations.Lists(Parse("""{"agentCapabilities":{"sessionCapabilities":{"list":{}}}}""")));
        Assert.False(AcpConversations.Lists(Parse("""{"agentCapabilities":{"sessionCapabilities":{"resume":{}}}}""")));
        Assert.False(AcpConversations.Lists(Parse("{}")));

        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 3000; i++)
        {
            using var broken = LineJson.TryParse(Noise.Mutate(Answer.Trim(), random));
            Assert.All(
                broken is null ? [] : AcpConversations.Listed(broken.RootElement, "/p", 50),
                c => Assert.True(c.Title.Length > 0 && !c.Title.Contains('\n', StringComparison.Ordinal)
                    && c.Directory.StartsWith("/p", StringComparison.Ordinal)));
        }
    }

    private static JsonElement Parse(string text) => JsonDocument.Parse(Encoding.UTF8.GetBytes(text)).RootElement;
}
