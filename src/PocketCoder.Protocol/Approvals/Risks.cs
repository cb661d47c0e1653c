using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>What an action would do, as far as it can be told before it is done. It informs; it is neither the sandbox nor the decision.</summary>
/// <param name="Understood">Every part was found and its effects are known. When false the tier is never <see cref="RiskTier.Read"/>.</param>
/// <param name="Reversible">Nothing changes but files of the project, and none of them is deleted.</param>
/// <param name="Consequences">In the order of the command, without repetition; bounded.</param>
public sealed record RiskInfo(RiskTier Tier, bool Understood, bool Reversible, IReadOnlyList<Consequence> Consequences);

/// <summary>How far an action goes. The order is the order of caution.</summary>
[JsonConverter(typeof(LowerSnake<RiskTier>))]
public enum RiskTier
{
    /// <summary>Looks and changes nothing. Only ever given to what is understood completely.</summary>
    Read,

    /// <summary>Changes files of the workspace (or temporary ones), or runs the project's own build and tests.</summary>
    WorkspaceWrite,

    /// <summary>Reaches another machine, shows a secret to the agent, or does what can't be known beforehand.</summary>
    ReachesOut,

    /// <summary>Deletes, overwrites for good, gains rights, or changes something outside of the workspace.</summary>
    Destructive,
}

/// <summary>What a <see cref="Consequence"/> is about.</summary>
[JsonConverter(typeof(LowerSnake<ConsequenceKind>))]
public enum ConsequenceKind
{
    ReadsPath,

    /// <summary>A file that holds keys or passwords is read; what an agent reads, its model provider sees.</summary>
    ReadsSecret,
    WritesPath,
    DeletesPath,

    /// <summary>Owner or mode of files change.</summary>
    ChangesRights,
    ReachesHost,

    /// <summary>Runs with the rights of somebody else, usually root.</summary>
    Privilege,

    /// <summary>Stops or signals other processes.</summary>
    Process,

    /// <summary>Changes the system: services, disks, scheduled jobs, containers, accounts.</summary>
    System,

    /// <summary>Changes the repository's history or branches.</summary>
    Repository,

    /// <summary>Runs code that this analysis can't see into: scripts, builds, downloaded programs.</summary>
    RunsCode,

    /// <summary>Writes a file that another program runs or obeys later: hooks, agent settings, tasks, CI.</summary>
    RunsLater,

    /// <summary>Changes what other words of the command mean: PATH, LD_PRELOAD, IFS and their like.</summary>
    ChangesMeaning,

    /// <summary>The text holds characters that don't show or look like others.</summary>
    HiddenText,

    /// <summary>No snapshot of the project can be taken, so it can't be undone.</summary>
    NotUndoable,

    /// <summary>Something that can't be known before it runs.</summary>
    Unknown,
}

/// <summary>One thing that an action does.</summary>
/// <param name="Subject">The path, host, program or name it is about; untrusted text as it is, so escape it for display.</param>
/// <param name="Sentence">Plain English, made from the subject, with control and invisible characters already shown as <c>\u{…}</c>.</param>
public sealed record Consequence(ConsequenceKind Kind, string Subject, string Sentence);
