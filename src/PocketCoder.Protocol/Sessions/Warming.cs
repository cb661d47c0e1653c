namespace PocketCoder.Protocol;

/// <summary>
/// The person is about to write: the machine may start the agent's process ahead of the prompt. Never a condition of prompting, and nothing of the session changes by it.
/// </summary>
public sealed record AgentSessionWarmRequest(Guid AgentSessionId);

/// <param name="Warm">Whether the agent's process runs or is being started. False: the prompt will start it.</param>
public sealed record AgentSessionWarmResponse(bool Warm);
