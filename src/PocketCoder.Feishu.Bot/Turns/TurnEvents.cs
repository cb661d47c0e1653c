using System.Text.Json;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>Reads what a session's stream has of one turn.</summary>
internal static class TurnEvents
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    /// <summary>Tells the turn's events from its first one to the last that there is now, in order, until somebody has enough.</summary>
    /// <param name="visitor">Connected for this only.</param>
    /// <param name="take">Gets an event and its number; false: it has enough.</param>
    /// <returns>False: it took more than 20 seconds.</returns>
    /// <exception cref="Entry.EntryRefusal">There is no such session.</exception>
    public static async Task<bool> WalkAsync(
        ConnectedPerson visitor, Guid session, Guid turn, Func<AgentEventPayload, long, bool> take, TimeProvider time,
        CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            await using var followed = await visitor.FollowAsync($"session/{session}", null, 0, either.Token);
            if (followed.Start.Head == 0)
            {
                return true;
            }

            var isBegun = false;
            await foreach (var happened in followed.Events.ReadAllAsync(either.Token))
            {
                if (happened.Type == MessageTypes.AgentEvent && Read(happened.Payload) is { } payload
                    && (payload is TurnEvent t ? t.Turn.TurnId : payload.TurnId) == turn)
                {
                    isBegun = isBegun || payload is TurnEvent;
                    if (isBegun && !take(payload, happened.Seq ?? 0))
                    {
                        break;
                    }
                }

                if (happened.Seq >= followed.Start.Head)
                {
                    break;
                }
            }

            return true;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
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
