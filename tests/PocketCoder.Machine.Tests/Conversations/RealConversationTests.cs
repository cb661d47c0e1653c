using System.Text.Json;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Conversations;

/// <summary>What the real programs left behind when a person ran them, listed and taken over by a phone.</summary>
[Trait("Category", "Slow")]
public sealed class RealConversationTests
{
    [Fact]
    public async Task A_conversation_of_Claude_is_listed_continued_without_a_sandbox_and_copied_into_one()
    {
        await using var story = await Story.StartAsync();
        await ByHandAsync(story.Claude.Environment["POCKETCODER_CLAUDE"], ["-p", "remember the lighthouse"], story.Claude.Project,
            story.Claude.Environment);
        var found = Assert.Single((await story.ListAsync(story.ClaudeProject, "claude")).Conversations);
        Assert.Equal(("remember the lighthouse", story.Claude.Project, false, null),
            (found.Title, found.Directory, found.Open, found.AgentSessionId));
        var file = Directory.GetFiles(
            Path.Combine(story.Claude.ConfigDirectory, "projects"), $"{found.ConversationId}.jsonl", SearchOption.AllDirectories).Single();
        var before = await File.ReadAllBytesAsync(file);

        // A copy: in a sandbox of its own, whose folder it has been brought into.
        var copy = await story.TakeAsync(story.ClaudeProject, found, "what was it?", SandboxKind.Bubblewrap);
        await story.Device.SubscribeAsync($"session/{copy}");
        var said = await story.Device.NextEventAsync<ImportedEvent>();
        Assert.Equal((ImportedSpeaker.Person, "remember the lighthouse"), (said.Who, said.Text));
        Assert.Equal((ImportedSpeaker.Agent, "You said: remember the lighthouse"),
            await story.Device.NextEventAsync<ImportedEvent>() is { } answer ? (answer.Who, answer.Text) : default);
        Assert.Contains("copy", (await story.Device.NextEventAsync<NoticeEvent>()).Text, StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains("remember the lighthouse", story.Model.Requests.Last(r => r.Prompt == "what was it?").Body,
            StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(file));
        Assert.Equal(("remember the lighthouse", SandboxKind.Bubblewrap), (story.Info(copy).Title, story.Info(copy).Sandbox));

        // The conversation itself.
        var same = await story.TakeAsync(story.ClaudeProject, found, "and here?", SandboxKind.None);
        await story.Device.SubscribeAsync($"session/{same}");
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains("remember the lighthouse", story.Model.Requests.Last(r => r.Prompt == "and here?").Body, StringComparison.Ordinal);
        // Claude writes it when it has time
        await Wait.UntilAsync(async () => (await File.ReadAllTextAsync(file)).Contains("and here?", StringComparison.Ordinal),
            "the conversation's own file to have it");
        Assert.Equal(same, Assert.Single((await story.ListAsync(story.ClaudeProject, null)).Conversations).AgentSessionId);

        var refused = await Assert.ThrowsAsync<WireErrorException>(
            () => story.TakeAsync(story.ClaudeProject, found with { Open = false }, "twice?", SandboxKind.None));
        Assert.Equal(ErrorCode.SessionOpenElsewhere, refused.Error.Code); // our own process has it open
        await story.Daemon.Daemon.AsOwner().Sessions.ResumeAsync(same, end: true);
        refused = await Assert.ThrowsAsync<WireErrorException>(
            () => story.TakeAsync(story.ClaudeProject, found, "twice?", SandboxKind.None));
        Assert.Equal((ErrorCode.Conflict, same.ToString()), (refused.Error.Code, refused.Error.Details?["agentSessionId"]));
        var unknown = await Assert.ThrowsAsync<WireErrorException>(() => story.TakeAsync(
            story.ClaudeProject, found with { ConversationId = Guid.CreateVersion7().ToString() }, "x", SandboxKind.None));
        Assert.Equal(ErrorCode.SessionNotFound, unknown.Error.Code);
        Assert.Equal(ErrorCode.InvalidRequest,
            (await Assert.ThrowsAsync<WireErrorException>(() => story.ListAsync(story.ClaudeProject, "nobody"))).Error.Code);
    }

    [Fact]
    public async Task The_words_of_a_conversation_of_Codex_begin_a_session_with_its_own_tools_in_a_sandbox_and_without()
    {
        await using var story = await Story.StartAsync();
        await ByHandAsync(story.Codex.Environment["POCKETCODER_CODEX"], ["exec", "--skip-git-repo-check", "SAY: the lighthouse stands"],
            story.Codex.Project, story.Codex.Environment);
        // a provider of its own would keep it out of a sandbox
        await File.WriteAllTextAsync(story.Codex.SettingsFile, "model = \"gpt-5.5\"\n");
        var found = Assert.Single((await story.ListAsync(story.CodexProject, "codex")).Conversations);
        Assert.Equal(("SAY: the lighthouse stands", null), (found.Title, found.Open));

        foreach (var (sandbox, prompt) in new[] { (SandboxKind.None, "SAY: one"), (SandboxKind.Bubblewrap, "SAY: two") })
        {
            var session = await story.TakeAsync(story.CodexProject, found, prompt, sandbox);
            await story.Device.SubscribeAsync($"session/{session}");
            Assert.Equal("SAY: the lighthouse stands", (await story.Device.NextEventAsync<ImportedEvent>()).Text);
            var done = await story.Device.NextEventAsync<DoneEvent>();
            Assert.True(done.Outcome == TurnState.Completed, $"{sandbox}: {done.Outcome}");
            var request = story.Model.Requests.Last(r => r.Prompt == prompt);
            Assert.Contains("the lighthouse stands", request.Body, StringComparison.Ordinal);
            Assert.Contains("bash", request.Tools);
        }

        var list = await story.ListAsync(story.CodexProject, null);
        Assert.Null(list.Conversations.Single(c => c.ConversationId == found.ConversationId).AgentSessionId);
        Assert.Empty(list.Missing);
    }

    private static async Task ByHandAsync(
        string program, IReadOnlyList<string> arguments, string directory, IReadOnlyDictionary<string, string> environment)
    {
        var ran = await CommandRun.RunAsync(
            new ProcessStart { Program = program, Arguments = arguments, WorkingDirectory = directory, Environment = environment },
            Wait.Limit, 64 * 1024, TimeProvider.System, CancellationToken.None);
        Assert.True(ran.ExitCode == 0, ran.Output);
    }

    private sealed class Story(ScriptedModelServer model, ClaudeHome claude, CodexHome codex, TestDaemon daemon, TestDevice device,
        Guid claudeProject, Guid codexProject) : IAsyncDisposable
    {
        public ScriptedModelServer Model { get; } = model;

        public ClaudeHome Claude { get; } = claude;

        public CodexHome Codex { get; } = codex;

        public TestDaemon Daemon { get; } = daemon;

        public TestDevice Device { get; } = device;

        public Guid ClaudeProject { get; } = claudeProject;

        public Guid CodexProject { get; } = codexProject;

        public static async Task<Story> StartAsync()
        {
            var model = await ScriptedModelServer.StartAsync();
            var claude = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
            var codex = new CodexHome(await RealAgents.ProgramAsync("codex"), model.Address);
            codex.Environment["OPENAI_BASE_URL"] = model.Address + "/v1";
            var daemon = await TestDaemon.StartAsync(drivers: [new ClaudeDriver(TimeProvider.System, claude.Environment),
                new CodexDriver(TimeProvider.System, codex.Environment)]);
            var first = (await daemon.Daemon.AsOwner().AddProjectAsync(claude.Project, "one", CancellationToken.None)).Project;
            var second = (await daemon.Daemon.AsOwner().AddProjectAsync(codex.Project, "two", CancellationToken.None)).Project;
            // then its models are asked through the machine, in a sandbox and without
            await daemon.Daemon.AsOwner().SetSecretAsync("openai", CodexHome.Key, CancellationToken.None);
            await daemon.Daemon.SandboxesKnown;
            return new Story(model, claude, codex, daemon, await daemon.PairAsync(), first.ProjectId, second.ProjectId);
        }

        public Task<AgentConversationsResponse> ListAsync(Guid project, string? agent) => Device.AskAsync(
            MessageTypes.AgentConversations, new AgentConversationsRequest(project, agent), ProtocolJson.Default.AgentConversationsRequest,
            ProtocolJson.Default.AgentConversationsResponse);

        public async Task<Guid> TakeAsync(Guid project, ConversationInfo conversation, string prompt, SandboxKind sandbox)
        {
            var session = Guid.CreateVersion7();
            await Device.AskAsync(
                MessageTypes.AgentSessionNew,
                new AgentSessionNewRequest(session, Guid.CreateVersion7(), project, conversation.Agent, prompt, Sandbox: sandbox)
                { ConversationId = conversation.ConversationId },
                ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse);
            return session;
        }

        public SessionInfo Info(Guid session) => Daemon.Daemon.AsOwner().Sessions.ListAll().Single(s => s.AgentSessionId == session);

        public async ValueTask DisposeAsync()
        {
            await Device.DisposeAsync();
            await Daemon.DisposeAsync();
            await Model.DisposeAsync();
            Claude.Dispose();
            Codex.Dispose();
        }
    }
}
