using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>Reads a turn that is over from its session, for a page of it.</summary>
internal static class TurnReader
{
    /// <param name="visitor">Connected for this only.</param>
    /// <returns>Null: the session has no such turn, or reading it took more than 20 seconds.</returns>
    /// <exception cref="Entry.EntryRefusal">There is no such session.</exception>
    public static async Task<TurnView?> ReadAsync(
        ConnectedPerson visitor, Guid session, Guid turn, int? page, TimeProvider time, CancellationToken cancellationToken)
    {
        var facts = await SessionFacts.ReadAsync(visitor, session, cancellationToken);
        TurnFold? fold = null;
        var isWhole = await TurnEvents.WalkAsync(
            visitor, session, turn,
            (payload, seq) =>
            {
                fold ??= new TurnFold(((TurnEvent)payload).Turn, seq);
                fold.Apply(payload);
                return !fold.IsOver;
            },
            time, cancellationToken);
        return isWhole ? fold?.View(session, facts.Turn, null, canSteer: false, page) : null;
    }
}
