namespace PocketCoder.Machine.Sessions.Watching;

/// <summary>How long a turn may go on without getting anywhere. What is over a limit is stopped, with that reason.</summary>
public sealed record TurnLimits
{
    public static TurnLimits Default { get; } = new();

    /// <summary>
    /// Without any sign of life from the agent; time that a person or a command of ours takes does not count. 1 s to 24 h.
    /// </summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>The whole turn, less what it waited for a person. Null: as long as it likes, while it shows life. 1 s or more.</summary>
    public TimeSpan? Turn { get; init; }

    /// <summary>So many tries of one request to the models' provider. 1 to 1,000.</summary>
    public int Retries { get; init; } = 10;

    /// <summary>Trying one request for so long. 1 s to 24 h.</summary>
    public TimeSpan RetryTime { get; init; } = TimeSpan.FromMinutes(15);
}
