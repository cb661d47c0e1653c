using PocketCoder.Agents;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Jobs;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Commands of a gated agent: asked, decided, recorded, and run by us with exactly the approved bytes. From the call to the recorded end,
/// in this order: asked (<see cref="CallAsync"/>), allowed (<see cref="BeginAsync"/>), looked at once more and its row written
/// (<see cref="BeginGuardedAsync"/>), begun (<see cref="SpawnAsync"/>), over (<see cref="EndedAsync"/>), recorded
/// (<see cref="RecordEndedAsync"/>), told (<see cref="TellEndAsync"/>). On the mailbox only.
/// </summary>
internal sealed class CommandTool(
    SessionContext session, AgentHost host, ToolGate gate, ToolCalls calls, SnapshotCover cover, CommandGuards guards,
    ApprovalCloser closer, HostAllowances hosts, JobTool jobs)
{
    /// <summary>How long a command that is ended may take to be gone, before its outcome is recorded as unknown.</summary>
    public static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    /// <summary>By the agent's request: what runs for it.</summary>
    private readonly Dictionary<string, Running> _commands = new(StringComparer.Ordinal);

    /// <summary>Commands that are over and not recorded yet, by approval: at most as many as ran at once.</summary>
    private readonly Dictionary<Guid, (string ToolUseId, ExecutionResult Result, Guid? Turn)> _ended = [];

    /// <summary>By approval: what the agent is told of an end that could not be recorded. Until the turn ends.</summary>
    private readonly Dictionary<Guid, string> _notRecorded = [];

    /// <summary>A call of bash, understood.</summary>
    /// <param name="As">What is shown, decided on and digested.</param>
    /// <param name="Pins">What the command meant when it was asked.</param>
    private sealed record Request(CommandTool Tool, AgentHostCall Call, BashTool Bash, AgentApprovalAsked As, CommandPins Pins)
        : AgentRequest(Call.RequestId, Call.ToolUseId)
    {
        public override bool IsOurTool => true;

        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision) => Tool.BeginAsync(this, approval);
    }

    private sealed record Running(Request Command, Guid ApprovalId, Execution Execution, LiveSource Output);

    public bool IsBusy => _commands.Count > 0;

    /// <summary>What runs, by the agent's request.</summary>
    public IEnumerable<(string RequestId, string Command)> Commands => _commands.Select(c => (c.Key, c.Value.Command.Bash.Command));

    private SandboxWanted Wanted => new(session.SessionId, session.Record.ProjectId, session.Record.Sandbox, session.Directory);

    /// <summary>The agent calls bash: understood, pinned to the folder and files that it depends on, and asked.</summary>
    public async Task CallAsync(AgentHostCall call)
    {
        if (BashTool.Parse(call.InputJson, out var refusal) is not { } bash
            || FolderOf(bash, out refusal) is not { } folder)
        {
            await gate.RefuseCallAsync(call, refusal);
            return;
        }

        if (bash.Background && jobs.TooMany is { } many)
        {
            await gate.RefuseCallAsync(call, many);
            return;
        }

        var pins = CommandPins.Take(session.Directory, folder, bash.Command, CommandPins.NoEnvironment);
        var asked = new AgentApprovalAsked(call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Command(bash.Command, folder),
            call.InputJson)
        { Reason = bash.Why };
        await gate.AskAsync(new Request(this, call, bash, asked, pins), (turn, around) => Draft(bash, asked, pins, turn, around));
    }

    private ApprovalDraft Draft(BashTool bash, AgentApprovalAsked asked, CommandPins pins, Guid turn, RiskSurroundings around)
    {
        var draft = ToolDrafts.Of(session, asked, pins, turn, around);
        return draft with
        {
            Subject = ((CommandSubject)draft.Subject) with
            { Stdin = bash.Stdin, Background = bash.Background, TimeLimitMs = (long?)bash.TimeLimit?.TotalMilliseconds },
        };
    }

    /// <summary>
    /// It was allowed: looked at what it leaves from now on, then begun. Gives an answer unless it runs in the foreground: then its result
    /// is the answer.
    /// </summary>
    private async Task<AgentAnswer?> BeginAsync(Request command, ApprovalInfo approval)
    {
        GuardedRun? guard;
        try
        {
            session.Seam("guard");
            guard = await guards.BeginAsync(
                approval, () => session.Mailbox.Later(() => StopPlantedAsync(command.Call.RequestId, approval.ApprovalId)));
        }
        catch (IOException e)
        {
            await session.Services.Approvals.RefuseAsync(approval.ApprovalId, $"the project can't be read: {e.Message}");
            return new AgentAnswer.Deny($"Not done: the project can't be read. {e.Message} Tell the user.");
        }

        var guarded = false;
        try
        {
            return await BeginGuardedAsync(command, approval, guard, () => guarded = true);
        }
        finally
        {
            if (!guarded && guard is not null)
            {
                await guard.CancelAsync();
            }
        }
    }

    /// <summary>
    /// The last look, the row that it begins, and the beginning. Gives an answer unless it runs in the foreground: then its result is the
    /// answer.
    /// </summary>
    private async Task<AgentAnswer?> BeginGuardedAsync(Request command, ApprovalInfo approval, GuardedRun? guard, Action guarded)
    {
        ISandbox sandbox;
        try
        {
            session.Seam("sandbox");
            sandbox = await session.Services.Sandboxes.GetAsync(
                Wanted with { Open = Protection.Touches(approval.Subject, approval.Risk, session.Directory) }, CancellationToken.None);
        }
        catch (SandboxException e)
        {
            await session.Services.Approvals.RefuseAsync(approval.ApprovalId, $"there is no sandbox: {e.Message}");
            return new AgentAnswer.Deny($"Not done: the sandbox could not be created. {e.Message} Tell the user.");
        }

        // Nothing that takes its time stands between this look and the beginning.
        session.Seam("look");
        string? name = null;
        AgentAnswer.Deny? withdrawn = null;
        var beginning = await session.Services.Approvals.BeginAsync(
            approval.ApprovalId, () => Task.FromResult(DriftOf(command, approval)), StartAsync);
        return beginning.Begun ? await SpawnAsync(command, approval, sandbox, name, guard, guarded)
            : withdrawn ?? await gate.NotBegunAsync(approval, beginning);

        async Task<bool> StartAsync()
        {
            if (gate.IsVoid(command.Call.RequestId))
            {
                withdrawn = new AgentAnswer.Deny("The turn was stopped.");
                await session.Services.Approvals.WithdrawAsync(approval.ApprovalId, "the agent no longer waits");
                return false;
            }

            if (command.Bash.Background && jobs.TooMany is { } many)
            {
                withdrawn = new AgentAnswer.Deny($"Not done: {many}");
                await session.Services.Approvals.WithdrawAsync(approval.ApprovalId, "too many jobs");
                return false;
            }

            return await cover.BeginAsync(
                approval,
                command.Bash.Background ? async snapshot =>
                    (name = await session.Services.Approvals.StartJobAsync(approval.ApprovalId, snapshot)) is not null : null);
        }
    }

    /// <summary>Is what would run still what was decided on? Returns what differs, or null.</summary>
    private string? DriftOf(Request command, ApprovalInfo approval)
    {
        if (!ApprovalDigest.Fits(approval, ToolDrafts.Exactly(session, command.As, command.Pins)))
        {
            return "what would run is not what was approved";
        }

        if (cover.WhyUncovered(approval) is { } uncovered)
        {
            return uncovered;
        }

        return FolderOf(command.Bash, out _) is { } folder
            ? command.Pins.Differs(CommandPins.Take(session.Directory, folder, command.Bash.Command, CommandPins.NoEnvironment))
            : "the folder it was to run in is gone";
    }

    /// <summary>Where a command begins, by its real path: the session's folder, or what the call names from there.</summary>
    private string? FolderOf(BashTool bash, out string refusal)
    {
        if (session.Record.Folder is null)
        {
            return CommandFolder.Resolve(session.Directory, bash.Folder, out refusal);
        }

        refusal = session.FolderProblem ?? "";
        return refusal.Length > 0 ? null
            : CommandFolder.Resolve(session.Directory, Path.Combine(session.WorkingDirectory, bash.Folder ?? ""), out refusal);
    }

    private async Task<AgentAnswer?> SpawnAsync(
        Request command, ApprovalInfo approval, ISandbox sandbox, string? job, GuardedRun? guard, Action guarded)
    {
        var tool = command.Call.ToolUseId;
        var turn = session.Turn?.TurnId;
        var folder = command.Pins.Folder;
        var environment = approval.Risk is { Tier: RiskTier.Read }
            ? GitEnvironment.With(GitEnvironment.Reading, CommandPins.NoEnvironment)
            : CommandPins.NoEnvironment;
        Execution? begun = null;
        var start = new ExecutionStart(command.Bash, folder == session.Directory ? null : folder, environment, approval.ApprovalId,
            session.SessionId, session.Services.OutputLimit, guard);
        try
        {
            var shown = new LiveRedaction(session.Services.Secrets.Redactor);
            var output = new LiveSource();
            Action<string>? live = job is null ? text => session.Live.Append(output, turn, tool, DeltaKind.Output, shown.Next(text), null)
                : null;
            session.Seam("spawn");
            var execution = begun = await Execution.StartAsync(sandbox, start, session.Services.Archive, live, CancellationToken.None);
            guarded();
            session.Seam("spawned");
            if (job is not null)
            {
                return jobs.Begin(new Job(job, approval.ApprovalId, command.Bash.Command, folder, session.Store.Now, execution));
            }

            _commands[command.Call.RequestId] = new Running(command, approval.ApprovalId, execution, output);
            calls.Start(tool, approval.ApprovalId, ToolKind.Execute);
            WatchAsync(command.Call.RequestId, execution).Observed(session.Services.Logger, "waiting for a command");
            return null;
        }
        catch (SandboxException e)
        {
            await RecordAsync(approval.ApprovalId, tool, ExecutionResult.Lost(e.Message));
            return new AgentAnswer.HostResult(WithNote(approval.ApprovalId, $"It could not be started: {e.Message}"), IsError: true);
        }
        catch (Exception) when (begun is not null && !_commands.ContainsKey(command.Call.RequestId)
            && jobs.Running.All(j => j.Execution != begun))
        {
            await EndBegunAsync(approval.ApprovalId, tool, begun); // nobody would wait for its end
            throw;
        }
    }

    private async Task WatchAsync(string requestId, Execution execution)
    {
        await execution.Completed;
        session.Mailbox.Later(() => EndedAsync(requestId));
    }

    private async Task EndedAsync(string requestId)
    {
        if (!_commands.Remove(requestId, out var running))
        {
            return;
        }

        hosts.Release(requestId);
        session.Live.Close(running.Output);
        var result = await running.Execution.Completed;
        AddEnded(running.ApprovalId, running.Command.Call.ToolUseId, result);
        await TellEndAsync(requestId, running.ApprovalId, result);
    }

    /// <summary>
    /// Records the commands that are over. What can't be recorded just now stays for the next time; what never can be is closed as unknown
    /// at once, with a note for the agent.
    /// </summary>
    /// <exception cref="LedgerException">The ledger can't be written just now.</exception>
    public async Task RecordEndedAsync()
    {
        foreach (var (approvalId, (toolUseId, result, turn)) in _ended.ToList())
        {
            Exception? failed = null;
            try
            {
                session.Seam("ended");
                await session.Store.WriteAsync(change =>
                {
                    ApprovalSteps.Finish(change, approvalId, EventTranslator.Finished(result));
                    guards.Record(change, approvalId, result.Guard);
                    session.Live.SetResult(change,
                        EventTranslator.ToolResult(new AgentToolResult(toolUseId, result.Failed, ""), result, change.Now, turn));
                });
            }
            catch (Exception e) when (e is not LedgerException failure || !SessionContext.Passes(failure))
            {
                failed = e; // trying again changes nothing, and those after it are not held up
            }

            _ended.Remove(approvalId);
            cover.End(approvalId, result.Guard);
            if (failed is not null)
            {
                _notRecorded[approvalId] = await closer.CloseUnrecordedAsync(approvalId, failed);
            }
        }
    }

    /// <summary>
    /// The agent learns how a command ended once that is recorded, however long it can't be; and at once when it never can be.
    /// </summary>
    private async Task TellEndAsync(string requestId, Guid approvalId, ExecutionResult result)
    {
        try
        {
            await RecordEndedAsync();
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            session.TryAgain(() => TellEndAsync(requestId, approvalId, result), e);
            return;
        }

        await host.TellAsync(requestId, new AgentAnswer.HostResult(WithNote(approvalId, result.ForAgent()), IsError: false));
    }

    /// <summary>A text for the agent, with the note that how it ended could not be recorded, when that is so.</summary>
    private string WithNote(Guid approvalId, string text) => _notRecorded.Remove(approvalId, out var note) ? $"{text}\n[{note}]" : text;

    /// <summary>Nobody waits for it any more: it ends, and how it ended is recorded.</summary>
    public async Task StopAsync(string requestId)
    {
        if (!_commands.Remove(requestId, out var running))
        {
            return;
        }

        hosts.Release(requestId);
        session.Live.Close(running.Output);
        try
        {
            await running.Execution.KillAsync().WaitAsync(EndLimit, session.Services.Time);
            await RecordAsync(running.ApprovalId, running.Command.Call.ToolUseId,
                await running.Execution.Completed.WaitAsync(EndLimit, session.Services.Time));
        }
        catch (TimeoutException)
        {
            SessionLog.CannotRecord(session.Services.Logger, session.SessionId, "a command could not be ended; its outcome is unknown");
        }
        catch (LedgerException e) when (SessionContext.Passes(e))
        {
            // the end of the turn waits for it; stopping does not
            SessionLog.CannotRecord(session.Services.Logger, session.SessionId, e.Message);
        }
        catch (Exception e)
        {
            _ended.Remove(running.ApprovalId);
            cover.LeaveToTurn(running.ApprovalId);
            await closer.CloseUnrecordedAsync(running.ApprovalId, e); // the stop, or the turn's end, goes on
        }
    }

    public async Task StopAllAsync()
    {
        foreach (var requestId in _commands.Keys.ToList())
        {
            await StopAsync(requestId);
        }
    }

    /// <summary>The turn is over: nobody asks how its commands ended.</summary>
    public void EndTurn() => _notRecorded.Clear();

    /// <summary>Something was planted while it ran: it ends.</summary>
    private Task StopPlantedAsync(string requestId, Guid approvalId)
    {
        var execution = _commands.GetValueOrDefault(requestId)?.Execution
            ?? jobs.Running.FirstOrDefault(j => j.ApprovalId == approvalId)?.Execution;
        execution?.KillAsync().Observed(session.Services.Logger, "ending a command"); // its end is heard as any other's
        return Task.CompletedTask;
    }

    private Task RecordAsync(Guid approvalId, string toolUseId, ExecutionResult result)
    {
        AddEnded(approvalId, toolUseId, result);
        return RecordEndedAsync();
    }

    private void AddEnded(Guid approvalId, string toolUseId, ExecutionResult result)
    {
        _ended[approvalId] = (toolUseId, result, session.Turn?.TurnId);
        calls.SetResult(toolUseId, result);
    }

    /// <summary>It runs and belongs to nothing that would wait for it.</summary>
    private async Task EndBegunAsync(Guid approvalId, string tool, Execution begun)
    {
        await session.UnlessFailedAsync(async () =>
        {
            await begun.KillAsync().WaitAsync(EndLimit, session.Services.Time);
            await RecordAsync(approvalId, tool, await begun.Completed.WaitAsync(EndLimit, session.Services.Time));
        });
    }
}
