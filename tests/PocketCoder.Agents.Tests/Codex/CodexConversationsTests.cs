using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;

namespace PocketCoder.Agents.Tests.Codex;

/// <summary>The real program, started as a person would, and its answers as a broken one might give them.</summary>
[Trait("Category", "Slow")]
public sealed class CodexConversationsTests(RealCodexFixture codex) : IClassFixture<RealCodexFixture>
{
    private const string List = """
        {"data":[{"id":"01a1fd68-51f0-7680-99ef-45289300f4ae","preview":"RUN: x\ny","updatedAt":1795252836,"cwd":"/p","name":null},{"id":"01a1fd68-51f0-7680-99ef-45289300f4af","preview":"","name":"named","updatedAt":1795252836,"cwd":"/p"}]}
        """;

    private const string Read = """
        {"thread":{"turns":[{"startedAt":1795252836,"items":[{"type":"userMessage","content":[{"type":"text","text":"look"},{"type":"image","url":"x"}]},{"type":"reasoning","summary":[]},{"type":"commandExecution","command":"ls\nrm"},{"type":"fileChange","changes":[{"path":"/a"},{"path":"/b"}]},{"type":"agentMessage","text":"there"}]}]}}
        """;

    [Fact]
    public async Task What_a_person_began_is_listed_and_read_and_its_words_begin_a_new_conversation_that_has_our_tools()
    {
        using var home = codex.NewHome();
        Assert.Equal(0, (await ByHandAsync(home, "SAY: the lighthouse stands")).ExitCode);
        var driver = new CodexDriver(TimeProvider.System, home.Environment);

        var found = Assert.Single(await driver.ListConversationsAsync(home.Project, 50, CancellationToken.None));
        Assert.Equal(("SAY: the lighthouse stands", home.Project, null), (found.Title, found.Directory, found.Open));
        Assert.Empty(await driver.ListConversationsAsync(home.Home, 50, CancellationToken.None));
        Assert.Equal(
            [(AgentConversationSpeaker.Person, "SAY: the lighthouse stands"), (AgentConversationSpeaker.Agent, "the lighthouse stands")],
            (await driver.ReadConversationAsync(found.Id, home.Project, CancellationToken.None)).Select(p => (p.Who, p.Text)));

        var file = Directory.GetFiles(Path.Combine(home.ConfigDirectory, "sessions"), $"*{found.Id}.jsonl", SearchOption.AllDirectories)
            .Single();
        var before = await File.ReadAllBytesAsync(file);
        var start = RealCodexFixture.Start(home);
        string id;
        await using (var copy = await RealCodexFixture.StartAsync(
            home, start with { ResumeId = found.Id, Fork = true, BegunElsewhere = true }))
        {
            id = (await copy.NextAsync<AgentReady>()).NativeId;
            Assert.NotEqual(found.Id, id);
            Assert.Equal(TurnOutcome.Completed, (await copy.TurnAsync("SAY: yes")).Outcome);
            var asked = codex.Model.Requests.Last(r => r.Prompt == "SAY: yes");
            Assert.Contains("the lighthouse stands", asked.Body, StringComparison.Ordinal);
            Assert.Contains("bash", asked.Tools);
        }

        // Why its words only: Codex's own copy (thread/fork) takes no tools of ours, nor may it have those of the terminal. When this
        // fails, copies can be whole.
        await using (var fork = await RealCodexFixture.StartAsync(
            home, start with { SessionId = Guid.CreateVersion7(), ResumeId = found.Id, Fork = true }))
        {
            Assert.Equal(TurnOutcome.Completed, (await fork.TurnAsync("SAY: by its own fork")).Outcome);
            var asked = codex.Model.Requests.Last(r => r.Prompt == "SAY: by its own fork");
            Assert.Contains("the lighthouse stands", asked.Body, StringComparison.Ordinal);
            Assert.DoesNotContain("bash", asked.Tools);
            Assert.DoesNotContain("read_file", asked.Tools);
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(file));
        await using var again = await RealCodexFixture.StartAsync(home, start with { ResumeId = id });
        Assert.Equal(TurnOutcome.Completed, (await again.TurnAsync("SAY: still")).Outcome);
        Assert.Contains("the lighthouse stands", codex.Model.Requests.Last(r => r.Prompt == "SAY: still").Body, StringComparison.Ordinal);
    }

    [Fact]
    public void An_answer_is_read_and_a_broken_one_does_no_harm()
    {
        Assert.Equal(["RUN: x …", "named"], CodexConversations.Listed(Parse(List)).Select(c => c.Title));
        Assert.Equal(["look", "ls …", "edit: /a, /b", "there"], CodexConversations.Said(Parse(Read)).Select(p => p.Text));

        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var i = 0; i < 3000; i++)
        {
            foreach (var text in (string[])[List, Read])
            {
                using var broken = LineJson.TryParse(Noise.Mutate(text.Trim(), random));
                if (broken is not null)
                {
                    Assert.All(CodexConversations.Listed(broken.RootElement), c => Assert.DoesNotContain('\n', c.Title));
                    Assert.All(CodexConversations.Said(broken.RootElement), p => Assert.NotEmpty(p.Text));
                }
            }
        }
    }

    [Fact]
    public void Of_a_long_conversation_the_last_words_are_taken_along()
    {
        IReadOnlyList<AgentConversationPart> said = [.. Enumerable.Range(0, 300)
            .Select(i => new AgentConversationPart((AgentConversationSpeaker)(i % 3), new string('x', 1000) + i, null))];
        var last = CodexHistory.Last(said);
        Assert.Equal(said[^2], last[^1]); // the last one is a tool's
        Assert.DoesNotContain(last, p => p.Who == AgentConversationSpeaker.Tool);
        Assert.InRange(last.Sum(p => p.Text.Length), CodexHistory.Most - 2000, CodexHistory.Most);
    }

    internal static Task<CommandResult> ByHandAsync(CodexHome home, string prompt) => CommandRun.RunAsync(
        new ProcessStart
        {
            Program = home.Environment["POCKETCODER_CODEX"],
            Arguments = ["exec", "--skip-git-repo-check", prompt],
            WorkingDirectory = home.Project,
            Environment = home.Environment
        },
        Wait.Limit, 64 * 1024, TimeProvider.System, CancellationToken.None);

    private static JsonElement Parse(string text) => JsonDocument.Parse(Encoding.UTF8.GetBytes(text)).RootElement;
}
