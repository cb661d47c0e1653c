using PocketCoder.Agents;
using PocketCoder.Hands;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Executions.Jobs;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that runs commands for a gated agent: asked, decided, recorded, and run by us with exactly the approved bytes.</summary>
internal sealed partial class SessionActor
{
    /// <summary>How long a command that is ended may take to be gone, before its outcome is recorded as unknown.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    /// <summary>By the agent's request: what runs for it. Only touched on the mailbox.</summary>
    private readonly Dictionary<string, RunningCommand> _commands = new(StringComparer.Ordinal);

    private HandsWanted HandsWanted => new(_record.SessionId, _record.ProjectId, _record.Sandbox, _directory);

    private sealed record RunningCommand(HostCommand Command, Guid ApprovalId, Execution Execution);

    private async Task BashCallAsync(AgentHostCall call)
    {
        if (BashTool.Parse(call.InputJson, out var refusal) is not { } bash || CommandFolder.Resolve(_directory, bash.Folder, out refusal) is not { } folder)
        {
            await RefuseCallAsync(call, refusal);
            return;
        }

        if (bash.Background && TooManyJobs is { } many)
        {
            await RefuseCallAsync(call, many);
            return;
        }

        var pins = CommandPins.Take(_directory, folder, bash.Command, await _services.Hands.EnvironmentAsync(_record.SessionId));
        var asked = new AgentApprovalAsked(call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Command(bash.Command, folder), call.InputJson) { Reason = bash.Why };
        await AskAsync(call.RequestId, new HostCommand(call, bash, asked, pins), turn => Draft(bash, asked, pins, turn));
    }

    private ApprovalDraft Draft(BashTool bash, AgentApprovalAsked asked, CommandPins pins, Guid turn)
    {
        var draft = EventTranslator.Approval(asked, _record, turn, _directory);
        return draft with
        {
            Subject = ((CommandSubject)draft.Subject) with
            {
                Stdin = bash.Stdin,
                Background = bash.Background,
                TimeLimitMs = (long?)bash.TimeLimit?.TotalMilliseconds,
                Scripts = pins.Scripts,
            },
            Digest = DigestOf(asked, pins.Digest),
            ReachKey = $"{draft.ReachKey}:{pins.MeaningDigest}",
        };
    }

    private string DigestOf(AgentApprovalAsked asked, string pins) => ApprovalDigest.Of(_record.Agent, _record.SessionId, _directory, asked, pins);

    /// <summary>The last look, the row that it begins, and the beginning. Gives an answer unless it runs in the foreground: then its result is the answer.</summary>
    private async Task<AgentAnswer?> BeginCommandAsync(HostCommand command, ApprovalInfo approval)
    {
        ISandbox sandbox;
        try
        {
            sandbox = await _services.Hands.GetAsync(HandsWanted with { Open = Protection.Touches(approval.Subject, approval.Risk, _directory) }, CancellationToken.None);
        }
        catch (SandboxException e)
        {
            await _services.Approvals.RefuseAsync(approval.ApprovalId, $"there is no sandbox: {e.Message}");
            return new AgentAnswer.Deny($"Not done: the sandbox could not be made. {e.Message} Tell the person.");
        }

        // Nothing that takes its time stands between this look and the beginning.
        var environment = await _services.Hands.EnvironmentAsync(_record.SessionId);
        if (DriftOf(command, approval, environment) is { } drift)
        {
            await _services.Approvals.RefuseAsync(approval.ApprovalId, drift);
            return new AgentAnswer.Deny($"Not done: {drift}. Look at the current state and ask again.");
        }

        if (IsVoid(command.Call.RequestId))
        {
            await _services.Approvals.WithdrawAsync(approval.ApprovalId, "the agent no longer waits");
            return new AgentAnswer.Deny("The turn was stopped.");
        }

        if (command.Bash.Background && TooManyJobs is { } many)
        {
            await _services.Approvals.WithdrawAsync(approval.ApprovalId, "too many jobs");
            return new AgentAnswer.Deny($"Not done: {many}");
        }

        string? name = null;
        if (!await BeginAsync(approval, command.Bash.Background ? async snapshot => (name = await _services.Approvals.StartJobAsync(approval.ApprovalId, snapshot)) is not null : null))
        {
            return new AgentAnswer.Deny("It is no longer allowed.");
        }

        return await SpawnAsync(command, approval, sandbox, environment, name);
    }

    private async Task<AgentAnswer?> SpawnAsync(HostCommand command, ApprovalInfo approval, ISandbox sandbox, IReadOnlyDictionary<string, string> environment, string? job)
    {
        var tool = command.Call.ToolUseId;
        var turn = _turn?.TurnId;
        var folder = command.Pins.Folder;
        var start = new ExecutionStart(command.Bash, folder == _directory ? null : folder, environment, approval.ApprovalId, _record.SessionId, _services.OutputLimit);
        try
        {
            var shown = new LiveRedaction(_services.Secrets.Redactor);
            Action<string>? live = job is null ? text => _stream.Append(turn, tool, DeltaKind.Output, shown.Next(text), null) : null;
            var execution = await Execution.StartAsync(sandbox, start, _services.Archive, live, CancellationToken.None);
            if (job is not null)
            {
                return BeginJob(new Job(job, approval.ApprovalId, command.Bash.Command, folder, Store.Now, execution));
            }

            _commands[command.Call.RequestId] = new RunningCommand(command, approval.ApprovalId, execution);
            _tools[tool] = (_tools.GetValueOrDefault(tool) ?? new RunningTool(0, null, ToolKind.Execute, null)) with { ApprovalId = approval.ApprovalId, StartedAt = _services.Time.GetTimestamp() };
            _ = WatchAsync(command.Call.RequestId, execution);
            return null;
        }
        catch (SandboxException e)
        {
            await RecordAsync(approval.ApprovalId, tool, ExecutionResult.Lost(e.Message));
            return new AgentAnswer.HostResult($"It could not be started: {e.Message}", IsError: true);
        }
    }

    /// <summary>Is what would run still what was decided on? Returns what differs, or null.</summary>
    private string? DriftOf(HostCommand command, ApprovalInfo approval, IReadOnlyDictionary<string, string> environment)
    {
        if (DigestOf(command.As, command.Pins.Digest) != approval.Digest)
        {
            return "what would run is not what was approved";
        }

        if (WhyUncovered(approval) is { } uncovered)
        {
            return uncovered;
        }

        return CommandFolder.Resolve(_directory, command.Bash.Folder, out _) is { } folder
            ? command.Pins.Differs(CommandPins.Take(_directory, folder, command.Bash.Command, environment))
            : "the folder it was to run in is gone";
    }

    private async Task WatchAsync(string requestId, Execution execution)
    {
        await execution.Completed;
        Later(() => CommandEndedAsync(requestId));
    }

    private async Task CommandEndedAsync(string requestId)
    {
        if (_commands.Remove(requestId, out var running))
        {
            ForgetHostsOf(requestId);
            var result = await running.Execution.Completed;
            await RecordAsync(running.ApprovalId, running.Command.Call.ToolUseId, result);
            await TellAgentAsync(requestId, new AgentAnswer.HostResult(result.ForAgent(), IsError: false));
        }
    }

    /// <summary>Nobody waits for it any more: it ends, and how it ended is recorded.</summary>
    private async Task StopExecutionAsync(string requestId)
    {
        _waits.Remove(requestId);
        if (!_commands.Remove(requestId, out var running))
        {
            return;
        }

        ForgetHostsOf(requestId);
        _stream.Drop(running.Command.Call.ToolUseId);
        try
        {
            await running.Execution.KillAsync().WaitAsync(EndLimit, _services.Time);
            await RecordAsync(running.ApprovalId, running.Command.Call.ToolUseId, await running.Execution.Completed.WaitAsync(EndLimit, _services.Time));
        }
        catch (TimeoutException)
        {
            Log.CannotRecord(_services.Logger, _record.SessionId, "a command could not be ended; its outcome is unknown");
        }
    }

    private async Task StopExecutionsAsync()
    {
        _waits.Clear();
        foreach (var requestId in _commands.Keys.ToList())
        {
            await StopExecutionAsync(requestId);
        }
    }

    private async Task RecordAsync(Guid approvalId, string toolUseId, ExecutionResult result)
    {
        _stream.Drop(toolUseId);
        if (_tools.GetValueOrDefault(toolUseId) is { } tool)
        {
            _tools[toolUseId] = tool with { Result = result };
        }

        await Store.WriteAsync(change => ApprovalDesk.Finish(change, approvalId, EventTranslator.Finished(result)));
        Covered(approvalId);
    }
}
