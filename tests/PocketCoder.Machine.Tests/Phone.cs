using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests;

/// <summary>A paired device with the few things every story does.</summary>
internal sealed class Phone(TestDevice device, MachineStateResponse state) : IAsyncDisposable
{
    public TestDevice Device { get; } = device;

    public ProjectInfo Project { get; } = state.Projects[0];

    /// <summary>Starts a session with its first prompt and follows it.</summary>
    public async Task<Guid> StartAsync(string prompt, SandboxKind? sandbox = null)
    {
        var session = Guid.CreateVersion7();
        await NewAsync(session, Guid.CreateVersion7(), prompt, sandbox);
        await Device.SubscribeAsync($"session/{session}");
        return session;
    }

    public Task<AgentSessionNewResponse> NewAsync(Guid session, Guid prompt, string content, SandboxKind? sandbox = null)
        => Device.AskAsync(
        MessageTypes.AgentSessionNew,
        new AgentSessionNewRequest(session, prompt, Project.ProjectId, "stub", content, Sandbox: sandbox),
        ProtocolJson.Default.AgentSessionNewRequest,
        ProtocolJson.Default.AgentSessionNewResponse);

    public async Task<TurnInfo> PromptAsync(Guid session, string content, Guid? id = null) => (await Device.AskAsync(
        MessageTypes.AgentMessage,
        new AgentMessageRequest(session, id ?? Guid.CreateVersion7(), content),
        ProtocolJson.Default.AgentMessageRequest,
        ProtocolJson.Default.AgentMessageResponse)).Turn;

    public async Task<SessionInfo> CancelAsync(Guid session, bool clearQueue = false, Guid? turn = null) => (await Device.AskAsync(
        MessageTypes.AgentCancel, new AgentCancelRequest(session, clearQueue, turn), ProtocolJson.Default.AgentCancelRequest,
        ProtocolJson.Default.AgentCancelResponse)).Session;

    /// <summary>
    /// The session once its actor has done what it was doing: an event is published with its change, and the actor shows the new state a
    /// moment later. A stop that means no turn takes its turn in the mailbox and changes nothing.
    /// </summary>
    public async Task<AgentSessionGetResponse> GetAsync(Guid session)
    {
        await CancelAsync(session, turn: Guid.CreateVersion7());
        return await ShownAsync(session);
    }

    /// <summary>The session as it is shown at this moment, also while its actor is held up.</summary>
    public Task<AgentSessionGetResponse> ShownAsync(Guid session) => Device.AskAsync(
        MessageTypes.AgentSessionGet, new AgentSessionGetRequest(session), ProtocolJson.Default.AgentSessionGetRequest,
        ProtocolJson.Default.AgentSessionGetResponse);

    /// <summary>The next approval that waits.</summary>
    public async Task<ApprovalInfo> AskedAsync()
        => (await Device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == ApprovalState.Pending)).Approval;

    public Task<ApprovalEvent> BecameAsync(ApprovalState state) => Device.NextEventAsync<ApprovalEvent>(e => e.Approval.State == state);

    public Task<DoneEvent> DoneAsync() => Device.NextEventAsync<DoneEvent>();

    /// <summary>Kinds of the ledger rows of an approval, oldest first.</summary>
    public async Task<IReadOnlyList<string>> LedgerAsync(Guid approval)
    {
        var rows = await Device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, ApprovalId: approval), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        return [.. rows.Rows.Reverse()
            .Select(r => System.Text.Json.JsonDocument.Parse(r.Body).RootElement.GetProperty("kind").GetString()!)];
    }

    public async Task<LedgerVerifyResponse> VerifyAsync()
        => await Device.AskAsync(MessageTypes.LedgerVerify, new LedgerVerifyRequest(), ProtocolJson.Default.LedgerVerifyRequest,
            ProtocolJson.Default.LedgerVerifyResponse);

    public string PathOf(string file) => Path.Combine(Project.Path, file);

    public ValueTask DisposeAsync() => Device.DisposeAsync();
}
