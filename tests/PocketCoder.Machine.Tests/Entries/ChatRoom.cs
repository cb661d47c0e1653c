using System.Text.Json;
using PocketCoder.Entry;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>An entry point that does what a test says.</summary>
/// <param name="run">What it does once it has the machine; null: nothing until the daemon stops.</param>
internal sealed class ChatRoom(string platform = "chat", Func<IEntryMachine, CancellationToken, Task>? run = null) : IEntryPoint
{
    private TaskCompletionSource<IEntryMachine> _machine = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Platform => platform;

    public EntryStatus Status { get; set; } = new(EntryState.Ready, DateTimeOffset.UnixEpoch, null);

    /// <summary>What is found when somebody asks it to try.</summary>
    public Func<CancellationToken, Task<IReadOnlyList<string>>> Test { get; set; }
        = _ => Task.FromResult<IReadOnlyList<string>>(["It answers."]);

    public Task<IReadOnlyList<string>> TestAsync(IEntryMachine machine, CancellationToken cancellationToken) => Test(cancellationToken);

    public Task<IEntryMachine> MachineAsync() => _machine.Task.WaitAsync(Testing.Wait.Limit);

    public async Task RunAsync(IEntryMachine machine, CancellationToken stop)
    {
        _machine.SetResult(machine);
        try
        {
            await (run?.Invoke(machine, stop) ?? Testing.Wait.ForeverAsync(stop));
        }
        finally
        {
            // The next start's is another one.
            _machine = new TaskCompletionSource<IEntryMachine>(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Starts a daemon with this way in.</summary>
    public Task<TestDaemon> StartAsync(TimeProvider? time = null)
        => TestDaemon.StartAsync(time, more: o => o with { EntryPoints = [this] });

    /// <summary>Lets somebody in by a new code and comes in as them.</summary>
    public async Task<ChatGuest> EnterAsync(
        TestDaemon daemon, string account = "ou_ada", bool destructive = false, params Scope[] scopes)
    {
        var machine = await MachineAsync();
        var offer = await daemon.Daemon.AsOwner().OfferChatAsync(
            new ChatPairingOfferRequest(platform, scopes.Length == 0 ? null : scopes, Destructive: destructive), CancellationToken.None);
        await machine.PairAsync(account, "Ada", offer.Code, CancellationToken.None);
        return new ChatGuest((await machine.OpenAsync(account, CancellationToken.None))!);
    }
}

/// <summary>A person in a chat with the few things that every story does.</summary>
internal sealed class ChatGuest(IEntryPerson person) : IAsyncDisposable
{
    private IAsyncEnumerator<EntryEvent>? _events;

    public IEntryPerson Person => person;

    public Task<TResponse> AskAsync<TRequest, TResponse>(Verb<TRequest, TResponse> verb, TRequest request)
        => person.AskAsync(verb, request, CancellationToken.None);

    public async Task<ErrorCode> RefusedAsync<TRequest, TResponse>(Verb<TRequest, TResponse> verb, TRequest request)
        => (await Assert.ThrowsAsync<EntryRefusal>(() => AskAsync(verb, request))).Error.Code;

    /// <summary>Starts a session in the first project and follows it.</summary>
    public async Task<Guid> StartAsync(string prompt)
    {
        var project = (await AskAsync(Verbs.ProjectsList, new ProjectsListRequest())).Projects[0].ProjectId;
        var session = Guid.CreateVersion7();
        await AskAsync(DeviceVerbs.AgentSessionNew, new AgentSessionNewRequest(session, Guid.CreateVersion7(), project, "stub", prompt));
        await AskAsync(DeviceVerbs.Subscribe, new SubscribeRequest($"session/{session}"));
        return session;
    }

    public Task<DecisionResponse> DecideAsync(ApprovalInfo asked, DecisionVerdict verdict, string signature = "")
        => AskAsync(Verbs.AgentPromptResponse, Decision(asked, verdict, signature));

    public static DecisionRequest Decision(ApprovalInfo asked, DecisionVerdict verdict, string signature = "")
        => new(asked.ApprovalId, Guid.CreateVersion7(), verdict, DecisionScope.Once, asked.Digest, signature);

    /// <summary>The next event of a session that fits.</summary>
    public async Task<T> NextAsync<T>(Func<T, bool>? fits = null)
        where T : AgentEventPayload
    {
        _events ??= person.ReadAsync(CancellationToken.None).GetAsyncEnumerator();
        while (await _events.MoveNextAsync().AsTask().WaitAsync(Testing.Wait.Limit))
        {
            if (_events.Current.Type == MessageTypes.AgentEvent
                && _events.Current.Payload.Deserialize(ProtocolJson.Default.AgentEventPayload) is T found && (fits?.Invoke(found) ?? true))
            {
                return found;
            }
        }

        throw new InvalidOperationException("The connection ended.");
    }

    public async Task<ApprovalInfo> AskedAsync()
        => (await NextAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;

    public ValueTask DisposeAsync() => person.DisposeAsync();
}
