using PocketCoder.Agents.OpenCode;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Tests.AgentSandboxes;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Conversations;

/// <summary>
/// What the real OpenCode left behind when a person ran it, listed and copied by a phone, and the copy copied again: none of them writes
/// another one.
/// </summary>
[Trait("Category", "Slow")]
[Trait("Takes", "minutes")]
public sealed class RealOpenCodeConversationTests
{
    [Fact]
    public async Task A_conversation_is_copied_without_a_sandbox_and_into_one_and_a_session_is_forked_and_the_origins_stay_as_they_are()
    {
        await using var story = await Story.StartAsync();
        var driver = new OpenCodeDriver(TimeProvider.System, story.Home.Environment);
        await story.ByHandAsync("SAY:", "the", "lighthouse", "stands"); // each with a space in it would come in quotes
        var found = Assert.Single((await story.ListAsync()).Conversations);
        Assert.Equal(("opencode", story.Home.Project, null, null), (found.Agent, found.Directory, found.Open, found.AgentSessionId));

        // A copy, by OpenCode's own fork, with rules of ours that the origin does not get.
        var copy = await story.TakeAsync(found, "SAY: one", SandboxKind.None);
        await story.ReadAsync(copy);
        Assert.Equal("SAY: the lighthouse stands", (await story.Device.NextEventAsync<ImportedEvent>()).Text);
        Assert.Equal((ImportedSpeaker.Agent, "the lighthouse stands"),
            await story.Device.NextEventAsync<ImportedEvent>() is { } answer ? (answer.Who, answer.Text) : default);
        Assert.Contains("copy", (await story.Device.NextEventAsync<NoticeEvent>()).Text, StringComparison.Ordinal);
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains("the lighthouse stands", story.Asked("SAY: one").Body, StringComparison.Ordinal);
        Assert.Contains("pocketcoder_bash", story.Asked("SAY: one").Tools);

        // The person goes on in the terminal meanwhile, with tools of their own: two conversations, one writer each.
        await story.ByHandAsync("--session", found.ConversationId, "SAY:", "and", "glows");
        Assert.Contains("bash", story.Asked("SAY: and glows").Tools);
        Assert.DoesNotContain("SAY: one", story.Asked("SAY: and glows").Body, StringComparison.Ordinal);

        // The session is forked by the phone: its conversation goes on from there, the first one does not see it.
        var fork = Guid.CreateVersion7();
        await story.Device.AskAsync(
            MessageTypes.AgentSessionFork, new AgentSessionForkRequest(copy, fork, Guid.CreateVersion7(), "SAY: two"),
            ProtocolJson.Default.AgentSessionForkRequest, ProtocolJson.Default.AgentSessionForkResponse);
        await story.ReadAsync(fork);
        await story.Device.NextEventAsync<ForkEvent>();
        Assert.Equal(TurnState.Completed, (await story.Device.NextEventAsync<DoneEvent>()).Outcome);
        Assert.Contains("SAY: one", story.Asked("SAY: two").Body, StringComparison.Ordinal);
        Assert.DoesNotContain("and glows", story.Asked("SAY: two").Body, StringComparison.Ordinal);

        // In a sandbox of its own there is nothing but this one conversation.
        await File.WriteAllTextAsync(story.Home.SettingsFile, """{"model":"openai/gpt-4.1"}"""); // a provider of its own would keep it out
        var sandboxed = await story.TakeAsync(found, "SAY: four", SandboxKind.Bubblewrap);
        await story.ReadAsync(sandboxed);
        Assert.Equal("SAY: the lighthouse stands", (await story.Device.NextEventAsync<ImportedEvent>()).Text);
        // two programs start for it, one after the other
        await Wait.UntilAsync(async () => (await story.InfoAsync(sandboxed)).State is SessionState.Idle or SessionState.Failed,
            "the turn in the sandbox to end");
        Assert.True(await story.Device.NextEventAsync<AgentEventPayload>(e => e is DoneEvent
            or ErrorEvent) is DoneEvent { Outcome: TurnState.Completed }, (await story.InfoAsync(sandboxed)).ToString());
        Assert.Contains("the lighthouse stands", story.Asked("SAY: four").Body, StringComparison.Ordinal);
        Assert.Contains("and glows", story.Asked("SAY: four").Body, StringComparison.Ordinal);
        Assert.DoesNotContain("SAY: one", story.Asked("SAY: four").Body, StringComparison.Ordinal);

        var after = await driver.ReadConversationAsync(found.ConversationId, story.Home.Project, CancellationToken.None);
        Assert.Equal(["SAY: the lighthouse stands", "the lighthouse stands", "SAY: and glows", "and glows"], after.Select(p => p.Text));
        Assert.DoesNotContain((await story.ListAsync()).Conversations, c => c.ConversationId == found.ConversationId
            && c.AgentSessionId is not null);
    }

    private sealed class Story(OpenCodeHome home, SandboxStory.Parts parts) : SandboxStory(parts)
    {
        private readonly Guid _project = parts.Project;

        public OpenCodeHome Home { get; } = home;

        public static async Task<Story> StartAsync()
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new OpenCodeHome(await RealAgents.ProgramAsync("opencode"), model.Address);
            const string ByHand =
                """{"model":"openai/gpt-4.1","provider":{"openai":{"options":{"baseURL":"ADDRESS/v1","apiKey":"sk-by-hand"}}}}""";
            await File.WriteAllTextAsync(home.SettingsFile, ByHand.Replace("ADDRESS", model.Address, StringComparison.Ordinal));
            home.Environment["OPENAI_BASE_URL"] = model.Address + "/v1";
            return new Story(home, await BeginAsync(model, new OpenCodeDriver(TimeProvider.System, home.Environment), home.Project,
                "openai", "sk-stored-key-in-the-machine-46"));
        }

        public ModelRequest Asked(string prompt)
            => Model.Requests.Last(r => r.Prompt.Contains(prompt, StringComparison.Ordinal) && r.Tools.Count > 0);

        public async Task ByHandAsync(params string[] arguments)
        {
            var ran = await CommandRun.RunAsync(
                new ProcessStart
                {
                    Program = Home.Environment["POCKETCODER_OPENCODE"],
                    Arguments = ["run", .. arguments],
                    WorkingDirectory = Home.Project,
                    Environment = Home.Environment
                },
                Wait.Limit, 64 * 1024, TimeProvider.System, CancellationToken.None);
            Assert.True(ran.ExitCode == 0, ran.Output);
        }

        public Task<AgentConversationsResponse> ListAsync() => Device.AskAsync(
            MessageTypes.AgentConversations, new AgentConversationsRequest(_project, null), ProtocolJson.Default.AgentConversationsRequest,
            ProtocolJson.Default.AgentConversationsResponse);

        public async Task<Guid> TakeAsync(ConversationInfo conversation, string prompt, SandboxKind sandbox)
        {
            var session = Guid.CreateVersion7();
            await Device.AskAsync(
                MessageTypes.AgentSessionNew,
                new AgentSessionNewRequest(session, Guid.CreateVersion7(), _project, conversation.Agent, prompt, Sandbox: sandbox)
                { ConversationId = conversation.ConversationId },
                ProtocolJson.Default.AgentSessionNewRequest,
                ProtocolJson.Default.AgentSessionNewResponse);
            return session;
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Home.Dispose();
        }
    }
}
