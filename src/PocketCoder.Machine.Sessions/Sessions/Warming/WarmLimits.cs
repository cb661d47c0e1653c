namespace PocketCoder.Machine.Sessions.Warming;

/// <summary>How many agents without work the machine keeps, so that their next prompts start at once.</summary>
public sealed record WarmLimits
{
    public static WarmLimits Default { get; } = new();

    /// <summary>
    /// So many agents at most, of all sessions together. 0: each ends with its turn, and none is started ahead. 0 to 100.
    /// </summary>
    public int Agents { get; init; } = 3;

    /// <summary>
    /// So many bytes of RAM at most for all of them together (<see cref="PocketCoder.Processes.ProcessUsage.ResidentBytes"/>). Held on
    /// Linux only.
    /// </summary>
    public long MemoryBytes { get; init; } = 1024L * 1024 * 1024;

    /// <summary>How long an agent is kept after its turn.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long one is kept that was started ahead of a prompt, which then did not come.</summary>
    public TimeSpan IdleAhead { get; init; } = TimeSpan.FromMinutes(2);
}
