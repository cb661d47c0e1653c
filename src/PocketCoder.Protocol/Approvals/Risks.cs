using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>
/// What an action would do, as far as it can be told before it is done. It informs; it is neither the sandbox nor the decision.
/// </summary>
/// <param name="Understood">Every part was found and its effects are known. When false the tier is never
/// <see cref="RiskTier.Read"/>.</param>
/// <param name="Reversible">Undo brings everything back: nothing changes but files of the project that the snapshot before it will
/// hold.</param>
/// <param name="Consequences">In the order of the command, without repetition; bounded.</param>
public sealed record RiskInfo(RiskTier Tier, bool Understood, bool Reversible, IReadOnlyList<Consequence> Consequences)
{
    /// <summary>
    /// What the parts of a command were taken for, in their order and without overlap; null when it could not be read. For looking at: the
    /// command itself is what is decided on.
    /// </summary>
    public IReadOnlyList<CommandMark>? Marks { get; init; }
}

/// <summary>A part of a command.</summary>
/// <param name="Start">UTF-16 units from the beginning of the command.</param>
/// <param name="Length">UTF-16 units, at least one.</param>
public sealed record CommandMark(MarkKind Kind, int Start, int Length);

/// <summary>What a part of a command was taken for. Where two fit, the later one is told.</summary>
[JsonConverter(typeof(LowerSnake<MarkKind>))]
public enum MarkKind
{
    Comment,

    /// <summary>The text of a here-document.</summary>
    Text,

    /// <summary><c>if</c>, <c>do</c>, <c>{</c> and their like.</summary>
    Keyword,

    /// <summary>What joins or nests commands: <c>&amp;&amp;</c>, <c>|</c>, <c>;</c>, <c>$(</c>.</summary>
    Operator,

    /// <summary>A variable that is used or set.</summary>
    Variable,

    /// <summary>A redirection with its target.</summary>
    Redirect,

    /// <summary>The program or builtin that starts here.</summary>
    Program,

    /// <summary>A file or folder that is read.</summary>
    Reads,

    /// <summary>Something whose code runs, or that another program obeys.</summary>
    Runs,

    /// <summary>A file or folder that is written, or whose rights change.</summary>
    Writes,

    /// <summary>Names a host that is reached.</summary>
    Host,

    /// <summary>What it does can't be known before it runs.</summary>
    Unclear,

    /// <summary>A file that holds keys or passwords.</summary>
    Secret,

    /// <summary>What is deleted.</summary>
    Deletes,
}

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
/// <param name="Sentence">Plain English, made from the subject, with control and invisible characters already shown as
/// <c>\u{…}</c>.</param>
public sealed record Consequence(ConsequenceKind Kind, string Subject, string Sentence);
