using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Forks;

/// <summary>What a fork shows of the session it comes from: the newest events, without what is not over or is counted there.</summary>
/// <param name="Bodies">As they are stored, oldest first.</param>
/// <param name="Cut">There was more before.</param>
internal sealed record CopiedTranscript(IReadOnlyList<ReadOnlyMemory<byte>> Bodies, bool Cut)
{
    private const int MaxEvents = 5000;
    private const long MaxBytes = 32L << 20;
    private const int PageSize = 500;

    /// <param name="without">Turns that are left out.</param>
    /// <param name="last">The last turn; null: to the end.</param>
    public static async Task<CopiedTranscript> ReadAsync(Store store, Guid session, IReadOnlySet<Guid> without, Guid? last)
    {
        var stream = StreamHub.NameOf(session);
        var head = (await store.EventsAsync(stream, long.MaxValue, 0, CancellationToken.None)).LastSeq;
        var after = Math.Max(0, head - MaxEvents);
        var cut = after > 0;
        var kept = new Queue<ReadOnlyMemory<byte>>();
        long bytes = 0;
        while (true)
        {
            var page = await store.EventsAsync(stream, after, PageSize, CancellationToken.None);
            cut |= page.Missed(after);
            foreach (var stored in page.Events)
            {
                after = stored.Seq;
                var payload = JsonSerializer.Deserialize(stored.Utf8Body.Span, ProtocolJson.Default.AgentEventPayload);
                if (payload is not null && Belongs(payload, without))
                {
                    kept.Enqueue(stored.Utf8Body);
                    for (bytes += stored.Utf8Body.Length; bytes > MaxBytes; cut = true)
                    {
                        bytes -= kept.Dequeue().Length;
                    }
                }

                if (payload is DoneEvent done && done.TurnId == last && last is not null)
                {
                    return new CopiedTranscript([.. kept], cut);
                }
            }

            if (page.Events.Count == 0 || after >= head)
            {
                return new CopiedTranscript([.. kept], cut);
            }
        }
    }

    private static bool Belongs(AgentEventPayload payload, IReadOnlySet<Guid> without)
        => (payload.TurnId is not { } turn || !without.Contains(turn)) && payload switch
        {
            UsageEvent => false, // what was used there was used there
            ApprovalEvent prompt => prompt.Approval.State is not (ApprovalState.Pending or ApprovalState.Allowed or ApprovalState.Running),
            _ => true,
        };
}
