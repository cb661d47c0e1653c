namespace PocketCoder.Entry;

/// <summary>
/// What an entry point keeps over a restart, in the machine's database: which events it has seen, which chat belongs to which project, what
/// a button was for, what is still to be sent. Each platform has its own; a write is durable when it returns. A key has 1 to 200 visible
/// ASCII characters, a value at most 64 KiB of UTF-8, and each is
/// forgotten after a time by the wall clock, which is tidiness and no deadline: what must end in time is looked at again. Thread-safe.
/// </summary>
public interface IEntryNotes
{
    /// <summary>Adds a note, unless there is one by this key: of many who add the same, one is told so.</summary>
    /// <param name="keep">At most 400 days.</param>
    /// <returns>Whether it was added.</returns>
    /// <exception cref="EntryRefusal">INVALID_REQUEST: too long; UNAVAILABLE: 20,000 notes are kept already, or nothing can be
    /// written</exception>
    Task<bool> AddAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken);

    /// <summary>Writes a note over the one that there may be.</summary>
    /// <inheritdoc cref="AddAsync"/>
    Task SetAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken);

    /// <returns>Null: there is none (any more).</returns>
    Task<string?> FindAsync(string key, CancellationToken cancellationToken);

    /// <summary>Takes a note away: of many who take the same, one gets it.</summary>
    /// <returns>What it was; null: there was none (any more).</returns>
    Task<string?> TakeAsync(string key, CancellationToken cancellationToken);

    /// <summary>Notes whose keys begin so, in the order of their keys.</summary>
    /// <param name="most">1 to 1,000.</param>
    Task<IReadOnlyList<KeyValuePair<string, string>>> ListAsync(string prefix, int most, CancellationToken cancellationToken);
}
