namespace PocketCoder.Hands;

/// <summary>
/// A terminal inside the sandbox that outlives its viewers and the daemon. Bytes in, bytes out; the text on it is untrusted.
/// One reader for <see cref="Output"/>; the rest is thread-safe.
/// </summary>
public interface ITerminal : IAsyncDisposable
{
    string Name { get; }

    /// <summary>
    /// What the terminal writes, from the moment of attaching (see <see cref="CaptureAsync"/> for what was before). Ends when the terminal or the
    /// connection ends. A reader that falls behind makes tmux pause the pane; it goes on by itself once the reader has caught up, and
    /// <see cref="TerminalChunk.Skipped"/> says that something in between was left out.
    /// </summary>
    IAsyncEnumerable<TerminalChunk> Output { get; }

    /// <summary>Types exactly these bytes.</summary>
    Task WriteAsync(ReadOnlyMemory<byte> keys, CancellationToken cancellationToken);

    /// <summary>Columns 2–1000, rows 2–1000.</summary>
    Task ResizeAsync(int columns, int rows, CancellationToken cancellationToken);

    /// <summary>Scrollback and screen as text with colours (SGR), at most <paramref name="lines"/> lines back.</summary>
    Task<string> CaptureAsync(int lines, CancellationToken cancellationToken);

    /// <summary>Ends the terminal and what runs in it. Disposing only detaches.</summary>
    Task CloseAsync(CancellationToken cancellationToken);
}

/// <param name="Text">Decoded as UTF-8 over chunk borders; invalid bytes are U+FFFD.</param>
/// <param name="Skipped">Output was lost before this chunk because the reader was too slow: draw anew from <see cref="ITerminal.CaptureAsync"/>.</param>
public readonly record struct TerminalChunk(string Text, bool Skipped);

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
}
