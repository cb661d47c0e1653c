using PocketCoder.Machine.Attachments;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Prompting;

/// <summary>Several prompts that wait become one.</summary>
internal static class QueueMerge
{
    /// <summary>
    /// The first that would run takes the words and files of the others, which are cancelled. Only prompts of one device: a turn says who
    /// gave it. None whose beginning means something, which it would not in the middle of a text: a command of the agent's, and above all
    /// one that asks for a yes before the agent sees it.
    /// </summary>
    /// <param name="shown">Whether the agent is shown pictures.</param>
    /// <exception cref="RequestFailure">TURN_NOT_FOUND, INVALID_REQUEST, FILE_TOO_LARGE; nothing has changed then</exception>
    public static TurnInfo Merge(Change change, Guid session, IReadOnlyList<Guid> prompts, bool shown)
    {
        var waiting = SessionRows.Queued(change, session).Where(t => prompts.Contains(t.TurnId)).ToList();
        if (waiting.Count != prompts.Count)
        {
            throw new RequestFailure(ErrorCode.TurnNotFound, "One of these prompts is no longer in the queue.");
        }

        if (waiting.DistinctBy(t => t.DeviceId, StringComparer.Ordinal).Count() > 1)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "Prompts of several devices or people can't be merged: a prompt says who gave it.");
        }

        if (waiting.Exists(t => ConfirmedPrompt.IsWanted(t.Content) || t.Content.AsSpan().TrimStart().StartsWith('/')))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"A prompt that begins with {ConfirmedPrompt.Prefix} or with a command for the agent can't be merged with others.");
        }

        var content = string.Join("\n\n", waiting.Select(t => t.Content));
        SessionRoutes.RequirePrompt(content);
        var files = waiting.SelectMany(t => t.Attachments).DistinctBy(a => a.AttachmentId).ToList();
        AttachmentRows.RequireFit(files, shown);
        foreach (var other in waiting.Skip(1))
        {
            SessionRows.UpdateTurn(change, session, other with { State = TurnState.Cancelled, FinishedAt = change.Now });
        }

        return SessionRows.UpdateTurn(change, session, waiting[0] with { Content = content, Attachments = files });
    }
}
