namespace PocketCoder.Protocol;

/// <summary>
/// The person is about to write: the machine may start the agent's process ahead of the prompt. Never a condition of prompting, and nothing
/// of the session changes by it.
/// </summary>
/// <param name="Opened">The session is only looked at: its agent is started where there is a free place among those that are kept, and no
/// other one ends for it.</param>
public sealed record AgentSessionWarmRequest(Guid AgentSessionId, bool Opened = false);

/// <param name="Warm">Whether the agent's process runs or is being started. False: the prompt will start it.</param>
public sealed record AgentSessionWarmResponse(bool Warm);
