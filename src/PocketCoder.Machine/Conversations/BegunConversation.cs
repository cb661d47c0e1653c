using PocketCoder.Agents;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions;
using PocketCoder.Machine.Sessions.Titles;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Conversations;

/// <summary>A conversation that a new session takes over: the session's row and the beginning of its transcript.</summary>
/// <param name="Copy">None: the conversation itself goes on.</param>
/// <param name="AgentName">For people.</param>
internal sealed record BegunConversation(AgentConversation Found, ConversationCopies Copy, string AgentName, IReadOnlyList<AgentConversationPart> Said)
{
    /// <exception cref="RequestFailure">CONFLICT: a session has it already</exception>
    public SessionRecord Claim(Change change, SessionRecord session)
    {
        session = session with { Title = SessionTitle.Of(Found.Title) };
        if (Copy != ConversationCopies.None)
        {
            return session;
        }

        return ConversationRows.FindSession(change, session.Agent, Found.Id) is not { } other
            ? session with { NativeId = Found.Id }
            : throw new RequestFailure(
                ErrorCode.Conflict,
                $"The session \"{other.Title}\" has this conversation already. Go on there.",
                new Dictionary<string, string>(StringComparer.Ordinal) { ["agentSessionId"] = other.Session.ToString() });
    }

    /// <summary>Once the session's row is there.</summary>
    public void Begin(Change change, SessionRecord session)
    {
        if (Copy != ConversationCopies.None)
        {
            ConversationRows.RememberCopy(change, session.SessionId, Found.Id);
        }

        foreach (var part in Said)
        {
            change.Event(session.SessionId, new ImportedEvent((ImportedSpeaker)part.Who, part.Text, part.At is { } at ? Instant.Truncate(at) : null) { At = change.Now });
        }

        change.Event(session.SessionId, new NoticeEvent(NoticeLevel.Info, Note()) { At = change.Now });
    }

    private string Note()
    {
        var what = Copy switch
        {
            ConversationCopies.None => "This conversation was begun in a terminal and goes on here. Don't go on with it there at the same time: two must not write one.",
            ConversationCopies.Whole => "This is a copy of a conversation that was begun in a terminal. That one stays as it is, and what happens here does not show up there.",
            _ => $"{AgentName} begins a new conversation here that knows the last words of the one in the terminal, but not what its tools gave. That one stays as it is.",
        };
        return Said.Count > 0 ? what : $"{what} What was said earlier is not shown here.";
    }
}
