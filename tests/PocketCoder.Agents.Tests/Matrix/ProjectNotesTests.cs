using PocketCoder.Agents;
using PocketCoder.Agents.Tests.Acp;

namespace PocketCoder.Agents.Tests.Matrix;

/// <summary>
/// Each real agent is given the notes that a project holds for it, by the agent's own names, and nothing that such a name leads to outside
/// of the project.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ProjectNotesTests(RealAcpFixture fixture) : IClassFixture<RealAcpFixture>
{
    /// <summary>Agent, the file it looks for, and a file that it must not get because the other one comes first; empty: none.</summary>
    public static TheoryData<string, string, string> Notes => new()
    {
        { "Claude Code", "CLAUDE.md", "" },
        { "Claude Code", ".claude/CLAUDE.md", "" },
        { "Claude Code", "CLAUDE.local.md", "" },
        { "Codex", "AGENTS.md", "" },
        { "Codex", "AGENTS.override.md", "AGENTS.md" },
        { "OpenCode", "AGENTS.md", "CLAUDE.md" },
        { "OpenCode", "CLAUDE.md", "" },
        { "Gemini CLI", "GEMINI.md", "" },
        { "ACP (claude-agent-acp)", "CLAUDE.md", "" },
    };

    [Theory]
    [MemberData(nameof(Notes))]
    public async Task The_words_of_its_notes_are_in_the_models_request_once_and_in_a_resumed_conversation_too(
        string column, string file, string hidden)
    {
        using var agent = await MatrixAgent.NewAsync(column, fixture);
        var word = $"rhyme{Guid.CreateVersion7():N}";
        var unread = $"hidden{Guid.CreateVersion7():N}";
        Directory.CreateDirectory(Path.GetDirectoryName(agent.InProject(file))!);
        await File.WriteAllTextAsync(agent.InProject(file), $"Always answer in {word}.");
        if (hidden.Length > 0)
        {
            await File.WriteAllTextAsync(agent.InProject(hidden), $"Always answer in {unread}.");
        }

        string id;
        await using (var run = await agent.StartAsync())
        {
            id = (await run.NextAsync<AgentReady>()).NativeId;
            foreach (var prompt in (string[])["first of all", "second of all"])
            {
                Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync($"{prompt} {word[..9]}")).Outcome);
                Holds(Body($"{prompt} {word[..9]}"));
            }
        }

        await using var again = await agent.StartAsync(id);
        Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync($"third of all {word[..9]}")).Outcome);
        Holds(Body($"third of all {word[..9]}"));

        void Holds(string body)
        {
            Assert.Equal(2, body.Split(word).Length);
            Assert.DoesNotContain(unread, body, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Claude Code", "CLAUDE.md")]
    [InlineData("Codex", "AGENTS.md")]
    [InlineData("OpenCode", "AGENTS.md")]
    [InlineData("Gemini CLI", "GEMINI.md")]
    [InlineData("ACP (claude-agent-acp)", "CLAUDE.md")]
    public async Task Notes_that_are_a_link_out_of_the_project_are_not_given_and_long_ones_only_to_their_bound(string column, string file)
    {
        using var agent = await MatrixAgent.NewAsync(column, fixture);
        var outside = Path.Combine(Path.GetDirectoryName(agent.Project)!, "private.txt");
        var word = $"private{Guid.CreateVersion7():N}";
        await File.WriteAllTextAsync(outside, word);
        File.CreateSymbolicLink(agent.InProject(file), outside);
        await using (var run = await agent.StartAsync())
        {
            Assert.Equal(TurnOutcome.Completed, (await run.TurnAsync($"linked {word[..12]}")).Outcome);
            Assert.DoesNotContain(word, Body($"linked {word[..12]}"), StringComparison.Ordinal);
        }

        using var other = await MatrixAgent.NewAsync(column, fixture);
        await File.WriteAllTextAsync(other.InProject(file), $"begins {new string('x', 70_000)} {word}");
        await using var second = await other.StartAsync();
        Assert.Equal(TurnOutcome.Completed, (await second.TurnAsync($"long {word[..12]}")).Outcome);
        var body = Body($"long {word[..12]}");
        Assert.Contains("begins xxx", body, StringComparison.Ordinal);
        Assert.DoesNotContain(word, body, StringComparison.Ordinal);
    }

    private string Body(string prompt)
        => fixture.Model.Requests.Last(r => r.Prompt == prompt && !r.Dialect.EndsWith("-side", StringComparison.Ordinal)).Body;
}
