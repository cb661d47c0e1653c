using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Broker.Secrets;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Storage;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// Starts agents where they belong: that of a sandboxed session in a sandbox of its own with the model broker as its only network, that of
/// another session as a child of the daemon, with the broker in between when the machine has the key. Thread-safe.
/// </summary>
public sealed class AgentStarter(Home home, SandboxService sandboxes, ModelService models, Store store, AttachedFolders attached)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode PassThrough = Private | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
    private const UnixFileMode OwnerWrites = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The sandbox's user is another one when the daemon is root; the socket's folder is open to that user only.</summary>
    private const UnixFileMode AnyoneWrites = OwnerWrites | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite;

    /// <summary>What an agent in a sandbox shows as its key: everything else stays outside, and this opens nothing.</summary>
    private const string Placeholder = "kept-outside-of-the-ring";

    private static UnixFileMode SocketMode => Environment.IsPrivilegedProcess ? AnyoneWrites : OwnerWrites;

    /// <exception cref="AgentException">It could not be started.</exception>
    public async Task<StartedAgent> StartAsync(IAgentDriver driver, AgentStart start, IAgentSession session, CancellationToken ct)
    {
        if (sandboxes.Worktrees.Find(start.Project)?.Broken() is { } why)
        {
            throw new AgentException(AgentError.FailedToStart, why);
        }

        start = start with { AttachmentsDirectory = AttachedTo(session.SessionId), ClosedFolders = home.Own };
        var inSandbox = session.Sandbox == SandboxKind.Bubblewrap && driver.Description.RunsInSandbox;
        if ((inSandbox || !driver.NamesProviders) && models.OwnFor(driver, start.Model) is { } own)
        {
            return inSandbox ? await StartWithOwnAsync(driver, start, session, own, ct)
                : throw new AgentException(
                    AgentError.Refused,
                    $"{start.Model} is a model of a provider of your own. {driver.Description.Name} asks those in a sandboxed session (bubblewrap) only: start one, or choose another model.");
        }

        return await StartWithUsualAsync(driver, start, session, inSandbox, Take, ct);

        string? Take(string? named) => driver.NamesProviders || models.OwnFor(driver, named) is null ? named : throw new AgentException(
            AgentError.Refused, $"{named} is a model of a provider of your own, which another session can ask: start one with it.");
    }

    /// <param name="take">As <see cref="StartedAgent.TakeModel"/>.</param>
    private async Task<StartedAgent> StartWithUsualAsync(
        IAgentDriver driver, AgentStart start, IAgentSession session, bool inSandbox, Func<string?, string?> take, CancellationToken ct)
    {
        if (driver.Models is not { } wanted)
        {
            return new StartedAgent(await driver.StartAsync(start, ct), null, null) { TakeModel = take }; // nothing is known of its models
        }

        var access = AccessFor(wanted);
        if (inSandbox && (access is not null || wanted.OnlyByItself is null))
        {
            var found = access ?? throw new AgentException(
                AgentError.FailedToStart,
                wanted.LoginProblem() is { } problem
                    ? $"{problem} Or set a key: pocketcoder secrets set {wanted.Provider}"
                    : $"{driver.Description.Name} has no key and no login here. Set a key: pocketcoder secrets set {wanted.Provider}. Or log in with {driver.Description.Name} in a terminal.");
            var login = found == ModelAccess.OwnLogin ? wanted.Login() : null;
            var way = new AgentModelAccess(
                ModelService.BaseUrl(wanted, AgentSandbox.ModelPort), found == ModelAccess.OwnLogin ? login ?? "" : Placeholder,
                found == ModelAccess.OwnLogin);
            var agent = await StartInSandboxAsync(
                driver, start, session, way,
                (socket, cancel) => OpenAsync(session, wanted, found, socket, providerTools: false, cancel), ct);
            return new StartedAgent(agent, found, null)
            {
                TakeModel = take,
                Record = () => RecordAsync(session, "ring", found, start),
                IsStale = () => found == ModelAccess.OwnLogin && wanted.Login() != login,
                Credential = login,
            };
        }

        if (access != ModelAccess.Key || wanted.ByItselfOutside)
        {
            var agent = await driver.StartAsync(start, ct);
            return inSandbox
                // it would be in a sandbox, with a key
                ? new StartedAgent(agent, ModelAccess.Direct, null)
                { TakeModel = take, Record = () => RecordAsync(session, "host", ModelAccess.Direct, start) }
                : new StartedAgent(agent, ModelAccess.Direct, null) { TakeModel = take };
        }

        var endpoint = await OpenAsync(session, wanted, ModelAccess.Key, null, providerTools: session.Sandbox == SandboxKind.None, ct);
        try
        {
            var way = new AgentModelAccess(ModelService.BaseUrl(wanted, endpoint.Port, endpoint.Token), endpoint.Token!, isLogin: false);
            var agent = await driver.StartAsync(start with { ModelAccess = way }, ct);
            return new StartedAgent(agent, ModelAccess.Key, endpoint)
            { TakeModel = take, Credential = endpoint.Token, Record = () => RecordAsync(session, "host", ModelAccess.Key, start) };
        }
        catch
        {
            await endpoint.DisposeAsync();
            throw;
        }
    }

    private async Task<StartedAgent> StartWithOwnAsync(
        IAgentDriver driver, AgentStart start, IAgentSession session, OwnProvider own, CancellationToken ct)
    {
        var names = driver.NamesProviders ? null : new OwnModelNames(own, OwnModelNames.IdOf(own, start.Model)!);
        start = start with { Provider = own.ForAgent(), Model = names?.Choose(start.Model) ?? start.Model };
        var way = new AgentModelAccess(ModelService.BaseUrl(own.Speaks, AgentSandbox.ModelPort), Placeholder, isLogin: false);
        var agent = await StartInSandboxAsync(
            driver, start, session, way,
            (socket, cancel) => OpenAsync(
                () => models.OpenOwnAsync(
                    session.SessionId, sandboxes.Worktrees.Ruling(session.ProjectId), own, socket, SocketMode, cancel)),
            ct);
        return new StartedAgent(agent, ModelAccess.Key, null)
        {
            Record = () => RecordAsync(session, "ring", ModelAccess.Key, start),
            IsStale = () => !models.IsCurrent(own),
            KeyName = own.Secret,
            TakeModel = names is null ? static named => named : names.Choose,
            Names = names,
        };
    }

    private async Task<IAgentProcess> StartInSandboxAsync(
        IAgentDriver driver, AgentStart start, IAgentSession session, AgentModelAccess way,
        Func<string, CancellationToken, Task<ModelEndpoint>> open, CancellationToken ct)
    {
        var sandbox = new AgentSandbox(
            sandboxes.Bubblewrap, start.Project, StateFor(session.SessionId), open, SocketMode, start.AttachmentsDirectory);
        return await driver.StartAsync(start with { Sandbox = sandbox, ModelAccess = way }, ct);
    }

    /// <summary>
    /// What the agent of one session keeps in its sandbox, for another session that goes on from it. No agent may run there.
    /// </summary>
    /// <exception cref="IOException">It can't be copied.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be copied.</exception>
    public void CopyState(Guid from, Guid to)
        => StateCopy.Copy(Path.Combine(home.AgentFiles, from.ToString("N")), Path.Combine(home.AgentFiles, to.ToString("N")));

    private string AttachedTo(Guid session)
    {
        try
        {
            return attached.Of(session);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"Can't create the folder for attached files: {e.Message}", e);
        }
    }

    private ModelAccess? AccessFor(AgentModels wanted)
    {
        try
        {
            return models.AccessFor(wanted);
        }
        catch (SecretException e)
        {
            throw new AgentException(AgentError.FailedToStart, e.Message, e);
        }
    }

    private Task<ModelEndpoint> OpenAsync(
        IAgentSession session, AgentModels wanted, ModelAccess access, string? socket, bool providerTools, CancellationToken ct)
        => OpenAsync(() => models.OpenAsync(
            session.SessionId, sandboxes.Worktrees.Ruling(session.ProjectId), wanted, access, socket, SocketMode, providerTools, ct));

    private static async Task<ModelEndpoint> OpenAsync(Func<Task<ModelEndpoint>> open)
    {
        try
        {
            return await open();
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw new AgentException(AgentError.FailedToStart, $"Can't connect to the models: {e.Message}", e);
        }
    }

    /// <summary>
    /// The session's folder for its agent's files. The folders above are the daemon's; when it is root, others may pass through to their
    /// own.
    /// </summary>
    private string StateFor(Guid session)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no sandboxes on Windows.");
        }

        var folder = Path.Combine(home.AgentFiles, session.ToString("N"));
        try
        {
            Directory.CreateDirectory(home.AgentFiles, Environment.IsPrivilegedProcess ? PassThrough : Private);
            if (new DirectoryInfo(home.AgentFiles).LinkTarget is not null || !FileOwner.IsCurrentUser(home.AgentFiles))
            {
                throw new AgentException(AgentError.FailedToStart, $"{home.AgentFiles} is not PocketCoder's own folder.");
            }

            File.SetUnixFileMode(home.AgentFiles, Environment.IsPrivilegedProcess ? PassThrough : Private);
            Directory.CreateDirectory(folder, Private);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"{folder} can't be made: {e.Message}", e);
        }
    }

    private Task RecordAsync(IAgentSession session, string place, ModelAccess access, AgentStart start)
        => store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.AgentStarted)
        {
            SessionId = session.SessionId.ToString(),
            Sandbox = SandboxName.Of(session.Sandbox),
            Data = new AgentStartedData(session.Agent, place, access, start.ResumeId is not null).ToJson(),
        }));
}

/// <summary>An agent that was started, with what must end when it ends.</summary>
/// <param name="agent">Everything is passed on to it.</param>
/// <param name="access">Whose credential its models are asked with; null when nobody knows.</param>
/// <param name="endpoint">Its way to the models, when that is not the sandbox's.</param>
public sealed class StartedAgent(IAgentProcess agent, ModelAccess? access, ModelEndpoint? endpoint) : IAgentProcess
{
    public ModelAccess? Access { get; } = access;

    /// <summary>Writes its start into the ledger: once, before its first prompt, without which it has done nothing.</summary>
    public Func<Task> Record { get; init; } = static () => Task.CompletedTask;

    /// <summary>The name of the secret with its models' key, where that is not the agent's usual one; null: it is.</summary>
    public string? KeyName { get; init; }

    /// <summary>
    /// Whether it was started with a login that ran out or was renewed since, or with a provider that was changed: a sandbox can't take
    /// that up, so the next prompt needs another start.
    /// </summary>
    public Func<bool> IsStale { get; init; } = static () => false;

    /// <summary>What it asks its models with, where that is worth something; null: nothing that it was given is.</summary>
    public string? Credential { get; init; }

    public IReadOnlyList<string> Secrets => Credential is { Length: > 0 } credential ? [.. agent.Secrets, credential] : agent.Secrets;

    /// <summary>
    /// The agent's name for a model that a person chose, null for its default; fails with <see cref="AgentException"/> where the way to
    /// that model is not this one.
    /// </summary>
    internal Func<string?, string?> TakeModel { get; init; } = static named => named;

    /// <summary>Between its names for models and ours, where they differ; null: they don't.</summary>
    internal OwnModelNames? Names { get; init; }

    public PocketCoder.Processes.ProcessIdentity? Process => agent.Process;

    public System.Threading.Channels.ChannelReader<AgentEvent> Events => Names is null ? agent.Events : Names.Translate(agent.Events);

    public ValueTask PromptAsync(AgentPrompt prompt, CancellationToken cancellationToken) => agent.PromptAsync(prompt, cancellationToken);

    public ValueTask InterruptAsync(CancellationToken cancellationToken) => agent.InterruptAsync(cancellationToken);

    public ValueTask<bool> AnswerAsync(string requestId, AgentAnswer answer, CancellationToken cancellationToken)
        => agent.AnswerAsync(requestId, answer, cancellationToken);

    public ValueTask SetModeAsync(string mode, CancellationToken cancellationToken) => agent.SetModeAsync(mode, cancellationToken);

    public ValueTask SetModelAsync(string? model, CancellationToken cancellationToken)
        => agent.SetModelAsync(TakeModel(model), cancellationToken);

    public ValueTask SetEffortAsync(string? effort, CancellationToken cancellationToken) => agent.SetEffortAsync(effort, cancellationToken);

    public ValueTask<bool> SteerAsync(AgentPrompt prompt, CancellationToken cancellationToken)
        => agent.SteerAsync(prompt, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await agent.DisposeAsync();
        if (endpoint is not null)
        {
            await endpoint.DisposeAsync();
        }
    }
}
