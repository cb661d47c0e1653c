using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Prompting;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that keeps the queue's order.</summary>
internal sealed partial class SessionActor
{
    /// <summary>Puts a waiting prompt before another one; null: last. Returns all that wait, in order.</summary>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND when one of them does not wait any more</exception>
    public Task<IReadOnlyList<Guid>> MoveQueuedAsync(Guid promptId, Guid? before)
        => AskAsync(() => Store.WriteAsync(change => QueueOrder.Move(change, _record.SessionId, promptId, before)));

    /// <exception cref="RequestFailure">DAEMON_BUSY</exception>
    private void RequireRoomInQueue()
    {
        if (_queued >= Limits.QueuedPrompts)
        {
            throw new RequestFailure(ErrorCode.DaemonBusy, $"{Limits.QueuedPrompts} prompts wait in this session already. Cancel one, or wait.");
        }
    }
}
