namespace PocketCoder.Ledger;

/// <summary>Where an event stands: a client that was away names its last one and is given what follows.</summary>
/// <param name="Epoch">16 hex digits; new when numbers may have been given before (a new stream, a restored backup).</param>
/// <param name="Seq">Number within the stream and epoch, from 1, without gaps.</param>
public readonly record struct StreamPosition(string Epoch, long Seq);

/// <summary>An event as stored.</summary>
/// <param name="Seq">Number within the stream.</param>
/// <param name="At">When it was appended, to the millisecond.</param>
/// <param name="Utf8Body">Its JSON text.</param>
public readonly record struct StreamEvent(long Seq, DateTimeOffset At, ReadOnlyMemory<byte> Utf8Body);

/// <summary>A stretch of a stream, read in one snapshot.</summary>
/// <param name="Epoch">The stream's epoch, or null when there is no such stream.</param>
/// <param name="LastSeq">Number of the last event of the stream at that moment; 0 when there is none.</param>
/// <param name="FirstKept">Number of the oldest event that is still kept (<paramref name="LastSeq"/> + 1 when none is).</param>
/// <param name="Events">The events after the cursor, in order.</param>
public sealed record EventPage(string? Epoch, long LastSeq, long FirstKept, IReadOnlyList<StreamEvent> Events)
{
    /// <summary>True when events between the cursor and the first of this page were trimmed away: the client must reload.</summary>
    public bool Missed(long after) => after + 1 < FirstKept;
}
