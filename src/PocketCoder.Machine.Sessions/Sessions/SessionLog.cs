using Microsoft.Extensions.Logging;

namespace PocketCoder.Machine.Sessions;

/// <summary>The log lines of sessions.</summary>
internal static partial class SessionLog
{
    [LoggerMessage(EventId = 301, Level = LogLevel.Error, Message = "session {Session}: a step failed")]
    public static partial void StepFailed(ILogger logger, Guid session, Exception error);

    [LoggerMessage(EventId = 302, Level = LogLevel.Information, Message = "session {Session}: {Agent} started, pid {Pid}")]
    public static partial void Started(ILogger logger, Guid session, string agent, int? pid);

    [LoggerMessage(EventId = 303, Level = LogLevel.Information, Message = "session {Session}: {Agent} ended: {Reason}")]
    public static partial void Ended(ILogger logger, Guid session, string agent, string reason);

    [LoggerMessage(EventId = 304, Level = LogLevel.Warning, Message = "session {Session}: something can't be recorded: {Why}")]
    public static partial void CannotRecord(ILogger logger, Guid session, string why);

    [LoggerMessage(EventId = 305, Level = LogLevel.Information, Message = "session {Session}: {Agent} ends without work: {Why}")]
    public static partial void RestEnds(ILogger logger, Guid session, string agent, string why);

    [LoggerMessage(EventId = 306, Level = LogLevel.Warning, Message = "session {Session}: {Agent} is not kept ahead of a prompt: {Why}")]
    public static partial void NotAhead(ILogger logger, Guid session, string agent, string why);

    [LoggerMessage(EventId = 307, Level = LogLevel.Error,
        Message = "session {Session}: {Request} could not be carried through, approval {Approval}")]
    public static partial void DecisionFailed(ILogger logger, Guid session, string request, Guid? approval, Exception error);

    [LoggerMessage(EventId = 308, Level = LogLevel.Error, Message = "session {Session}: {Agent} could not be answered")]
    public static partial void Unanswered(ILogger logger, Guid session, string agent, Exception error);

    [LoggerMessage(EventId = 309, Level = LogLevel.Error, Message = "session {Session}: {Agent} can't be heard any more")]
    public static partial void Unheard(ILogger logger, Guid session, string agent, Exception error);

    [LoggerMessage(EventId = 310, Level = LogLevel.Error,
        Message = "session {Session}: approval {Approval} could not be closed; it is tried again")]
    public static partial void NotClosed(ILogger logger, Guid session, Guid approval, Exception error);

    [LoggerMessage(EventId = 312, Level = LogLevel.Warning,
        Message = "session {Session} is deleted, but not all of it: {Why}. The rest is deleted when the machine starts next")]
    public static partial void NotDeleted(ILogger logger, Guid session, string why);

    [LoggerMessage(EventId = 311, Level = LogLevel.Error, Message = "session {Session}: a step failed that nothing depends on")]
    public static partial void StepSkipped(ILogger logger, Guid session, Exception error);
}
