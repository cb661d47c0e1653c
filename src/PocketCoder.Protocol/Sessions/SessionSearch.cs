using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Searches what people and agents said in all sessions, archived ones too. Not their commands, outputs and thoughts.</summary>
/// <param name="Query">
/// 1 to <see cref="Limits.SearchCharacters"/> characters. Words between spaces must all be in one message; case does not matter, and a word
/// may be a part of one.
/// </param>
/// <param name="Limit">Sessions, 1 to <see cref="Limits.SearchSessions"/>.</param>
[MessageType(MessageTypes.AgentSessionsSearch)]
public sealed record AgentSessionsSearchRequest(string Query, int Limit = 20);

/// <param name="Hits">One a session, the newest message; the session with the newest first.</param>
/// <param name="Behind">Some messages were not looked at yet: asking again in a moment finds more.</param>
public sealed record AgentSessionsSearchResponse(IReadOnlyList<SessionHit> Hits, bool Behind);

/// <param name="At">When the message was said.</param>
/// <param name="Excerpt">Part of the message around the first word, on one line.</param>
/// <param name="From">Where in the excerpt that word begins, in UTF-16 units.</param>
/// <param name="Length">Its length there.</param>
/// <param name="Messages">So many messages of the session have the words.</param>
public sealed record SessionHit(
    Guid AgentSessionId, SessionSpeaker Who, DateTimeOffset At, string Excerpt, int From, int Length, int Messages);

[JsonConverter(typeof(LowerSnake<SessionSpeaker>))]
public enum SessionSpeaker
{
    Person,
    Agent,
}
