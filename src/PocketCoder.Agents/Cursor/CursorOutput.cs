namespace PocketCoder.Agents.Cursor;

/// <summary>What follows from one line of Cursor's.</summary>
internal sealed class CursorOutput
{
    public List<AgentEvent> Events { get; } = [];

    /// <summary>Why the program must be ended now: for people.</summary>
    public string? Violation { get; set; }

    /// <summary>The turn is over as far as the program says: it is ended when it does not end by itself.</summary>
    public bool IsLast { get; set; }
}
