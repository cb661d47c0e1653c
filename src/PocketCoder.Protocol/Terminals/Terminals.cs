namespace PocketCoder.Protocol;

/// <summary>Sizes and counts of terminals that both sides hold to.</summary>
public static class TerminalLimits
{
    /// <summary>Open terminals of one session.</summary>
    public const int PerSession = 8;

    /// <summary>Open terminals of the machine.</summary>
    public const int PerMachine = 64;

    /// <summary>Who looks at one terminal at the same time.</summary>
    public const int Viewers = 8;

    /// <summary>A name: letters, digits, dashes, not beginning with a dash.</summary>
    public const int NameLength = 32;

    /// <summary>Fewest columns and rows.</summary>
    public const int SmallestSide = 2;

    /// <summary>Most columns and rows.</summary>
    public const int LargestSide = 500;

    /// <summary>UTF-8 bytes of one <c>terminal_input</c>.</summary>
    public const int InputBytes = 16 * 1024;

    /// <summary>UTF-16 units of one <c>terminal_output</c>; a redraw may have more.</summary>
    public const int OutputLength = 16 * 1024;

    /// <summary>UTF-16 units that a viewer gets without an acknowledgement; then it gets nothing until it sends one.</summary>
    public const int Window = 96 * 1024;

    /// <summary>UTF-16 units that wait for a viewer; beyond that they are dropped and it gets a redraw.</summary>
    public const int Waiting = 256 * 1024;

    /// <summary>Lines of scrollback of one attach or capture.</summary>
    public const int HistoryLines = 5000;
}

/// <summary>
/// A terminal that a person opened in a session's sandbox. It goes on without viewers and without the daemon, until it is closed or its
/// shell ends.
/// </summary>
/// <param name="Columns">As it is now: the last who typed or resized has the size.</param>
/// <param name="Viewers">How many look at it now.</param>
public sealed record TerminalInfo(
    Guid AgentSessionId, string Name, int Columns, int Rows, int Viewers, DateTimeOffset OpenedAt, SandboxKind Sandbox);

/// <param name="AgentSessionId">Null: of all sessions.</param>
public sealed record TerminalListRequest(Guid? AgentSessionId = null);

public sealed record TerminalListResponse(IReadOnlyList<TerminalInfo> Terminals);

/// <summary>Opens a terminal; the same name again gives the one that is there, so that sending again opens nothing twice.</summary>
/// <param name="WorkingDirectory">Absolute; for a new one only. Null: the session's folder.</param>
public sealed record TerminalOpenRequest(
    Guid AgentSessionId, string Name, int Columns = 80, int Rows = 24, string? WorkingDirectory = null);

/// <param name="Opened">False: it was open already.</param>
public sealed record TerminalOpenResponse(TerminalInfo Terminal, bool Opened);

/// <summary>
/// Looks at a terminal: <c>terminal_output</c> follows, beginning with a redraw. Attaching again on the same connection begins anew.
/// </summary>
/// <param name="Columns">What this device shows. It becomes the terminal's size when the device may type; 0: leave it.</param>
/// <param name="History">Lines of scrollback in the first redraw, at most <see cref="TerminalLimits.HistoryLines"/>.</param>
public sealed record TerminalAttachRequest(Guid AgentSessionId, string Name, int Columns = 0, int Rows = 0, int History = 1000);

/// <param name="Epoch">Of the <c>terminal_output</c> that belongs to this attach.</param>
/// <param name="MayType">Whether this device's scopes let it type.</param>
public sealed record TerminalAttachResponse(TerminalInfo Terminal, string Epoch, bool MayType);

public sealed record TerminalDetachRequest(Guid AgentSessionId, string Name);

public sealed record TerminalDetachResponse;

/// <summary>
/// Types. Never sent again by itself when its answer is lost: whether it arrived is seen on the screen. A line is in the ledger before its
/// Enter is typed.
/// </summary>
/// <param name="Data">As a terminal sends keys, at most <see cref="TerminalLimits.InputBytes"/> as UTF-8.</param>
public sealed record TerminalInputRequest(Guid AgentSessionId, string Name, string Data);

public sealed record TerminalInputResponse;

public sealed record TerminalResizeRequest(Guid AgentSessionId, string Name, int Columns, int Rows);

public sealed record TerminalResizeResponse(TerminalInfo Terminal);

/// <summary>
/// Everything up to <paramref name="Seq"/> is drawn: more may come. A viewer that does not acknowledge gets at most
/// <see cref="TerminalLimits.Window"/>.
/// </summary>
public sealed record TerminalAckRequest(Guid AgentSessionId, string Name, string Epoch, long Seq);

public sealed record TerminalAckResponse;

/// <param name="Lines">Of scrollback above the screen, at most <see cref="TerminalLimits.HistoryLines"/>.</param>
public sealed record TerminalCaptureRequest(Guid AgentSessionId, string Name, int Lines = 1000);

/// <param name="Text">Lines ended by line feeds, with colours (SGR) and nothing else that a terminal would act on. Untrusted.</param>
public sealed record TerminalCaptureResponse(string Text, int Columns, int Rows);

/// <summary>Ends the terminal and what runs in it.</summary>
public sealed record TerminalCloseRequest(Guid AgentSessionId, string Name);

public sealed record TerminalCloseResponse;

/// <summary>
/// What a terminal writes (message type <c>terminal_output</c>, stream <c>terminal/&lt;agentSessionId&gt;/&lt;name&gt;</c>, <c>epoch</c> of
/// the attach, <c>seq</c> from 1 without gaps). The machine has taken out what makes a terminal answer, change its title, clipboard or
/// size. Still untrusted text.
/// </summary>
/// <param name="Reset">Forget everything that is drawn, take this size, then draw <paramref name="Data"/>: the screen as it is now, with
/// some scrollback.</param>
/// <param name="Skipped">With <paramref name="Reset"/>: output was left out because this viewer was too slow.</param>
/// <param name="Columns">The terminal's size from here on.</param>
/// <param name="Ended">The terminal is over, and why; nothing follows.</param>
public sealed record TerminalOutputPayload(
    Guid AgentSessionId, string Name, string Data, bool Reset, bool Skipped, int Columns, int Rows, string? Ended = null);
