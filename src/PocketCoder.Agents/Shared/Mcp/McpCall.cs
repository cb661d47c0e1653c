namespace PocketCoder.Agents.Shared.Mcp;

/// <summary>
/// A call of one of our tools that waits for its result. It ends once: answered, withdrawn by the agent, or dropped by us; whoever comes
/// first decides. Thread-safe.
/// </summary>
/// <param name="requestId">Ours; never used twice, by no endpoint: a session outlives its agent's processes.</param>
/// <param name="inputJson">The arguments exactly as they came, an object; not checked against the tool's schema.</param>
/// <param name="metaJson">What the agent's MCP client said beside them (<c>_meta</c>), an object; null: nothing.</param>
internal sealed class McpCall(string requestId, string toolName, string inputJson, string? metaJson)
{
    private readonly TaskCompletionSource<McpCallEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string RequestId { get; } = requestId;

    public string ToolName { get; } = toolName;

    public string InputJson { get; } = inputJson;

    public string? MetaJson { get; } = metaJson;

    /// <summary>False once it ended: then nothing may begin for it any more.</summary>
    public bool IsPending => !_end.Task.IsCompleted;

    public Task<McpCallEnd> Ended => _end.Task;

    /// <returns>Whether this decided it.</returns>
    public bool TryEnd(McpCallEnd how) => _end.TrySetResult(how);
}

/// <summary>How a call ended.</summary>
internal abstract record McpCallEnd
{
    private McpCallEnd()
    {
    }

    /// <summary>The agent reads this.</summary>
    public sealed record Answered(string Text, bool IsError) : McpCallEnd;

    /// <summary>The agent no longer waits: it said so, or its connection is gone.</summary>
    public sealed record Withdrawn : McpCallEnd;

    /// <summary>We no longer want it: the turn was stopped, or the endpoint is closed. The agent is told, if it still listens.</summary>
    public sealed record Dropped : McpCallEnd;
}

/// <summary>What a driver makes of its agent's calls. Called by many threads at once.</summary>
internal interface IMcpCalls
{
    /// <summary>
    /// A call came. The driver says <see cref="AgentHostCall"/>, unless no turn runs or the call is not pending any more. Both are to be
    /// looked at under the lock that also ends the driver's turns, and the event is to be written under it too: else it could be taken for
    /// one of the next turn.
    /// </summary>
    /// <returns>Whether it was said; if not, the agent is told that the turn was stopped.</returns>
    ValueTask<bool> CalledAsync(McpCall call, CancellationToken cancellationToken);

    /// <summary>
    /// The agent no longer waits for a call that was said, or the endpoint is being closed. The driver says
    /// <see cref="AgentRequestWithdrawn"/>.
    /// </summary>
    ValueTask WithdrawnAsync(McpCall call, CancellationToken cancellationToken);
}
