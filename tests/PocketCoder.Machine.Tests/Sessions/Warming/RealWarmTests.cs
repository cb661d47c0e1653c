using System.Globalization;
using PocketCoder.Agents.Claude;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Machine.Tests.AgentSandboxes;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Claude;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Sessions.Warming;

/// <summary>The real Claude Code, started ahead of a prompt and kept after it.</summary>
[Trait("Category", "Slow")]
public sealed class RealWarmTests
{
    [Fact]
    public async Task The_prompt_goes_to_the_very_process_that_was_started_ahead_which_ends_when_another_one_is_kept()
    {
        await using var story = await Story.StartAsync(new WarmLimits { Agents = 1 });
        var session = await story.NewAsync("SAY: hello");
        await story.ReadAsync(session);
        await story.DoneAsync();
        await story.KillAgentAsync(session);
        var asked = story.Model.Requests.Count;

        Assert.True(await story.WarmAsync(session));
        Assert.True(await story.WarmAsync(session));
        await Wait.UntilAsync(() => story.StartedPids(session).Count == 2, "it is started");
        var ahead = ProcessGroup.Identify(story.StartedPids(session)[1])!;
        Assert.Equal(asked, story.Model.Requests.Count); // no model was asked anything
        Assert.Single(await story.StartsAsync());
        var size = ProcessGroup.Usage(ahead)!.Value.ResidentBytes;
        Assert.True(size is > 40 << 20 and < 4L << 30, $"{size} bytes");

        await story.PromptAsync(session, "SAY: again");
        await story.DoneAsync();
        Assert.Equal(2, story.StartedPids(session).Count);
        Assert.True(ProcessGroup.IsAlive(ahead));
        Assert.Equal(2, (await story.StartsAsync()).Count);

        var other = await story.NewAsync("SAY: another one");
        await story.ReadAsync(other);
        await story.DoneAsync();
        await Wait.UntilAsync(() => !ProcessGroup.IsAlive(ahead), "the other one takes its place");
        Assert.Contains(story.Daemon.Log.Lines,
            l => l.Contains($"session {session}: claude ends without work: at most 1", StringComparison.Ordinal));
        Assert.True(ProcessGroup.IsAlive(ProcessGroup.Identify(Assert.Single(story.StartedPids(other)))!));
    }

    [Fact]
    public async Task One_that_has_more_memory_than_all_may_ends_after_its_turn_and_the_next_prompt_starts_it_again()
    {
        await using var story = await Story.StartAsync(new WarmLimits { MemoryBytes = 16 << 20 });
        var session = await story.NewAsync("SAY: hello", SandboxKind.None);
        await story.ReadAsync(session);
        await story.DoneAsync();
        await Wait.UntilAsync(() => story.Daemon.Log.Lines.Any(l => l.Contains($"session {session}: claude ends without work",
            StringComparison.Ordinal) && l.Contains("MB of at most 16", StringComparison.Ordinal)), "it is too large");
        await Wait.UntilAsync(() => ProcessGroup.Identify(story.StartedPids(session)[0]) is null, "it ends");
        await story.PromptAsync(session, "SAY: again");
        await story.DoneAsync();
        Assert.Equal(2, story.StartedPids(session).Count);
    }

    private sealed class Story(SandboxStory.Parts parts, ClaudeHome home) : SandboxStory(parts)
    {
        public static async Task<Story> StartAsync(WarmLimits warm)
        {
            var model = await ScriptedModelServer.StartAsync();
            var home = new ClaudeHome(await RealClaude.ProgramAsync(), model.Address);
            return new Story(await BeginAsync(model, new ClaudeDriver(TimeProvider.System, home.Environment), home.Project, "anthropic",
                "sk-stored-key-in-the-machine-43", warm), home);
        }

        /// <summary>As the log tells them, in their order.</summary>
        public IReadOnlyList<int> StartedPids(Guid session)
        {
            var said = $"session {session}: claude started, pid ";
            return [.. Daemon.Log.Lines.Where(l => l.Contains(said, StringComparison.Ordinal))
                .Select(l => int.Parse(l.AsSpan(l.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture))];
        }

        /// <summary>Once it has written down what was said, which it does when it has time.</summary>
        public async Task KillAgentAsync(Guid session)
        {
            var files = Daemon.Options.Home.AgentFiles;
            await Wait.UntilAsync(() => Directory.Exists(files)
                && Directory.EnumerateFiles(files, $"{session}.jsonl", SearchOption.AllDirectories)
                .Any(f => File.ReadAllText(f).Contains("\"assistant\"", StringComparison.Ordinal)), "the conversation's file");
            await KillAsync(() => PidsOf(
                (arguments, _) => arguments[0].Contains("claude", StringComparison.Ordinal) && arguments.Contains(session.ToString())));
        }

        public async Task DoneAsync() => Assert.Equal(TurnState.Completed, (await Device.NextEventAsync<DoneEvent>()).Outcome);

        public async Task<bool> WarmAsync(Guid session) => (await Device.AskAsync(
            MessageTypes.AgentSessionWarm, new AgentSessionWarmRequest(session), ProtocolJson.Default.AgentSessionWarmRequest,
            ProtocolJson.Default.AgentSessionWarmResponse)).Warm;

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            home.Dispose();
        }
    }
}
