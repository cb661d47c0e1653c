using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that lets a person go on with the conversation in a terminal.</summary>
internal sealed partial class SessionActor
{
    /// <summary>Tells the agent's own id of the conversation, and whether the agent's process still holds it.</summary>
    /// <param name="end">Ends that process.</param>
    /// <exception cref="RequestFailure">CONFLICT: a turn runs or waits.</exception>
    public Task<(string? Conversation, string Directory, bool Lives)> LeaveAsync(bool end) => AskAsync(async () =>
    {
        if (_turn is not null || (_queued > 0 && !_record.Held))
        {
            throw new RequestFailure(ErrorCode.Conflict, "A turn of this session runs. Two must not write one conversation: wait for its end, or stop it.");
        }

        if (end)
        {
            await StopIdleProcessAsync();
        }

        return (_record.NativeId, _directory, _process is not null || _starting is not null);
    });
}
