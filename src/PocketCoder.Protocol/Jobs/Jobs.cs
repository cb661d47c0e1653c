namespace PocketCoder.Protocol;

/// <summary>A command in the background. It belongs to its session, not to the turn that began it.</summary>
/// <param name="ApprovalId">The decision that it runs by; also what its output is read by.</param>
/// <param name="Job">What the session calls it: <c>job-1</c>.</param>
/// <param name="Bytes">Written so far.</param>
public sealed record JobInfo(
    Guid AgentSessionId, Guid ApprovalId, string Job, string Command, string Cwd, DateTimeOffset StartedAt, long Bytes);

/// <param name="AgentSessionId">Null: of all sessions.</param>
public sealed record JobsListRequest(Guid? AgentSessionId = null);

/// <param name="Jobs">Those that run, oldest first.</param>
public sealed record JobsListResponse(IReadOnlyList<JobInfo> Jobs);

/// <summary>Ends a job with all that it started. Harmless when it is over already.</summary>
public sealed record JobStopRequest(Guid AgentSessionId, Guid ApprovalId);

/// <param name="Stopped">False: it did not run any more.</param>
public sealed record JobStopResponse(bool Stopped);
