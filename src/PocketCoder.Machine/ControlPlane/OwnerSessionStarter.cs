using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Begins sessions for the owner: where nothing was chosen, the project's defaults count. Thread-safe.</summary>
internal sealed class OwnerSessionStarter(
    SessionDirectory sessions, ProjectStore projects, AgentCatalog agents, ProjectDefaultsStore defaults)
{
    /// <exception cref="RequestFailure">As a device's <c>agent_session_new</c>; AGENT_NOT_INSTALLED: no agent was found</exception>
    public async Task<PromptAccepted> StartAsync(Guid project, SessionStartRequest request, CancellationToken ct)
    {
        SessionRoutes.RequireId(request.AgentSessionId, "agentSessionId");
        SessionRoutes.RequireId(request.PromptId, "promptId");
        SessionRoutes.RequirePrompt(request.Content);
        AgentChoices.RequireName(request.Model is "" ? null : request.Model, "model");
        var set = await defaults.GetAsync(project, ct);
        if (set.Agent is not null && request.Agent is not null && request.Agent != set.Agent)
        {
            // they belong together: another agent has other modes and models, and may not be fit for that sandbox
            set = new ProjectDefaults();
        }

        var agent = request.Agent ?? set.Agent ?? await DefaultAgentAsync(project, ct);
        var (session, turn) = await sessions.NewAsync(
            new AgentSessionNewRequest(
                request.AgentSessionId, request.PromptId, project, agent, request.Content, Said(request.Mode, set.Mode),
                Said(request.Model, set.Model), request.Sandbox ?? set.Sandbox)
            {
                ConversationId = request.Conversation,
                Effort = Said(request.Effort, set.Effort),
                Folder = request.Folder,
            },
            null,
            ct);
        return new PromptAccepted(session, turn, 0, []);

        static string? Said(string? chosen, string? ofProject) => chosen is "" ? null : chosen ?? ofProject;
    }

    private async Task<string> DefaultAgentAsync(Guid project, CancellationToken ct)
    {
        _ = await projects.GetAsync(project, ct);
        return sessions.List(archived: true).FirstOrDefault(s => s.ProjectId == project)?.Agent
            ?? agents.Known.Where(a => a.Installed).OrderBy(a => a.Unanswered).FirstOrDefault()?.Id
            ?? throw new RequestFailure(ErrorCode.AgentNotInstalled, "No agent was found on this machine. See: pocketcoder agents");
    }
}

/// <summary>How sessions continue in a terminal. Thread-safe.</summary>
internal sealed class TerminalResumption(SessionDirectory sessions, AgentCatalog agents, Home home)
{
    /// <param name="end">End the agent's process first, when it is idle.</param>
    /// <exception cref="RequestFailure">CONFLICT: a turn runs or waits; AGENT_NOT_INSTALLED</exception>
    public async Task<ResumePlan> OfAsync(Guid session, bool end)
    {
        var actor = sessions.Get(session);
        var (conversation, directory, lives) = await actor.LeaveAsync(end);
        var info = actor.Info;
        var driver = agents.Find(info.Agent) ?? throw new RequestFailure(ErrorCode.AgentNotInstalled, $"{info.Agent} is not available.");
        var files = info.Sandbox == SandboxKind.Bubblewrap
            && driver.Description.RunsInSandbox ? Path.Combine(home.AgentFiles, session.ToString("N")) : null;
        var command = conversation is null ? null : driver.InTerminal(conversation, Directory.Exists(files) ? files : null);
        var why = conversation is null ? $"{driver.Description.Name} has not started the conversation yet."
            : command is null ? $"{driver.Description.Name} can't continue it in a terminal."
            : null;
        return new ResumePlan(info, lives, directory, command?.Program, command?.Arguments ?? [], command?.Environment
            ?? AgentTerminalCommand.NoEnvironment, why);
    }
}
