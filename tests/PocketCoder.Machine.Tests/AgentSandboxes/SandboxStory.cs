using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Sessions.Warming;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>A daemon with one real program, a project and a phone.</summary>
internal class SandboxStory(SandboxStory.Parts parts) : IAsyncDisposable
{
    public ScriptedModelServer Model => parts.Model;

    public TestDaemon Daemon => parts.Daemon;

    public TestDevice Device => parts.Device;

    /// <param name="provider">The secret's name for <paramref name="key"/>.</param>
    /// <param name="key">Stored in the machine; null: none.</param>
    public static async Task<Parts> BeginAsync(
        ScriptedModelServer model, IAgentDriver driver, string folder, string provider, string? key, WarmLimits? warm = null)
    {
        var daemon = await TestDaemon.StartAsync(drivers: [driver], warm: warm);
        if (key is not null)
        {
            await daemon.Daemon.AsOwner().SetSecretAsync(provider, key, CancellationToken.None);
        }

        var project = (await daemon.Daemon.AsOwner().AddProjectAsync(folder, "api", CancellationToken.None)).Project;
        await daemon.Daemon.SandboxesKnown;
        return new Parts(model, driver.Description.Id, daemon, await daemon.PairAsync(), project.ProjectId);
    }

    public async Task<Guid> NewAsync(string prompt, SandboxKind sandbox = SandboxKind.Bubblewrap, string? model = null)
    {
        var session = Guid.CreateVersion7();
        await Device.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), parts.Project, parts.Agent, prompt, Model: model, Sandbox: sandbox),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        return session;
    }

    public Task ReadAsync(Guid session) => Device.SubscribeAsync($"session/{session}");

    public async Task PromptAsync(Guid session, string prompt) => await Device.AskAsync(
        MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), prompt),
        ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);

    public async Task<ApprovalInfo> AskedAsync()
        => (await Device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;

    public async Task<SessionInfo> InfoAsync(Guid session) => (await Device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse)).Session;

    public Task<UsageGetResponse> UsageAsync() => Daemon.Daemon.AsOwner().UsageAsync(CancellationToken.None);

    /// <summary>Holds what the agent says it used so far against what the broker counted: the same tokens, to the last one.</summary>
    /// <param name="besides">Requests of the agent that it does not count itself. The scripted model says the same of each.</param>
    public async Task UsageAgreesAsync(Guid session, int besides = 0)
    {
        UsageSum? counted = null;
        await Wait.UntilAsync(async () => (counted = (await UsageAsync()).Sessions.FirstOrDefault(
            s => s.Id == session.ToString())?.Used) is not null && counted.Requests == Model.Requests.Count, "all of it is counted");
        var own = (await InfoAsync(session)).Usage;
        var (requests, all) = (counted!.Requests - besides, counted.Requests);
        Assert.True(requests > 0 && counted.Uncounted == 0, $"{counted}");
        Assert.Equal((counted.InputTokens * requests / all, counted.OutputTokens * requests / all, counted.CacheReadTokens * requests / all,
            counted.CacheWriteTokens * requests / all), (own.InputTokens, own.OutputTokens, own.CacheReadTokens, own.CacheWriteTokens));
        TestContext.Current.TestOutputHelper?.WriteLine($"{parts.Agent}: own {own}, counted {counted}");
        if (own.CostUsd is { } cost && counted is { CostUsd: { } price, Unpriced: 0 } && besides == 0)
        {
            Assert.InRange(cost, price * 0.99m, price * 1.01m);
        }
    }

    /// <summary>The data of the ledger's rows on agents that were started, the newest first.</summary>
    public async Task<IReadOnlyList<JsonElement>> StartsAsync()
    {
        var rows = await Device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        return [.. rows.Rows.Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(r => r.GetProperty("kind").GetString() == "agent_started").Select(r => r.GetProperty("data"))];
    }

    public string StateOf(Guid session) => Path.Combine(Daemon.Options.Home.AgentFiles, session.ToString("N"));

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Device.DisposeAsync();
        await Daemon.DisposeAsync();
        await Model.DisposeAsync();
    }

    /// <summary>Processes for which a look at arguments and environment is true.</summary>
    protected static IReadOnlyList<int> PidsOf(Func<string[], string[], bool> match)
    {
        List<int> found = [];
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(folder), out var pid)
                    && match(File.ReadAllText(Path.Combine(folder, "cmdline")).Split('\0'),
                        File.ReadAllText(Path.Combine(folder, "environ")).Split('\0')))
                {
                    found.Add(pid);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // ended meanwhile, or not ours
            }
        }

        return found;
    }

    /// <summary>SIGKILL to the program itself, as the kernel would for memory.</summary>
    protected async Task KillAsync(Func<IReadOnlyList<int>> pids)
    {
        foreach (var pid in pids())
        {
            PocketCoder.Processes.ProcessGroup.TrySignal(PocketCoder.Processes.ProcessGroup.Identify(pid)!, 9);
        }

        await Wait.UntilAsync(() => pids().Count == 0, "the agent is gone");
        await Wait.UntilAsync(() => Daemon.Log.Lines.Any(l => l.Contains("ended:", StringComparison.Ordinal)), "the daemon saw it");
    }

    internal sealed record Parts(ScriptedModelServer Model, string Agent, TestDaemon Daemon, TestDevice Device, Guid Project);
}
