using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Conversations;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using static PocketCoder.Machine.ControlPlane.ControlFailures;

namespace PocketCoder.Machine.Sessions;

/// <summary>The sessions as the control plane sees them: prompts and decisions are the owner's, and failures have the control plane's own name.</summary>
internal sealed class OwnerSessions(SessionDirectory sessions, ProjectStore projects, AgentCatalog agents, ApprovalDesk approvals, Store store, Home home, TerminalHolds holds, ConversationDesk conversations, ProjectDefaultsStore defaults) : IControlSessions
{
    public IReadOnlyList<SessionInfo> ListAll() => sessions.List(archived: true);

    public Task<PromptTaken> StartAsync(SessionStartRequest request, Guid project, CancellationToken ct) => NamedAsync(async () =>
    {
        SessionRoutes.RequireId(request.AgentSessionId, "agentSessionId");
        SessionRoutes.RequireId(request.PromptId, "promptId");
        SessionRoutes.RequirePrompt(request.Content);
        SessionRoutes.RequireName(request.Model is "" ? null : request.Model, "model");
        var set = await defaults.GetAsync(project, ct);
        if (set.Agent is not null && request.Agent is not null && request.Agent != set.Agent)
        {
            set = new ProjectDefaults(); // they belong together: another agent has other modes and models, and may not be fit for that sandbox
        }

        var agent = request.Agent ?? set.Agent ?? await DefaultAgentAsync(project, ct);
        var (session, turn) = await sessions.NewAsync(
            new AgentSessionNewRequest(
                request.AgentSessionId, request.PromptId, project, agent, request.Content, Said(request.Mode, set.Mode), Said(request.Model, set.Model), request.Sandbox ?? set.Sandbox)
            {
                ConversationId = request.Conversation,
                Effort = Said(request.Effort, set.Effort),
            },
            null,
            ct);
        return new PromptTaken(session, turn, 0, []);

        static string? Said(string? chosen, string? ofProject) => chosen is "" ? null : chosen ?? ofProject;
    });

    public Task<PromptTaken> PromptAsync(Guid session, Guid promptId, string content, CancellationToken ct) => NamedAsync(async () =>
    {
        SessionRoutes.RequireId(promptId, "promptId");
        SessionRoutes.RequirePrompt(content);
        var actor = sessions.Get(session);
        var after = actor.Info.Head;
        var pending = await approvals.ListAsync(new ApprovalsListRequest(Pending: true, session), ct);
        var turn = await actor.EnqueueAsync(promptId, content, null);
        return new PromptTaken(actor.Info, turn, after, pending);
    });

    public async Task FollowAsync(Guid session, long after, Func<byte[], CancellationToken, ValueTask> sink, CancellationToken ct)
    {
        var stream = await NamedAsync(() =>
        {
            _ = sessions.Get(session);
            return store.StreamAsync(session, ct);
        });
        await using var following = Subscription.ToSession(stream, after, store, sink, ct);
        following.Start();
        await Task.Delay(Timeout.Infinite, ct);
    }

    public Task<SessionInfo> CancelAsync(AgentCancelRequest request) => NamedAsync(() => sessions.Get(request.AgentSessionId).CancelAsync(request.ClearQueue, request.TurnId));

    public Task<SessionInfo> SetAsync(AgentSessionSetRequest request) => NamedAsync(() =>
    {
        SessionRoutes.RequireName(request.Model is "" ? null : request.Model, "model");
        return sessions.Get(request.AgentSessionId).SetAsync(request);
    });

    public Task<ApprovalInfo> DecideAsync(AgentPromptResponseRequest decision) => NamedAsync(() => approvals.DecideAsync(null, decision));

    public Task<ResumeWay> ResumeAsync(Guid session, bool end) => NamedAsync(async () =>
    {
        var actor = sessions.Get(session);
        var (conversation, directory, lives) = await actor.LeaveAsync(end);
        var info = actor.Info;
        var driver = agents.Find(info.Agent) ?? throw new RequestFailure(ErrorCode.AgentNotInstalled, $"{info.Agent} is not available.");
        var files = info.Sandbox == SandboxKind.Bubblewrap && driver.Description.Rooms ? Path.Combine(home.AgentFiles, session.ToString("N")) : null;
        var command = conversation is null ? null : driver.InTerminal(conversation, Directory.Exists(files) ? files : null);
        var why = conversation is null ? $"{driver.Description.Name} has not begun the conversation yet." : command is null ? $"{driver.Description.Name} can't go on with it in a terminal." : null;
        return new ResumeWay(info, lives, directory, command?.Program, command?.Arguments ?? [], command?.Environment ?? AgentTerminalCommand.NoEnvironment, why);
    });

    public Task<SessionInfo> HoldAsync(Guid session, HoldRequest request) => NamedAsync(() => ProcessGroup.Identify(request.Pid) is { } process
        ? sessions.Get(session).HoldAsync(process, request.Beside, request.End)
        : throw new RequestFailure(ErrorCode.InvalidRequest, $"There is no process {request.Pid}."));

    public Task<SessionInfo> ReleaseAsync(Guid session, int pid) => NamedAsync(async () =>
    {
        await holds.ReleaseAsync(session, pid);
        return sessions.Get(session).Info;
    });

    public Task<AgentConversationsResponse> ConversationsAsync(Guid project, string? agent, CancellationToken ct)
        => NamedAsync(async () => await conversations.ListAsync(await projects.GetAsync(project, ct), agent, ct));

    public Task<ProjectDefaults> DefaultsAsync(Guid project, CancellationToken ct) => NamedAsync(() => defaults.GetAsync(project, ct));

    public Task<ProjectDefaults> SetDefaultsAsync(Guid project, ProjectDefaults set, CancellationToken ct) => NamedAsync(() => defaults.SetAsync(project, set, ct));

    private async Task<string> DefaultAgentAsync(Guid project, CancellationToken ct)
    {
        _ = await projects.GetAsync(project, ct);
        return sessions.List(archived: true).FirstOrDefault(s => s.ProjectId == project)?.Agent
            ?? agents.Known.FirstOrDefault(a => a.Installed)?.Id
            ?? throw new RequestFailure(ErrorCode.AgentNotInstalled, "No agent was found on this machine. See: pocketcoder agents");
    }
}
