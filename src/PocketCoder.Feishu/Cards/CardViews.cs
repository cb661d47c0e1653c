namespace PocketCoder.Feishu.Cards;

public enum CardLanguage
{
    English,
    Chinese,
}

/// <summary>What every card needs.</summary>
/// <param name="Nonce">Comes back with each of its buttons; 1 to 64 letters, digits, and <c>_-.:</c>.</param>
/// <param name="App">Where the app is, for what a card can't do; https, or null.</param>
public sealed record CardContext(CardLanguage Language, string Nonce, Uri? App = null)
{
    /// <summary>What can't be done where the card is shown: it has no buttons for it.</summary>
    public IReadOnlyCollection<CardVerb> Without { get; init; } = [];
}

/// <summary>What a card shows. Ids are tokens of at most 64 characters; every other text is untrusted and may be anything.</summary>
public abstract record CardView;

/// <summary>How a turn, or a project by its newest turn, stands.</summary>
public enum CardState
{
    Idle,
    Created,
    Queued,
    Running,

    /// <summary>For an approval.</summary>
    Waiting,
    Complete,
    Failed,
    Stopped,
}

/// <param name="Value">Comes back when it is chosen; at most 200 characters, a folder 1,024.</param>
public sealed record CardOption(string Value, string Label);

/// <param name="Group">Whether a group belongs to it.</param>
public sealed record ProjectLine(
    string Id, string Name, string Agent, CardState State, bool Group = false, bool Hidden = false, bool Archived = false);

/// <summary>In the direct chat: the projects of a person.</summary>
/// <param name="Page">From 0; one that is not there is the last.</param>
public sealed record HomeView(IReadOnlyList<ProjectLine> Projects, int Page = 0) : CardView;

/// <param name="Error">What was wrong with the last try.</param>
/// <param name="Folders">Where it may be made; one is not asked for.</param>
/// <param name="Folder">Which of them is chosen.</param>
public sealed record NewProjectView(
    IReadOnlyList<CardOption> Agents, string? Agent = null, string? Name = null, string? Error = null,
    IReadOnlyList<CardOption>? Folders = null, string? Folder = null) : CardView;

/// <param name="DeleteAsked">The project that is deleted when it is said once more.</param>
public sealed record ManageView(IReadOnlyList<ProjectLine> Projects, string? DeleteAsked = null, int Page = 0) : CardView;

/// <summary>One project's settings.</summary>
public sealed record ProjectView(ProjectLine Project, string? DefaultFolder) : CardView;

/// <summary>In a project's group: where and how prompts run.</summary>
/// <param name="Locked">A turn runs or waits, so nothing of it can be changed.</param>
/// <param name="Session">The session that goes on; null: the next prompt begins one.</param>
public sealed record WorkspaceView(
    ProjectLine Project, string Folder, string? Model, string? Session, string? Turn, int Queue, bool Locked) : CardView;

/// <param name="Browsing">The folder that is looked at; null: the path is typed.</param>
/// <param name="Children">Each with its whole path as value.</param>
public sealed record FolderView(
    ProjectLine Project, string Current, string? Browsing, IReadOnlyList<CardOption> Children, string? Error = null) : CardView;

public enum FolderList
{
    Default,
    Presets,
    Recent,
}

/// <summary>Folders to choose from: the default one, presets, or the last used.</summary>
public sealed record FolderListView(ProjectLine Project, FolderList Kind, IReadOnlyList<string> Folders, string? Error = null) : CardView;

/// <param name="Name">A token of at most 60 characters.</param>
/// <param name="Options">Null: it is typed.</param>
public sealed record AgentSetting(string Name, string Label, string? Value, IReadOnlyList<CardOption>? Options = null);

/// <param name="Settings">At most <see cref="CardIntent.MostSettings"/> are shown.</param>
public sealed record AgentView(
    ProjectLine Project, IReadOnlyList<CardOption> Agents, string Agent, IReadOnlyList<CardOption> Models, string? Model,
    IReadOnlyList<AgentSetting> Settings, string? Error = null) : CardView;

/// <param name="Typed">Whether the id is typed.</param>
public sealed record SessionView(
    ProjectLine Project, string? Active, IReadOnlyList<CardOption> Sessions, bool Typed = false, string? Error = null) : CardView;

/// <summary>The form for a prompt.</summary>
public sealed record ComposerView(ProjectLine Project, string Folder, string? Prompt = null, string? Error = null) : CardView;

/// <summary>Tokens of a turn or a session.</summary>
public sealed record CardUsage(long Input, long Cached, long Output, long Reasoning);

/// <param name="Id">Of the waiting prompt.</param>
/// <param name="Position">From 1.</param>
/// <param name="Steerable">The running turn can take it.</param>
public sealed record QueuedPrompt(string Id, int Position, string? Blocking, bool Steerable);

/// <summary>A turn, live or ended.</summary>
/// <param name="Hint">What it does now, in a few words.</param>
/// <param name="Output">As the agent wrote it.</param>
/// <param name="Page">From 0; null: the last while it runs, the first when it ended.</param>
/// <param name="Reason">Why it waits or failed.</param>
/// <param name="Approvals">Those it waits for: the first three are shown.</param>
public sealed record TurnView(
    string Session, string Turn, CardState State, string Agent, string? Model, string Folder, string Output, int? Page = null,
    string? Hint = null, string? Reason = null, QueuedPrompt? Queued = null, CardUsage? Usage = null, CardUsage? SessionUsage = null,
    bool Steerable = false, bool Continuable = false, IReadOnlyList<string>? Approvals = null) : CardView;

public enum ApprovalForm
{
    Command,
    Diff,
    Host,
    Text,
}

public enum ApprovalTier
{
    Read,
    Write,
    Network,

    /// <summary>Can't be allowed from a card.</summary>
    Destructive,
}

public enum ApprovalOutcome
{
    Pending,
    Allowed,
    Rejected,
    Expired,

    /// <summary>The turn ended before anybody decided.</summary>
    Withdrawn,
}

/// <summary>Something that an agent asks for.</summary>
/// <param name="Kind">In the words of the machine.</param>
/// <param name="What">Shown exactly; when a card has no room for it, it can't be allowed there.</param>
/// <param name="Digest">Of what is decided: at least its first 16 hexadecimal digits are shown.</param>
/// <param name="Consequences">The first six are shown.</param>
/// <param name="DecidedBy">A name.</param>
/// <param name="NeedsApp">It takes more than yes or no, so it is allowed in the app only.</param>
public sealed record ApprovalView(
    string Approval, string Kind, ApprovalTier Tier, ApprovalForm Form, string What, string Sandbox, string Digest, DateTimeOffset Deadline,
    IReadOnlyList<string> Consequences, ApprovalOutcome Outcome = ApprovalOutcome.Pending, string? DecidedBy = null,
    bool NeedsApp = false) : CardView;

public sealed record HelpView : CardView;

/// <param name="Reference">To find it in the log; or null.</param>
public sealed record ErrorView(string Message, string? Reference = null) : CardView;

/// <param name="Facts">Name and value; the first 20 are shown.</param>
public sealed record StatusView(IReadOnlyList<CardOption> Facts) : CardView;

/// <param name="Rows">The first 20 are shown.</param>
public sealed record UsageView(IReadOnlyList<UsageRow> Rows) : CardView;

public sealed record UsageRow(string Name, CardUsage Usage);
