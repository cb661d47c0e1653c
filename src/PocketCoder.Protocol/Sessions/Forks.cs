namespace PocketCoder.Protocol;

/// <summary>
/// A new session that begins where another one stands, or stood after one of its turns, with a prompt of its own. The other one stays as it
/// is. Only for an agent with <see cref="AgentInfo.Fork"/>; the same ids again make nothing twice.
/// </summary>
/// <param name="AgentSessionId">The session that is copied. It must not be working.</param>
/// <param name="NewSessionId">Client-made UUIDv7.</param>
/// <param name="PromptId">Client-made UUIDv7.</param>
/// <param name="FromTurnId">Its last turn in the new session; null: all. An earlier one than the last only with
/// <see cref="AgentInfo.Rewind"/>. Files of the project stay as they are now.</param>
public sealed record AgentSessionForkRequest(Guid AgentSessionId, Guid NewSessionId, Guid PromptId, string Content, Guid? FromTurnId = null,
    IReadOnlyList<Guid>? Attachments = null);

public sealed record AgentSessionForkResponse(SessionInfo Session, TurnInfo Turn);

/// <summary>What stands above happened in another session, of which this one is a copy.</summary>
/// <param name="OriginTitle">As it was then. Untrusted.</param>
/// <param name="Cut">The beginning is not copied, it is too long; it can be read in the other session.</param>
public sealed record ForkEvent(Guid OriginSessionId, string OriginTitle, bool Cut) : AgentEventPayload;
