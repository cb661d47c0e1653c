using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using PocketCoder.Agents;
using PocketCoder.Agents.Acp;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Codex;
using PocketCoder.Agents.OpenCode;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Agents;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.Agents;

/// <summary>
/// Every real agent × every way in which an answer can be cut off: what a device was shown of it stays, once, marked as cut.
/// </summary>
[Trait("Category", "Slow")]
public sealed partial class SeenTextTests
{
    private const string Answer = "SLOW: 25\nLONG: 3000";
    private const string Seen = "w18 w19 w20 ";

    public enum End
    {
        Stopped,
        AgentKilled,
        DaemonStopped,
        DaemonKilled,
        Broken,
    }

    public static TheoryData<string, End> Cells
    {
        get
        {
            var cells = new TheoryData<string, End>();
            foreach (var agent in AllAgentsHome.Agents)
            {
                foreach (var end in Enum.GetValues<End>().Where(e => e != End.Broken || agent == "codex"))
                {
                    cells.Add(agent, end); // of the others, which try again for minutes, see BrokenStreamTests
                }
            }

            return cells;
        }
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task What_was_seen_stays(string agent, End end)
    {
        await using var model = await ScriptedModelServer.StartAsync();
        var mayBreak = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        model.Breaking = () => mayBreak.Task;
        using var home = await HomeAsync(model);
        await using var daemon = await TestDaemon.StartAsync(drivers: [Driver(agent, home)]);
        var (device, session) = await BeginAsync(daemon, home, agent, end == End.Broken ? "CUT: always" : Answer);
        await using var first = device;
        var events = (IReadOnlyList<AgentEventPayload>)[];
        var seen = Seen;
        switch (end)
        {
            case End.Stopped:
                await SeenAsync(device);
                await device.AskAsync(MessageTypes.AgentCancel, new AgentCancelRequest(session), ProtocolJson.Default.AgentCancelRequest,
                    ProtocolJson.Default.AgentCancelResponse);
                await device.NextEventAsync<DoneEvent>();
                events = await TranscriptAsync(device, session);
                break;
            case End.AgentKilled:
                await SeenAsync(device);
                var pid = int.Parse(Started().Matches(daemon.Log.ToString())[^1].Groups["pid"].ValueSpan, CultureInfo.InvariantCulture);
                using (var process = System.Diagnostics.Process.GetProcessById(pid))
                {
                    process.Kill();
                }

                await device.NextEventAsync<DoneEvent>();
                events = await TranscriptAsync(device, session);
                break;
            case End.DaemonStopped:
                await SeenAsync(device);
                await daemon.RestartAsync();
                await using (var again = await device.AgainAsync(daemon.Url))
                {
                    events = await TranscriptAsync(again, session);
                }

                break;
            case End.DaemonKilled:
                await SeenAsync(device);
                events = await AfterKillAsync(daemon, home, agent, session);
                break;
            case End.Broken:
                seen = "about to break";
                await device.NextAsync(e => e.Type == MessageTypes.AgentDelta
                    && e.Payload!.Value.GetProperty("text").GetString()!.Contains(seen, StringComparison.Ordinal), "the live text");
                mayBreak.SetResult();
                await device.NextEventAsync<DoneEvent>();
                events = await TranscriptAsync(device, session);
                break;
        }

        var texts = events.OfType<TextEvent>().Where(t => t.Text.Contains(seen, StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(texts);
        Assert.All(texts, t => Assert.True(t.Cut, t.Text));
        Assert.Equal(events.OfType<TextEvent>().Count(),
            events.OfType<TextEvent>().Select(t => t.BlockId).Distinct(StringComparer.Ordinal).Count());
        if (end != End.Broken)
        {
            Assert.StartsWith("w0 w1 ", Assert.Single(texts).Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_a_correction_cuts_off_stays_before_what_comes_after_it()
    {
        await using var model = await ScriptedModelServer.StartAsync();
        using var home = await HomeAsync(model);
        await using var daemon = await TestDaemon.StartAsync(drivers: [Driver("codex", home)]);
        var (device, session) = await BeginAsync(daemon, home, "codex", Answer);
        await using var first = device;
        await SeenAsync(device);
        var steered = await device.AskAsync(
            MessageTypes.AgentSteer, new AgentSteerRequest(session, Guid.CreateVersion7(), "SAY: the other way"),
            ProtocolJson.Default.AgentSteerRequest, ProtocolJson.Default.AgentSteerResponse);
        Assert.Equal(SteerState.Heard, steered.State);
        await device.NextEventAsync<TextEvent>(t => t.Text.Contains("the other way", StringComparison.Ordinal));
        await device.NextEventAsync<DoneEvent>();
        var texts = (await TranscriptAsync(device, session)).OfType<TextEvent>().ToList();
        Assert.Contains(Seen, texts[0].Text, StringComparison.Ordinal);
        Assert.Contains("the other way", texts[^1].Text, StringComparison.Ordinal);
        Assert.Equal((true, false), (texts[0].Cut, texts[^1].Cut));
    }

    internal static IAgentDriver Driver(string agent, AllAgentsHome home) => agent switch
    {
        "claude" => new ClaudeDriver(TimeProvider.System, home.Environment),
        "codex" => new CodexDriver(TimeProvider.System, home.Environment),
        "opencode" => new OpenCodeDriver(TimeProvider.System, home.Environment),
        "gemini" => new AcpDriver(AcpAgent.Gemini, TimeProvider.System, home.Environment),
        _ => new AcpDriver(AcpAgent.ClaudeAgentAcp with { Id = AllAgentsHome.Acp, Program = home.Adapter }, TimeProvider.System,
            home.Environment),
    };

    internal static async Task<AllAgentsHome> HomeAsync(ScriptedModelServer model)
    {
        var home = await AllAgentsHome.NewAsync(model.Address);
        home.Environment["PATH"] = $"{await RealAgents.RipGrepFolderAsync()}:{home.Environment["PATH"]}"; // else OpenCode fetches its own
        return home;
    }

    private static async Task<(TestDevice Device, Guid Session)> BeginAsync(
        TestDaemon daemon, AllAgentsHome home, string agent, string prompt)
    {
        var project = (await daemon.Daemon.AsOwner().AddProjectAsync(home.Project, "api", CancellationToken.None)).Project;
        var device = await daemon.PairAsync();
        var session = Guid.CreateVersion7();
        await device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), project.ProjectId, agent, prompt, Sandbox: SandboxKind.None),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        await device.SubscribeAsync($"session/{session}");
        return (device, session);
    }

    /// <summary>
    /// Waits until a device was shown the beginning of the answer live; an agent in a new home may take minutes for its first start.
    /// </summary>
    private static async Task SeenAsync(TestDevice device)
    {
        var seen = "";
        for (var attempt = 1; !seen.Contains(Seen, StringComparison.Ordinal); attempt++)
        {
            try
            {
                await device.NextAsync(IsShown, "the live text");
            }
            catch (TimeoutException) when (attempt < 5)
            {
                // It is still starting.
            }
        }

        bool IsShown(Envelope pushed)
        {
            if (pushed.Type == MessageTypes.AgentDelta && pushed.Payload!.Value.GetProperty("kind").GetString() == "text")
            {
                seen = seen[..pushed.Payload.Value.GetProperty("offset").GetInt32()] + pushed.Payload.Value.GetProperty("text").GetString();
            }

            return seen.Contains(Seen, StringComparison.Ordinal);
        }
    }

    /// <summary>What a daemon finds that starts on a copy of the home as a kill leaves it.</summary>
    private static async Task<IReadOnlyList<AgentEventPayload>> AfterKillAsync(
        TestDaemon daemon, AllAgentsHome home, string agent, Guid session)
    {
        await Wait.UntilAsync(() => OnDisk(daemon.Options.Home).Contains(Seen, StringComparison.Ordinal), "the text on disk");
        var copy = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        foreach (var file in (string[])[daemon.Options.Home.Database, daemon.Options.Home.Database + "-wal", daemon.Options.Home.MachineKey,
            daemon.Options.Home.LedgerHead])
        {
            File.Copy(file, Path.Combine(copy.Root, Path.GetFileName(file)));
        }

        await daemon.Daemon.StopAsync("by a test");
        await using var successor = await TestDaemon.StartAsync(home: copy.Root, drivers: [Driver(agent, home)]);
        await using var device = await successor.PairAsync();
        return await TranscriptAsync(device, session);
    }

    private static string OnDisk(Home home)
    {
        using var connection = new SqliteConnection($"Data Source={home.Database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT coalesce(group_concat(CAST(text AS TEXT), ''), '') FROM live_text";
        return (string)command.ExecuteScalar()!;
    }

    private static async Task<IReadOnlyList<AgentEventPayload>> TranscriptAsync(TestDevice device, Guid session)
    {
        await device.SubscribeAsync($"session/{session}");
        var events = new List<AgentEventPayload>();
        while (events is not [.., DoneEvent])
        {
            var next = await device.NextAsync(e => e.Type == MessageTypes.AgentEvent && e.Seq == events.Count + 1, "the next event");
            events.Add(next.Payload!.Value.Deserialize(ProtocolJson.Default.AgentEventPayload)!);
        }

        return events;
    }

    [GeneratedRegex(@"started, pid (?<pid>\d+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Started();
}
