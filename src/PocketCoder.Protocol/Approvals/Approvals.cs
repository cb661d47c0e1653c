using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

[JsonConverter(typeof(LowerSnake<ApprovalKind>))]
public enum ApprovalKind
{
    /// <summary>Run a command line.</summary>
    Command,

    /// <summary>Change a file.</summary>
    Edit,

    /// <summary>Use another tool.</summary>
    Tool,
    Question,
    Plan,

    /// <summary>Write to the standard input of a job that runs.</summary>
    JobInput,

    /// <summary>Reach a host from inside of a sandbox.</summary>
    Network,

    /// <summary>A prompt that the agent has not seen yet.</summary>
    Prompt,

    /// <summary>Reach a file that looks like it holds secrets. A person asked, not an agent.</summary>
    File,

    /// <summary>Something of a repository's that leaves the machine or comes to it. A person asked, not an agent.</summary>
    Git,
}

[JsonConverter(typeof(LowerSnake<ApprovalState>))]
public enum ApprovalState
{
    Pending,

    /// <summary>Allowed and recorded; the agent has not been told yet, or has not begun.</summary>
    Allowed,
    Denied,

    /// <summary>Nobody decided in time, or the daemon restarted: denied.</summary>
    Expired,

    /// <summary>The agent no longer waits (interrupted, stopped).</summary>
    Withdrawn,
    Running,
    Finished,

    /// <summary>It was allowed and may have run; its outcome can't be known.</summary>
    Unknown,
}

/// <summary>How far an allowance reaches. Never wider than what the sheet said.</summary>
[JsonConverter(typeof(LowerSnake<DecisionScope>))]
public enum DecisionScope
{
    Once,

    /// <summary>The same thing again while this turn runs.</summary>
    Turn,

    /// <summary>The same thing again in this session.</summary>
    Session,

    /// <summary>For hosts only: a rule of the project, with an end.</summary>
    Project,
}

[JsonConverter(typeof(LowerSnake<DecisionVerdict>))]
public enum DecisionVerdict
{
    Allow,
    Deny,
}

/// <summary>
/// Something that waits for a person, or waited. <paramref name="Digest"/> is the SHA-256 (hex) of the exact thing; a decision must name
/// it.
/// </summary>
/// <param name="AgentSessionId">Null: a person asked for it in the project, see <paramref name="RequestedBy"/>; the machine does it itself
/// once it is allowed.</param>
/// <param name="TurnId">Empty: no turn asked.</param>
/// <param name="Agent"><c>person</c> when no agent asked.</param>
/// <param name="RequestedBy">The device that asked, by its name at that time; null: an agent did.</param>
/// <param name="RequestedById">The same by its id.</param>
/// <param name="Reach">In words: what an allowance for the turn or the session would cover.</param>
/// <param name="Reason">The agent's own words. Untrusted.</param>
/// <param name="Risk">For commands and edits; null for what is not assessed.</param>
/// <param name="Covers">All that the digest covers, by name; docs/protocol.md ("The digest") has the names and the formula. Null: asked by
/// a version before.</param>
/// <param name="NotDone">Why what was allowed did not begin (state <c>withdrawn</c> or <c>expired</c>): a clause without a full stop. May
/// name files of the project. Null: it began, or was never allowed.</param>
/// <param name="TwoPeople">Two people must allow it: the machine's two-person rule was on, and it may destroy something. A denial by one
/// counts.</param>
/// <param name="Agreed">Who of the two allowed it first; null: nobody yet, or one decides. It waits until a decision stands here.</param>
public sealed record ApprovalInfo(
    Guid ApprovalId,
    Guid? AgentSessionId,
    Guid TurnId,
    Guid ProjectId,
    string Agent,
    string? ToolUseId,
    ApprovalKind Kind,
    ApprovalState State,
    string Digest,
    ApprovalSubject Subject,
    string? Reason,
    string? Reach,
    SandboxKind Sandbox,
    DateTimeOffset RequestedAt,
    DateTimeOffset ExpiresAt,
    DecisionInfo? Decision,
    ExecutionInfo? Execution,
    RiskInfo? Risk = null,
    string? RequestedBy = null,
    string? RequestedById = null,
    IReadOnlyDictionary<string, string>? Covers = null,
    string? NotDone = null,
    bool TwoPeople = false,
    AgreementInfo? Agreed = null)
{
    /// <summary>The sub-agent that asks, by the name that the agent gave it; null: the agent itself, or nobody knows. Untrusted.</summary>
    public string? SubAgent { get; init; }
}

/// <summary>The first of two people allowed it.</summary>
/// <param name="DecisionId">Of that person's decision.</param>
/// <param name="Person">Who it was; <c>owner</c>: the owner.</param>
/// <param name="DeviceId">Null: at the machine's command line.</param>
/// <param name="By">The device's name, or <c>cli</c>.</param>
public sealed record AgreementInfo(Guid DecisionId, string Person, string? DeviceId, string By, DateTimeOffset At);

/// <param name="By">Device name, or why no device decided (<c>time-out</c>, <c>restart</c>, <c>grant</c>).</param>
public sealed record DecisionInfo(
    Guid DecisionId,
    DecisionVerdict Verdict,
    DecisionScope Scope,
    string? Reason,
    string? DeviceId,
    string By,
    DateTimeOffset At);

/// <param name="Undoable">A snapshot was taken before.</param>
/// <param name="Job">For a command in the background: what the session calls it (<c>job-1</c>). It goes on when the turn is over.</param>
/// <param name="Error">Why what the machine did itself failed, in a sentence. Untrusted: it may hold what a remote said.</param>
public sealed record ExecutionInfo(DateTimeOffset StartedAt, DateTimeOffset? FinishedAt, int? ExitCode, bool? Failed, bool Undoable = false,
    string? Job = null, string? Error = null);

/// <summary>The exact thing to decide on.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(CommandSubject), "command")]
[JsonDerivedType(typeof(EditSubject), "edit")]
[JsonDerivedType(typeof(ToolSubject), "tool")]
[JsonDerivedType(typeof(QuestionSubject), "question")]
[JsonDerivedType(typeof(PlanSubject), "plan")]
[JsonDerivedType(typeof(JobInputSubject), "job_input")]
[JsonDerivedType(typeof(NetworkSubject), "network")]
[JsonDerivedType(typeof(PromptSubject), "prompt")]
[JsonDerivedType(typeof(FileSubject), "file")]
[JsonDerivedType(typeof(GitSubject), "git")]
public abstract record ApprovalSubject;

/// <param name="Command">Every byte of the command line. Clients escape it for display and never shorten it.</param>
/// <param name="Input">The tool's whole exact input as JSON text.</param>
/// <param name="Stdin">What it gets on its standard input, exactly; null: nothing.</param>
/// <param name="Background">It becomes a job: it goes on when the turn is over.</param>
/// <param name="TimeLimitMs">After that it is ended; null: by whoever runs it.</param>
/// <param name="Scripts">The files whose code it runs, as far as they were found. When one changes before the command begins, it does not
/// begin.</param>
public sealed record CommandSubject(
    string Command,
    string Cwd,
    string Tool,
    string Input,
    string? Stdin = null,
    bool Background = false,
    long? TimeLimitMs = null,
    IReadOnlyList<ScriptInfo>? Scripts = null) : ApprovalSubject;

/// <summary>A file that a command runs as code.</summary>
/// <param name="Path">Absolute. Untrusted.</param>
/// <param name="Sha256">Of its content when it was asked; null: it is not held (outside of the project, not there yet, or too
/// large).</param>
public sealed record ScriptInfo(string Path, string? Sha256, long? Bytes);

/// <summary>What a job is to read on its standard input.</summary>
/// <param name="Command">The job's own command line.</param>
/// <param name="Text">Every byte of it, as UTF-8. Clients escape it for display and never shorten it.</param>
/// <param name="Close">Its input ends after that.</param>
public sealed record JobInputSubject(string Job, string Command, string Text, bool Close, string Tool, string Input) : ApprovalSubject;

/// <param name="Diff">From the file as it is to the file as it would be; null when the result can't be known beforehand (then
/// <paramref name="Input"/> is all there is).</param>
public sealed record EditSubject(string Path, bool Creates, FileDiff? Diff, string Tool, string Input) : ApprovalSubject;

public sealed record ToolSubject(string Tool, string Input) : ApprovalSubject;

public sealed record QuestionSubject(IReadOnlyList<Question> Questions) : ApprovalSubject;

public sealed record Question(string Text, string? Header, IReadOnlyList<QuestionOption> Options, bool MultiSelect);

public sealed record QuestionOption(string Label, string? Description);

/// <param name="Plan">Markdown. Untrusted.</param>
public sealed record PlanSubject(string Plan) : ApprovalSubject;

/// <param name="Text">What the agent gets when it is allowed, exactly.</param>
/// <param name="Attachments">The files that go with it.</param>
public sealed record PromptSubject(string Text, IReadOnlyList<AttachmentInfo>? Attachments = null) : ApprovalSubject;

[JsonConverter(typeof(LowerSnake<FileOperation>))]
public enum FileOperation
{
    Read,
    Write,
    Move,
    Delete,
}

/// <param name="Path">Relative to the project. Untrusted.</param>
/// <param name="To">Of a move: where to, relative to the project.</param>
/// <param name="Why">Why it is asked about, in a sentence.</param>
/// <param name="Bytes">How many are written; null for what writes none.</param>
/// <param name="Sha256">Of what is written (hex), and no other than that is; null for what writes none. The ledger's <c>file_changed</c>
/// row has the same.</param>
/// <param name="Diffs">What becomes of protected configuration, file by file; null or without a file where that is a secret, no text, or
/// too large.</param>
public sealed record FileSubject(
    FileOperation Operation, string Path, string Why, string? To = null, long? Bytes = null, string? Sha256 = null,
    IReadOnlyList<FileDiff>? Diffs = null) : ApprovalSubject;

[JsonConverter(typeof(LowerSnake<GitOperation>))]
public enum GitOperation
{
    Push,
    Fetch,
    Pull,

    /// <summary>Delete a branch or tag there.</summary>
    Delete,
}

/// <summary>What goes to or comes from another repository.</summary>
/// <param name="Remote">Its name in the repository. Untrusted.</param>
/// <param name="Url">Where it really goes, after every rewriting rule of the repository. Untrusted.</param>
/// <param name="Refs">What becomes of which of its refs; nothing else is sent.</param>
/// <param name="Commits">Of a push: those that the other side does not have as far as is known here, newest first, at most 50.</param>
/// <param name="MoreCommits">How many more there are.</param>
public sealed record GitSubject(GitOperation Operation, string Remote, string Url, IReadOnlyList<GitRefChange> Refs,
    IReadOnlyList<GitCommitLine> Commits, int MoreCommits = 0) : ApprovalSubject;

/// <param name="Name">In full, like <c>refs/heads/main</c>.</param>
/// <param name="Before">The object that it is known to name there; null: it is not known or is new.</param>
/// <param name="After">The object that it is to name; null: what the other side has, or none when <paramref name="Deletes"/>.</param>
/// <param name="Forces">It may lose commits there.</param>
public sealed record GitRefChange(string Name, string? Before, string? After, bool Forces = false, bool Deletes = false);

/// <param name="Subject">First line of the message. Untrusted.</param>
public sealed record GitCommitLine(string Id, string Subject, string Author, DateTimeOffset At);

/// <param name="Host">Lower case, without a final dot, never an address. The name that is looked up and connected to.</param>
/// <param name="Method"><c>CONNECT</c> for an encrypted tunnel; else the HTTP method of an unencrypted request.</param>
/// <param name="Commands">What of ours runs in the session meanwhile; which of them asks can't be known.</param>
public sealed record NetworkSubject(string Host, int Port, string Method, IReadOnlyList<string> Commands) : ApprovalSubject;

/// <summary>A line diff with three lines of context.</summary>
/// <param name="Complete">False when the files were too large to compare line by line and one hunk replaces all.</param>
public sealed record FileDiff(string Path, bool Creates, int Added, int Removed, IReadOnlyList<DiffHunk> Hunks, bool Complete);

public sealed record DiffHunk(int OldStart, int OldLines, int NewStart, int NewLines, IReadOnlyList<DiffLine> Lines);

[JsonConverter(typeof(LowerSnake<DiffLineKind>))]
public enum DiffLineKind
{
    Context,
    Add,
    Remove,
}

/// <param name="Text">Without the line end. Untrusted.</param>
/// <param name="NoNewline">The file ends after this line without a line end.</param>
public sealed record DiffLine(DiffLineKind Kind, string Text, bool NoNewline = false);

/// <summary>
/// A person's decision. The device signs
/// <c>pocketcoder-decision-v2\n{machineId}\n{approvalId}\n{decisionId}\n{digest}\n{verdict}\n{scope}\n{sha256 hex of reason}\n{sha256 hex
/// of answers}\n{interrupt: true|false}</c> where reason and answers are UTF-8 and empty when absent. Sending the same decision again is
/// harmless and gets the same answer.
/// </summary>
/// <param name="DecisionId">Client-made UUIDv7.</param>
/// <param name="Answers">For questions: JSON text of an object question → answer. For plans: the mode to go on in, or absent. For a
/// project's rule: its days, 1–365, or absent for 30.</param>
/// <param name="Interrupt">With a denial: also end the turn.</param>
[MessageType(MessageTypes.AgentPromptResponse)]
public sealed record DecisionRequest(
    Guid ApprovalId,
    Guid DecisionId,
    DecisionVerdict Verdict,
    DecisionScope Scope,
    string Digest,
    string Signature,
    string? Reason = null,
    string? Answers = null,
    bool Interrupt = false);

[MessageType(MessageTypes.AgentPromptResponse)]
public sealed record DecisionResponse(ApprovalInfo Approval);

/// <param name="Pending">Only those that wait; else the newest 200 of all.</param>
/// <param name="SameAs">Instead: the newest 10 of exactly the same thing as this approval, in its project, that a person decided on. None
/// where there is nothing that the machine would call the same (a file, a question).</param>
public sealed record ApprovalsListRequest(bool Pending = true, Guid? AgentSessionId = null, Guid? SameAs = null);

public sealed record ApprovalsListResponse(IReadOnlyList<ApprovalInfo> Approvals);
