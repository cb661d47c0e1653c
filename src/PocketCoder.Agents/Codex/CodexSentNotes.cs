namespace PocketCoder.Agents.Codex;

/// <summary>
/// Which version of the project's notes each conversation was told last, so that resuming it ten times does not tell them ten times. In
/// memory only: after a restart of the daemon they are told once more. Thread-safe; the lock guards all fields.
/// </summary>
internal sealed class CodexSentNotes
{
    /// <summary>Conversations remembered; the oldest are forgotten first.</summary>
    internal const int Most = 1000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _digests = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    /// <param name="conversation">Codex's id of it, or of the one it is copied from; null: a new one.</param>
    public bool Has(string? conversation, CodexNotes notes)
    {
        lock (_gate)
        {
            return conversation is not null && _digests.TryGetValue(conversation, out var digest) && digest == notes.Digest;
        }
    }

    public void Note(string conversation, CodexNotes notes)
    {
        lock (_gate)
        {
            if (!_digests.ContainsKey(conversation))
            {
                _order.Enqueue(conversation);
            }

            _digests[conversation] = notes.Digest;
            while (_order.Count > Most)
            {
                _digests.Remove(_order.Dequeue());
            }
        }
    }
}
