using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Conversations;

/// <summary>A conversation that a new session takes over: the session's row and the beginning of its transcript.</summary>
/// <param name="Copy">None: the conversation itself goes on.</param>
/// <param name="AgentName">For people.</param>
internal sealed record BegunConversation(
    AgentConversation Found, ConversationCopies Copy, string AgentName, IReadOnlyList<AgentConversationPart> Said)
{
    /// <returns>The id that the agent keeps it by, for the session that goes on with it; null for a copy, which gets one of its
    /// own.</returns>
    /// <exception cref="RequestFailure">CONFLICT: a session has it already</exception>
    public string? Claim(Change change, string agent)
    {
        if (Copy != ConversationCopies.None)
        {
            return null;
        }

        return ConversationRows.FindSession(change, agent, Found.Id) is not { } other
            ? Found.Id
            : throw new RequestFailure(
                ErrorCode.Conflict,
                $"This conversation already belongs to the session \"{other.Title}\". Continue there.",
                new Dictionary<string, string>(StringComparer.Ordinal) { ["agentSessionId"] = other.Session.ToString() });
    }

    /// <summary>Once the session's row is there.</summary>
    public void Begin(Change change, Guid session)
    {
        if (Copy != ConversationCopies.None)
        {
            ConversationRows.RememberCopy(change, session, Found.Id);
        }

        foreach (var part in Said)
        {
            change.Event(session, new ImportedEvent(
                AgentTerms.Speaker(part.Who), part.Text, part.At is { } at ? Instant.Truncate(at) : null)
            { At = change.Now });
        }

        change.Event(session, new NoticeEvent(NoticeLevel.Info, Note()) { At = change.Now });
    }

    private string Note()
    {
        var what = Copy switch
        {
            ConversationCopies.None =>
                "This conversation was started in a terminal and continues here. Don't use it there at the same time: only one program may use a conversation at a time.",
            ConversationCopies.Whole =>
                "This is a copy of a terminal conversation. The original stays unchanged and won't show anything done here.",
            _ => $"{AgentName} starts a new conversation here with the terminal conversation's recent messages but without tool results. The original stays unchanged.",
        };
        return Said.Count > 0 ? what : $"{what} Earlier messages are not shown here.";
    }
}
