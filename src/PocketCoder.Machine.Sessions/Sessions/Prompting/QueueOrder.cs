using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>The order in which prompts wait.</summary>
internal static class QueueOrder
{
    /// <summary>Puts a waiting prompt before another one (null: last) and tells the session's stream, when that changes anything.</summary>
    /// <returns>All that wait, in order.</returns>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND when one of the two does not wait any more</exception>
    public static IReadOnlyList<Guid> Move(Change change, Guid session, Guid prompt, Guid? before)
    {
        var order = change.Query(
            "SELECT turn_id, ordinal FROM turns WHERE session_id = $id AND state = 'queued' ORDER BY ordinal",
            row => (Id: row.Id(0), Ordinal: row.GetInt64(1)),
            ("$id", session.ToString()));
        List<Guid> moved = [.. order.Select(o => o.Id)];
        if (!moved.Remove(prompt))
        {
            throw Gone();
        }

        var place = before is { } next ? moved.IndexOf(next) : moved.Count;
        moved.Insert(place < 0 ? throw Gone() : place, prompt);
        var changes = moved.Select((id, i) => (Id: id, order[i].Ordinal, Was: order[i].Id)).Where(m => m.Id != m.Was).ToList();

        // The places are unique in a session: out of the way first, then to where they belong.
        foreach (var (id, ordinal, _) in changes)
        {
            Place(id, -ordinal);
        }

        foreach (var (id, ordinal, _) in changes)
        {
            Place(id, ordinal);
        }

        if (changes.Count > 0)
        {
            change.Event(session, new QueueOrderEvent(moved) { At = change.Now });
        }

        return moved;

        void Place(Guid id, long ordinal)
            => change.Execute("UPDATE turns SET ordinal = $ordinal WHERE turn_id = $id", ("$ordinal", ordinal), ("$id", id.ToString()));
    }

    private static RequestFailure Gone() => new(ErrorCode.TurnNotFound, "This prompt is no longer in the queue.");
}
