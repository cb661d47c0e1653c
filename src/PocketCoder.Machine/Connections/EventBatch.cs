using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Connections;

/// <summary>
/// Events of a stream that go to a device in one message, <see cref="MessageTypes.AgentEvents"/>: what it missed costs it, and the machine,
/// a message a frame instead of one an event.
/// </summary>
internal static class EventBatch
{
    /// <summary>So few recent events go one by one: as messages they are written already, for all followers.</summary>
    public const int Least = 4;

    /// <summary>Where the batch that begins here ends: with the last event that fits and follows the one before without a gap.</summary>
    /// <returns>The index behind its last event; at least one further.</returns>
    public static int End(IReadOnlyList<StreamEvent> events, int begin)
    {
        var bytes = events[begin].Utf8Body.Length;
        var end = begin + 1;
        while (end < events.Count && events[end].Seq == events[end - 1].Seq + 1 && bytes + events[end].Utf8Body.Length <= Limits.BatchBytes)
        {
            bytes += events[end++].Utf8Body.Length;
        }

        return end;
    }

    public static byte[] Message(SessionStream stream, IReadOnlyList<StreamEvent> events, int begin, int end)
    {
        var bodies = new List<ReadOnlyMemory<byte>>(end - begin);
        var bytes = 0;
        for (var i = begin; i < end; i++)
        {
            bodies.Add(events[i].Utf8Body);
            bytes += events[i].Utf8Body.Length;
        }

        return stream.BatchMessage(events[begin].Seq, bodies, bytes);
    }
}
