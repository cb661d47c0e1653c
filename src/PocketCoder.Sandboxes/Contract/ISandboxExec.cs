namespace PocketCoder.Sandboxes;

/// <summary>A running command. Streams are for one reader and one writer each; the rest is thread-safe.</summary>
/// <remarks>
/// Both outputs must be read: a full pipe stops the command, which is the backpressure. <see cref="CommandSpool"/> does that.
/// Disposing ends the command, except a spooled one: that goes on, and is ended by <see cref="KillAsync"/> or with the sandbox.
/// </remarks>
public interface ISandboxExec : IAsyncDisposable
{
    string Id { get; }

    /// <summary>
    /// The process on the host that stands for the command; null where the backend can't tell (a container's engine owns it).
    /// </summary>
    int? HostPid { get; }

    /// <summary>Write-only. Closed from the start when <see cref="ExecSpec.KeepInputOpen"/> is false, and after recovery.</summary>
    Stream StandardInput { get; }

    Stream StandardOutput { get; }

    Stream StandardError { get; }

    /// <summary>
    /// Where <c>stdout</c> and <c>stderr</c> are written whole by the sandbox itself, independent of this process; null when not asked for.
    /// </summary>
    string? SpoolDirectory { get; }

    /// <summary>How it ended. Never faults. What it left behind is being ended by then, and writes to neither output any more.</summary>
    Task<ExecOutcome> Exited { get; }

    /// <summary>Asks the command itself to stop (SIGINT as Ctrl-C would). What it makes of that is its business.</summary>
    Task InterruptAsync();

    /// <summary>SIGTERM to the command, up to <paramref name="grace"/>, then the end of all it started. Returns when it is over.</summary>
    Task KillAsync(TimeSpan grace);
}

/// <summary>What to run, exactly: no shell looks at it on the way.</summary>
public sealed record ExecSpec
{
    /// <summary>
    /// Program and arguments; the program is looked up in the sandbox's PATH. At least one, each below 128 KiB (the kernel's limit), no
    /// NUL.
    /// </summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Absolute, as seen inside. Null: the workspace.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Beside the sandbox's own environment. Values may be secret: they never stand in an argument list or a log.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>When false the command reads end of file at once.</summary>
    public bool KeepInputOpen { get; init; }

    /// <summary>
    /// After that it is killed and the outcome says <see cref="ExecEnd.TimedOut"/>. Null: none. Not enforced while no daemon runs.
    /// </summary>
    public TimeSpan? TimeLimit { get; init; }

    /// <summary>
    /// Writes both outputs to disk beside the command, so that it survives this process and is found again with all it wrote.
    /// Where a backend can't, <see cref="ISandboxExec.SpoolDirectory"/> is null and the command ends with this process.
    /// </summary>
    public bool Spooled { get; init; }

    /// <summary>The id to find it by. Lower-case letters, digits and dashes, at most 64.</summary>
    public string Id { get; init; } = Guid.CreateVersion7().ToString("D");
}

/// <summary>Why a command is over.</summary>
public enum ExecEnd
{
    /// <summary>By itself, with an exit code.</summary>
    Exited,

    /// <summary>By a signal that we did not send.</summary>
    Signalled,

    /// <summary>Killed at its time limit.</summary>
    TimedOut,

    /// <summary>Killed because somebody asked for it.</summary>
    Killed,

    /// <summary>
    /// Killed because the sandbox went over a bound of <see cref="SandboxLimits"/>; <see cref="ExecOutcome.Why"/> says which.
    /// </summary>
    OverLimit,

    /// <summary>The sandbox died under it, or its end was not seen (no daemon ran and it left no record). Its outcome is unknown.</summary>
    Lost,
}

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">As a shell counts: 128 + n for signal n. −1 when <see cref="ExecEnd.Lost"/>.</param>
/// <param name="Signal">
/// The signal's number for an exit code of 129–192, else null. A program that itself exits with such a code can't be told apart, as in
/// every shell.
/// </param>
/// <param name="Duration">From the start to the end as seen here; for a recovered command from its start by the wall clock.</param>
/// <param name="Why">With <see cref="ExecEnd.OverLimit"/>: which bound, with the numbers, and what to do; for agents and people.</param>
public sealed record ExecOutcome(ExecEnd End, int ExitCode, int? Signal, TimeSpan Duration, string? Why = null);
