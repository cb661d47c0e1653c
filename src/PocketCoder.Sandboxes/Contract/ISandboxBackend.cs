using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes;

/// <summary>One way to isolate commands. Thread-safe.</summary>
public interface ISandboxBackend
{
    SandboxKind Kind { get; }

    /// <summary>
    /// Tries the real recipe on this machine and looks from inside at what holds; never only at whether a program is there. Takes about a
    /// second, at most <see cref="SandboxDefaults.StartLimit"/> a step. A failure is an answer, not an exception.
    /// </summary>
    Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Makes the sandbox of a session. It outlives this process until it is killed, and is found again by <see cref="RecoverAsync"/>.
    /// </summary>
    /// <exception cref="SandboxException">It can't be made; nothing is left behind.</exception>
    Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken);

    /// <summary>
    /// The sandboxes of an earlier daemon with the same state directory that still live, with their commands. What is dead (also by a
    /// reboot) or can't be recognised with certainty is cleaned away. Call once, before the first <see cref="CreateAsync"/>.
    /// </summary>
    Task<IReadOnlyList<ISandbox>> RecoverAsync(CancellationToken cancellationToken);
}

/// <summary>
/// Where commands of one session run. Thread-safe. Letting go of the object does not end it: <see cref="KillAsync"/> does.
/// </summary>
public interface ISandbox
{
    /// <summary>The session's id, as given.</summary>
    string Id { get; }

    SandboxKind Kind { get; }

    /// <summary>
    /// Whether it runs. A sandbox whose processes were killed from outside (also by the kernel, for memory) is lost as a whole.
    /// </summary>
    bool IsAlive { get; }

    /// <summary>
    /// A host directory whose Unix sockets the commands see in <see cref="SandboxDefaults.SocketsInside"/>. Sockets put there later are
    /// seen too. Connecting from the host to a socket that was made <em>inside</em> is never safe. Null where the backend has none.
    /// </summary>
    string? SocketDirectory { get; }

    /// <summary>Commands that were found again: spooled ones only, the others are ended by recovery. Empty for a fresh sandbox.</summary>
    IReadOnlyList<ISandboxExec> Recovered { get; }

    /// <summary>Starts a command. Any number may run at once; they don't disturb each other.</summary>
    /// <exception cref="SandboxException">The sandbox is lost, or the command could not be started.</exception>
    Task<ISandboxExec> ExecAsync(ExecSpec spec, CancellationToken cancellationToken);

    /// <summary>Opens a terminal, or attaches to the one of that name.</summary>
    /// <exception cref="SandboxException">Code <see cref="SandboxError.Unsupported"/> where the backend has no terminals.</exception>
    Task<ITerminal> OpenTerminalAsync(TerminalSpec spec, CancellationToken cancellationToken);

    /// <summary>The terminals that are open, also those of an earlier daemon. Empty where the backend has none.</summary>
    /// <exception cref="SandboxException">The sandbox is lost, or its terminal server does not answer.</exception>
    Task<IReadOnlyList<TerminalFound>> TerminalsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Ends everything inside and removes what it took on the host (processes, mounts, control groups, files; the spools of commands too).
    /// Does nothing when already done.
    /// </summary>
    /// <exception cref="SandboxException">Something could not be ended or removed; the message says what. It can be called
    /// again.</exception>
    Task KillAsync(CancellationToken cancellationToken);
}
