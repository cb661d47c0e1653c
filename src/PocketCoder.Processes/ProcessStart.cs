namespace PocketCoder.Processes;

/// <summary>What to run, exactly. Nothing is taken over from the daemon: no variable, no descriptor, no terminal.</summary>
public sealed record ProcessStart
{
    /// <summary>Absolute path, or a bare name looked up in <c>PATH</c> of <see cref="Environment"/>.</summary>
    public required string Program { get; init; }

    /// <summary>Passed as they are: no shell looks at them.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Absolute, existing.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The whole environment (plus <see cref="OwnedProcess.MarkVariable"/>). See <see cref="EnvironmentAllowList"/>.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>
    /// What finds it and what it started again, for a caller that writes it down before there is a process
    /// (<see cref="ProcessIdentity.ToCome"/>). Null: a new one.
    /// </summary>
    public string? Mark { get; init; }

    /// <summary>
    /// The mark of the process for which this one works: whoever ends that one ends this one too, and not the other way round, whichever
    /// began first. Null: it works for nobody.
    /// </summary>
    public string? Within { get; init; }
}

/// <summary>The process could not be started: program or directory missing, not executable, no more processes.</summary>
public sealed class ProcessStartException(string message, Exception? inner = null) : Exception(message, inner);
