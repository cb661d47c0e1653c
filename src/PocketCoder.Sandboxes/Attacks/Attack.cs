namespace PocketCoder.Sandboxes;

/// <summary>One try to break out, or to do harm from inside.</summary>
/// <param name="Id">Stable, lower-case with dashes.</param>
/// <param name="Title">What is tried, for people.</param>
/// <param name="Defence">What is to stop it.</param>
public sealed record Attack(string Id, string Title, string Defence)
{
    /// <summary>Tries to reach an address beyond this machine.</summary>
    public bool ReachesOut { get; init; }

    /// <summary>Whether it is about something that is watched, which nobody does in an engine's container.</summary>
    internal bool NeedsWatch { get; init; }

    internal Func<AttackTargets, CancellationToken, Task<AttackResult>> Run { get; init; } = null!;
}

public enum AttackVerdict
{
    /// <summary>The defence held.</summary>
    Held,

    /// <summary>The attack got through.</summary>
    Broken,

    /// <summary>It could not be tried here; the detail says why. No statement about the defence.</summary>
    NotRun,
}

/// <param name="Detail">What was seen. May hold untrusted text: escape it where it is shown.</param>
public sealed record AttackResult(string Id, AttackVerdict Verdict, string Detail);
