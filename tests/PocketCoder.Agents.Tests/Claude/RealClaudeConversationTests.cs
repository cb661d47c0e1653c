using PocketCoder.Agents.Claude;
using PocketCoder.Processes;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>The real program, started as a person would: what it leaves behind is listed, read, and goes on.</summary>
[Trait("Category", "Slow")]
public sealed class RealClaudeConversationTests(RealClaudeFixture claude) : IClassFixture<RealClaudeFixture>
{
    [Fact]
    public async Task What_a_person_began_is_listed_read_copied_without_a_change_to_it_and_continued()
    {
        using var home = claude.NewHome();
        Assert.Equal(0, (await ByHandAsync(home, "remember the lighthouse")).ExitCode);
        var driver = new ClaudeDriver(TimeProvider.System, home.Environment);

        var found = Assert.Single(await driver.ListConversationsAsync(home.Project, 50, CancellationToken.None));
        Assert.Equal(("remember the lighthouse", home.Project, false), (found.Title, found.Directory, found.Open));
        Assert.Equal(
            [(AgentConversationSpeaker.Person, "remember the lighthouse"),
                (AgentConversationSpeaker.Agent, "You said: remember the lighthouse")],
            (await driver.ReadConversationAsync(found.Id, home.Project, CancellationToken.None)).Select(p => (p.Who, p.Text)));

        var file = Directory.GetFiles(Path.Combine(home.ConfigDirectory, "projects"), $"{found.Id}.jsonl", SearchOption.AllDirectories)
            .Single();
        var before = await File.ReadAllBytesAsync(file);
        var start = RealClaudeFixture.Start(home) with { ResumeId = found.Id, Fork = true, BegunElsewhere = true };
        await using (var copy = await RealClaudeFixture.StartAsync(home, start))
        {
            Assert.Equal(TurnOutcome.Completed, (await copy.TurnAsync("and in the copy?")).Outcome);
            Assert.All(copy.Of<AgentReady>(), r => Assert.Equal(start.SessionId.ToString("D"), r.NativeId));
            Assert.Contains("remember the lighthouse", claude.Model.Requests.Last(r => r.Prompt == "and in the copy?").Body,
                StringComparison.Ordinal);
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(file));

        // What the model called it in the terminal (its next line there) is what it is called here.
        await File.AppendAllTextAsync(file, $$"""{"type":"ai-title","aiTitle":"A light\nin the dark","sessionId":"{{found.Id}}"}""" + "\n");
        Assert.Equal("A light …",
            (await driver.ListConversationsAsync(home.Project, 50, CancellationToken.None)).Single(c => c.Id == found.Id).Title);
        await using (var same = await RealClaudeFixture.StartAsync(home, RealClaudeFixture.Start(home) with { ResumeId = found.Id }))
        {
            Assert.Equal(TurnOutcome.Completed, (await same.TurnAsync("and here?")).Outcome);
            Assert.All(same.Of<AgentReady>(), r => Assert.Equal(found.Id, r.NativeId));
            Assert.Equal(TurnOutcome.Completed, (await same.TurnAsync("still?")).Outcome);
            Assert.Equal("A light …", Assert.Single(same.Of<AgentTitled>()).Title);
            var list = await driver.ListConversationsAsync(home.Project, 50, CancellationToken.None);
            Assert.True(list.Single(c => c.Id == found.Id).Open);
            Assert.False(list.Single(c => c.Id == start.SessionId.ToString("D")).Open);
        }

        await Wait.UntilAsync(async () => (await driver.ListConversationsAsync(home.Project, 50, CancellationToken.None)).All(
            c => c.Open == false), "nobody has it open");
    }

    [Fact]
    public async Task A_terminal_on_the_folder_of_a_room_is_seen_and_a_false_note_in_it_is_not_believed()
    {
        var state = Directory.CreateTempSubdirectory("pc-room-");
        try
        {
            var notes = state.CreateSubdirectory("sessions").FullName;
            await File.WriteAllTextAsync(Path.Combine(notes, $"{Environment.ProcessId}.json"), "{}");
            await File.WriteAllTextAsync(Path.Combine(notes, "1.json"), "{}");
            Assert.Null(ClaudeOpenSessions.FindTerminal(state.FullName));

            var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["CLAUDE_CONFIG_DIR"] = state.FullName };
            await using var terminal = OwnedProcess.Start(new ProcessStart
            { Program = "/bin/sleep", Arguments = ["60"], WorkingDirectory = "/", Environment = environment }, TimeProvider.System);
            await File.WriteAllTextAsync(Path.Combine(notes, $"{terminal.Identity.Pid}.json"), "{}");
            await Wait.UntilAsync(() => ClaudeOpenSessions.FindTerminal(state.FullName) == terminal.Identity.Pid, "the terminal is seen");
            var refused = Assert.Throws<AgentException>(() => ClaudeSandbox.Prepare(state.FullName, "/nowhere", "/project", null));
            Assert.Equal(AgentError.OpenElsewhere, refused.Error);

            await terminal.KillAsync(TimeSpan.Zero);
            ClaudeSandbox.Prepare(state.FullName, "/nowhere", "/project", null);
            Assert.Empty(Directory.GetFiles(notes));
        }
        finally
        {
            state.Delete(recursive: true);
        }
    }

    internal static Task<CommandResult> ByHandAsync(ClaudeHome home, string prompt) => CommandRun.RunAsync(
        new ProcessStart
        {
            Program = home.Environment["POCKETCODER_CLAUDE"],
            Arguments = ["-p", prompt],
            WorkingDirectory = home.Project,
            Environment = home.Environment
        },
        Wait.Limit, 64 * 1024, TimeProvider.System, CancellationToken.None);
}
