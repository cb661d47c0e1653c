using PocketCoder.Entry;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Tests;

/// <summary>The machine's notes, which a test may let be full.</summary>
internal sealed class TestNotes : IEntryNotes
{
    public IEntryNotes? Inner { get; set; }

    public bool IsFull { get; set; }

    /// <summary>Nothing is taken away, as when the machine ends just before.</summary>
    public bool KeepsAll { get; set; }

    /// <summary>Notes whose keys begin so are as none: their time is over. Null: none are.</summary>
    public string? Over { get; set; }

    public Task<bool> AddAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken)
        => Writable().AddAsync(key, value, keep, cancellationToken);

    public Task SetAsync(string key, string value, TimeSpan keep, CancellationToken cancellationToken)
        => Writable().SetAsync(key, value, keep, cancellationToken);

    public Task<string?> FindAsync(string key, CancellationToken cancellationToken)
        => Over is { } over && key.StartsWith(over, StringComparison.Ordinal) ? Task.FromResult<string?>(null)
            : Inner!.FindAsync(key, cancellationToken);

    public Task<string?> TakeAsync(string key, CancellationToken cancellationToken) => KeepsAll ? throw new EntryRefusal(new WireError(ErrorCode.Unavailable, "It ends.")) : Inner!.TakeAsync(key, cancellationToken);

    public Task<IReadOnlyList<KeyValuePair<string, string>>> ListAsync(string prefix, int most, CancellationToken cancellationToken)
        => Inner!.ListAsync(prefix, most, cancellationToken);

    private IEntryNotes Writable()
        => IsFull ? throw new EntryRefusal(new WireError(ErrorCode.Unavailable, "20000 notes are kept already.")) : Inner!;
}
