using System.Text.Json;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>Reads a turn that is over from its session, for a page of it.</summary>
internal static class TurnReader
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <param name="visitor">Connected for this only.</param>
    /// <returns>Null: the session has no such turn, or reading it took more than 20 seconds.</returns>
    /// <exception cref="Entry.EntryRefusal">There is no such session.</exception>
    public static async Task<TurnView?> ReadAsync(
        ConnectedPerson visitor, Guid session, Guid turn, int? page, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var facts = await SessionFacts.ReadAsync(visitor, session, either.Token);
        await using var followed = await visitor.FollowAsync($"session/{session}", null, 0, either.Token);
        if (followed.Start.Head == 0)
        {
            return null;
        }

        TurnFold? fold = null;
        try
        {
            await foreach (var happened in followed.Events.ReadAllAsync(either.Token))
            {
                if (happened.Type == MessageTypes.AgentEvent && Read(happened.Payload) is { } payload)
                {
                    fold ??= payload is TurnEvent e && e.Turn.TurnId == turn ? new TurnFold(e.Turn, happened.Seq ?? 0) : null;
                    if (fold is not null && (payload is TurnEvent t ? t.Turn.TurnId : payload.TurnId) == turn)
                    {
                        fold.Apply(payload);
                    }
                }

                if (happened.Seq >= followed.Start.Head || fold is { IsOver: true })
                {
                    break;
                }
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return null;
        }

        return fold?.View(session, facts.Turn, null, canSteer: false, page);
    }

    private static AgentEventPayload? Read(JsonElement payload)
    {
        try
        {
            return payload.Deserialize(ProtocolJson.Default.AgentEventPayload);
        }
        catch (JsonException)
        {
            return null; // a kind of a newer machine
        }
    }
}
