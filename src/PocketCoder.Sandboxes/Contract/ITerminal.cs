namespace PocketCoder.Sandboxes;

/// <summary>
/// A terminal inside the sandbox that outlives its viewers and the daemon. Bytes in, bytes out; the text on it is untrusted.
/// One reader for <see cref="Output"/>; the rest is thread-safe.
/// </summary>
public interface ITerminal : IAsyncDisposable
{
    string Name { get; }

    /// <summary>
    /// What the terminal writes, from the moment of attaching (see <see cref="CaptureAsync"/> for what was before). Ends when the terminal
    /// or the connection ends. A reader that falls behind makes tmux pause the pane; it goes on by itself once the reader has caught up,
    /// and <see cref="TerminalChunk.Skipped"/> says that something in between was left out.
    /// </summary>
    IAsyncEnumerable<TerminalChunk> Output { get; }

    /// <summary>Types exactly these bytes.</summary>
    Task WriteAsync(ReadOnlyMemory<byte> keys, CancellationToken cancellationToken);

    /// <summary>Columns 2–1000, rows 2–1000.</summary>
    Task ResizeAsync(int columns, int rows, CancellationToken cancellationToken);

    /// <summary>Scrollback and screen as text with colours (SGR), at most <paramref name="lines"/> lines back.</summary>
    Task<string> CaptureAsync(int lines, CancellationToken cancellationToken);

    /// <summary>
    /// The screen as it is at one exact place of <see cref="Output"/>: a chunk there bears <see cref="TerminalSnapshot.Mark"/>, and what
    /// comes after it goes on from the picture. <see cref="Output"/> must be read meanwhile. At most <paramref name="lines"/> lines of
    /// scrollback.
    /// </summary>
    /// <exception cref="IOException">The terminal ended.</exception>
    /// <exception cref="TimeoutException">It took longer than <see cref="SandboxDefaults.StartLimit"/>.</exception>
    Task<TerminalSnapshot> SnapshotAsync(int lines, CancellationToken cancellationToken);

    /// <summary>Ends the terminal and what runs in it. Disposing only detaches.</summary>
    Task CloseAsync(CancellationToken cancellationToken);
}

/// <param name="Text">Decoded as UTF-8 over chunk borders; invalid bytes are U+FFFD.</param>
/// <param name="Skipped">Output was lost before this chunk because the reader was too slow: draw anew from
/// <see cref="ITerminal.SnapshotAsync"/>.</param>
/// <param name="Mark">Not 0: nothing was written; here the snapshot of this number was taken.</param>
public readonly record struct TerminalChunk(string Text, bool Skipped, long Mark = 0);

/// <summary>A terminal's screen at one moment. Its texts are untrusted.</summary>
/// <param name="Mark">See <see cref="TerminalChunk.Mark"/>.</param>
/// <param name="History">Scrollback, oldest first, lines that were wrapped joined again; with colours (SGR).</param>
/// <param name="Screen">The rows that are visible, from the top, as they are; with colours.</param>
/// <param name="CursorColumn">From 0.</param>
/// <param name="CursorRow">From 0.</param>
public sealed record TerminalSnapshot(long Mark, IReadOnlyList<string> History, IReadOnlyList<string> Screen, int Columns, int Rows,
    int CursorColumn, int CursorRow, TerminalModes Modes);

/// <summary>What a program has asked of the terminal and tmux remembers.</summary>
[Flags]
public enum TerminalModes
{
    None = 0,
    CursorHidden = 1,

    /// <summary>A full-screen program draws.</summary>
    Alternate = 2,
    ApplicationCursor = 4,
    ApplicationKeypad = 8,
    MouseStandard = 16,
    MouseButton = 32,
    MouseAll = 64,
    MouseSgr = 128,
}

/// <param name="OpenedAt">To the second.</param>
public sealed record TerminalFound(string Name, DateTimeOffset OpenedAt, int Columns, int Rows);

/// <summary>Which terminal to open.</summary>
public sealed record TerminalSpec
{
    /// <summary>Letters, digits, dashes, at most 64. An existing one of that name is attached to.</summary>
    public required string Name { get; init; }

    /// <summary>2–1000 each.</summary>
    public int Columns { get; init; } = 80;

    public int Rows { get; init; } = 24;

    /// <summary>Program and arguments. Empty: a shell.</summary>
    public IReadOnlyList<string> Command { get; init; } = [];

    /// <summary>Absolute, as seen inside; for a new terminal. Null: the workspace.</summary>
    public string? WorkingDirectory { get; init; }
}
