namespace PocketCoder.Agents;

public enum AgentError
{
    /// <summary>The program is not on this machine.</summary>
    NotInstalled,

    /// <summary>The conversation is open in another process right now (a terminal, most likely): two writers would corrupt it.</summary>
    OpenElsewhere,

    /// <summary>The conversation to resume does not exist for this directory.</summary>
    NotFound,

    /// <summary>The program ended or spoke nonsense before it was ready.</summary>
    FailedToStart,

    /// <summary>The program did not answer in time.</summary>
    TimedOut,

    /// <summary>The program understood and said no (a mode or model it does not have).</summary>
    Refused,

    /// <summary>The program is gone; <see cref="AgentEnded"/> says why.</summary>
    Ended,
}

/// <summary>An agent could not do what was asked, and why, in words for people.</summary>
public sealed class AgentException(AgentError error, string message, Exception? inner = null) : Exception(message, inner)
{
    public AgentError Error { get; } = error;
}
