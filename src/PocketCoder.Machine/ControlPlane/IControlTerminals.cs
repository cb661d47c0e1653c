using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Terminals of sessions for the owner at the command line. Expected failures are <see cref="ControlException"/>. Called from many threads.</summary>
public interface IControlTerminals
{
    /// <param name="session">Null: of all sessions.</param>
    Task<IReadOnlyList<TerminalInfo>> ListTerminalsAsync(Guid? session, CancellationToken ct);

    /// <summary>Opens a terminal, or gives the one of that name.</summary>
    Task<TerminalInfo> OpenTerminalAsync(TerminalOpenRequest request, CancellationToken ct);

    Task CloseTerminalAsync(Guid session, string name, CancellationToken ct);

    /// <summary>Looks at an open terminal and may type in it, as its owner, until disposed.</summary>
    /// <param name="sink">Gets what it writes, in order; while it waits, output is skipped and not kept.</param>
    Task<IAttachedTerminal> AttachTerminalAsync(
        Guid session, string name, int columns, int rows, Func<TerminalOutputPayload, CancellationToken, ValueTask> sink, CancellationToken ct);
}

/// <summary>A terminal that somebody looks at. Thread-safe.</summary>
public interface IAttachedTerminal : IAsyncDisposable
{
    /// <summary>Completes when nothing more comes: the terminal ended, or the daemon lets go of it.</summary>
    Task Over { get; }

    /// <exception cref="ControlException">It ended, or the line could not be recorded.</exception>
    Task TypeAsync(string keys, CancellationToken ct);

    Task ResizeAsync(int columns, int rows, CancellationToken ct);
}
