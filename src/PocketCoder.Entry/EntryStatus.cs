namespace PocketCoder.Entry;

public enum EntryState
{
    /// <summary>Not connected yet.</summary>
    Starting,

    /// <summary>Connected: what people write arrives.</summary>
    Ready,

    /// <summary>The last try failed; the next comes by itself.</summary>
    Waiting,

    /// <summary>Somebody must change something, and start again.</summary>
    Failed,
}

/// <param name="Since">Since when it stands so.</param>
/// <param name="Reason">Why it is not ready, in a sentence for people; null: nothing went wrong.</param>
public sealed record EntryStatus(EntryState State, DateTimeOffset Since, string? Reason);
