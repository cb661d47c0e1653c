using PocketCoder.Protocol;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>The session that an agent is started for, as far as starting needs it.</summary>
public interface IAgentSession
{
    Guid SessionId { get; }

    Guid ProjectId { get; }

    /// <summary>The agent's id, as in its description.</summary>
    string Agent { get; }

    /// <summary>Where the session's commands run: it decides where the agent's own program runs.</summary>
    SandboxKind Sandbox { get; }
}
