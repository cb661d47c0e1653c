using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Machine.Sessions.Marks;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// What the parts of one session share: who it is, its record and running turn, and how a step of it is written or tried again. State is
/// changed on the mailbox only; <see cref="Turn"/> may be read from any thread.
/// </summary>
internal sealed class SessionContext(
    SessionServices services, IAgentDriver driver, string directory, SessionRecord record, SessionStream stream)
{
    /// <summary>How long to wait before something that could not be written is tried again.</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private const int LongestReason = 300;

    private TurnInfo? _turn;
    private string? _activity;

    public Guid SessionId { get; } = record.SessionId;

    public SessionServices Services => services;

    public Store Store => services.Store;

    public IAgentDriver Driver => driver;

    /// <summary>The project's folder.</summary>
    public string Directory => directory;

    /// <summary>Where agent and commands begin: the project's folder or one beneath it. Fixed with the session; not looked at.</summary>
    public string WorkingDirectory { get; } = record.Folder is null ? directory : Path.Combine(directory, record.Folder);

    /// <summary>Why nothing may begin in the session's folder now; null: it is there, and no link leads to it.</summary>
    public string? FolderProblem
    {
        get
        {
            try
            {
                RequireFolder();
                return null;
            }
            catch (RequestFailure e)
            {
                return e.Message;
            }
        }
    }

    public SessionStream Stream => stream;

    public SessionMailbox Mailbox { get; } = new(record.SessionId, services.Logger);

    /// <summary>Who calls the running turn's tools.</summary>
    public SubAgents SubAgents { get; } = new();

    /// <summary>The text that the session shows as it is written.</summary>
    public LiveText Live { get; } = new(services.Store, record.SessionId, stream, services.Time, services.Logger);

    /// <summary>The session as it stands in its table.</summary>
    public SessionRecord Record { get; private set; } = record;

    /// <summary>The turn that runs; null: none. Readable from any thread.</summary>
    public TurnInfo? Turn
    {
        get => Volatile.Read(ref _turn);
        private set => Volatile.Write(ref _turn, value);
    }

    /// <summary>The turn that runs is being stopped.</summary>
    public bool Cancelling { get; private set; }

    /// <summary>The agent's name for the end of the turn that just ended: a copy can go on from there.</summary>
    public string? EndMark { get; set; }

    /// <summary>The session ends: nothing begins any more.</summary>
    public bool Stopping { get; private set; }

    /// <summary>What the running turn does, in words for people.</summary>
    public string? Activity
    {
        get => _activity;
        set
        {
            ActivitySince = value is null ? null : value == _activity ? ActivitySince : Store.Now;
            _activity = value;
        }
    }

    /// <summary>Since when it does that.</summary>
    public DateTimeOffset? ActivitySince { get; private set; }

    /// <summary>The end of what the agent said last, without secrets; null: nothing since the machine started.</summary>
    public string? LastLine { get; set; }

    /// <summary>What the session's edits changed; null: nothing.</summary>
    public SessionChanges? Changes { get; set; }

    /// <summary>The tools of ours that the agent gets: none when it runs its own without a sandbox.</summary>
    public IReadOnlyList<HostTool> HostTools => Record.Sandbox == SandboxKind.None ? [] : HostToolSet.For(driver.Description);

    /// <summary>A terminal goes on with the conversation: nothing is started here that would write it too.</summary>
    public bool IsInTerminal => services.Locks.Has(SessionId);

    /// <summary>A turn begins, as its change recorded it.</summary>
    public void BeginTurn(TurnInfo turn, SessionRecord record)
        => (Turn, Record, Cancelling, Activity, EndMark) = (turn, record, false, "starting", null);

    /// <summary>The running turn as it was just written.</summary>
    public void Replace(TurnInfo turn) => Turn = turn;

    /// <summary>The session as it was just written.</summary>
    public void Replace(SessionRecord record) => Record = record;

    /// <summary>The running turn is being stopped from now on.</summary>
    public void CancelTurn() => Cancelling = true;

    /// <summary>No turn runs any more.</summary>
    public void EndTurn() => (Turn, Activity) = (null, null);

    /// <summary>Nothing begins any more.</summary>
    public void Stop() => Stopping = true;

    /// <inheritdoc cref="SessionFolder.Require"/>
    public string RequireFolder() => SessionFolder.Require(directory, Record.Folder, services.Closed);

    /// <summary>What a digest of this session's covers, with the folder that the session works in when that is not the root.</summary>
    public IReadOnlyDictionary<string, string> Here(IReadOnlyDictionary<string, string> covers)
        => Record.Folder is null ? covers : covers.With("directory", WorkingDirectory);

    /// <summary>For tests: a named step of a decision, which may throw.</summary>
    public void Seam(string step) => services.Seam(step);

    public async Task WriteAsync(AgentEventPayload payload) => await Store.WriteAsync(change => change.Event(SessionId, payload));

    public async Task SaveAsync(Func<SessionRecord, SessionRecord> edit)
        => Record = await Store.WriteAsync(change => SessionRows.Update(change, edit(Record)));

    /// <summary>Saves the person's marks, and the session when it changes too, as one.</summary>
    public async Task SaveAsync(SessionMarks marks, bool isChange, Func<SessionRecord, SessionRecord> edit)
        => Record = await Store.WriteAsync(change =>
        {
            if (marks != Record.Marks)
            {
                MarkRows.Save(change, SessionId, marks);
            }

            return (isChange ? SessionRows.Update(change, edit(Record)) : Record) with { Marks = marks };
        });

    /// <summary>A line of the machine's own in the transcript.</summary>
    public async Task NoteAsync(NoticeLevel level, string text)
        => await Store.WriteAsync(
            change => change.Event(SessionId, new NoticeEvent(level, text) { At = change.Now, TurnId = Turn?.TurnId }));

    /// <summary>An exception in words for people and agents: one line, bounded, without secrets.</summary>
    public string Words(Exception error)
    {
        var line = ShortText.OneLine(services.Secrets.Redactor.Redact(error.Message));
        return $"an error inside PocketCoder ({(line.Length > LongestReason ? line[..LongestReason] : line)})";
    }

    public void LogUnlessForeseen(Exception error)
    {
        if (error is not (AgentException or IOException or LedgerException or RequestFailure or OperationCanceledException))
        {
            SessionLog.StepFailed(services.Logger, SessionId, error);
        }
    }

    /// <summary>Whether a failed write may succeed later: the disk is full, or can't be written just now. Nothing of it was kept.</summary>
    public static bool Passes(LedgerException e) => WriteHealth.Passes(e);

    /// <summary>For a write that nothing depends on: when the ledger can't be written, the log says so, and the step goes on.</summary>
    public async Task UnlessFullAsync(Task write)
    {
        try
        {
            await write;
        }
        catch (LedgerException e) when (Passes(e))
        {
            SessionLog.CannotRecord(services.Logger, SessionId, e.Message);
        }
    }

    /// <summary>For a step that nothing depends on: the log says that it failed.</summary>
    public async Task UnlessFailedAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (LedgerException e) when (Passes(e))
        {
            SessionLog.CannotRecord(services.Logger, SessionId, e.Message);
        }
        catch (Exception e)
        {
            SessionLog.StepSkipped(services.Logger, SessionId, e);
        }
    }

    /// <summary>Does a step again a little later, because the ledger could not be written.</summary>
    public void TryAgain(Func<Task> step, LedgerException why)
    {
        SessionLog.CannotRecord(services.Logger, SessionId, why.Message);
        Activity = "waiting: the machine can't write its ledger";
        if (!Stopping)
        {
            AgainAsync().Observed(services.Logger, "trying a step again");
        }

        async Task AgainAsync()
        {
            await Task.Delay(RetryAfter, services.Time);
            Mailbox.Later(step);
        }
    }
}
