namespace PocketCoder.Machine.Executions.Jobs;

/// <summary>A command in the background of a session. Used on the session's mailbox only.</summary>
/// <param name="Name">What the session calls it.</param>
public sealed record Job(string Name, Guid ApprovalId, string Command, string Folder, DateTimeOffset StartedAt, Execution Execution)
{
    /// <summary>Up to where the agent has read its output, in bytes.</summary>
    public long ReadTo { get; set; }

    /// <summary>Who stopped it, when somebody did.</summary>
    public string? StoppedBy { get; set; }

    /// <summary>How it ended; null while it runs.</summary>
    public ExecutionResult? Result { get; set; }

    /// <summary>The agent knows that it ended.</summary>
    public bool Told { get; set; }
}
