using PocketCoder.Agents;
using PocketCoder.Hands;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Secrets;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that runs commands for a gated agent: asked, decided, recorded, and run by us with exactly the approved bytes.</summary>
internal sealed partial class SessionActor
{
    /// <summary>How long a command that is ended may take to be gone, before its outcome is recorded as unknown.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(10);

    /// <summary>By the agent's request: what runs for it. Only touched on the mailbox.</summary>
    private readonly Dictionary<string, RunningCommand> _commands = new(StringComparer.Ordinal);

    /// <summary>A call of our shell, understood. <paramref name="As"/> is what is shown, decided on and digested.</summary>
    private sealed record HostCommand(AgentHostCall Call, BashTool Bash, AgentApprovalAsked As) : AgentEvent;

    private HandsWanted HandsWanted => new(_record.SessionId, _record.ProjectId, _record.Sandbox, _directory);

    private sealed record RunningCommand(HostCommand Command, Guid ApprovalId, Execution Execution);

    private async Task HostCallAsync(AgentHostCall call)
    {
        if (call.ToolName != BashTool.Name || BashTool.Parse(call.InputJson, out var refusal) is not { } bash)
        {
            await TellAgentAsync(call.RequestId, new AgentAnswer.HostResult(call.ToolName == BashTool.Name ? RefusalOf(call) : "There is no such tool.", IsError: true));
            return;
        }

        var asked = new AgentApprovalAsked(call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Command(bash.Command, _directory), call.InputJson) { Reason = bash.Why };
        await AskAsync(call.RequestId, new HostCommand(call, bash, asked), turn => EventTranslator.Approval(asked, _record, turn, _directory));

        static string RefusalOf(AgentHostCall call)
        {
            _ = BashTool.Parse(call.InputJson, out var why);
            return why;
        }
    }

    /// <summary>The last look, the row that it begins, and the beginning. Gives an answer only when it does not begin.</summary>
    private async Task<AgentAnswer?> BeginCommandAsync(HostCommand command, ApprovalInfo approval)
    {
        if (await DriftAsync(command.As, approval) is { } drift)
        {
            await _services.Approvals.RefuseAsync(approval.ApprovalId, drift);
            return new AgentAnswer.Deny($"Not done: {drift}. Look at the current state and ask again.");
        }

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

        if (!await BeginAsync(approval))
        {
            return new AgentAnswer.Deny("It is no longer allowed.");
        }

        var tool = command.Call.ToolUseId;
        var turn = _turn?.TurnId;
        try
        {
            var shown = new LiveRedaction(_services.Secrets.Redactor);
            var execution = await Execution.StartAsync(
                sandbox, command.Bash, approval.ApprovalId.ToString("D"), text => _stream.Append(turn, tool, DeltaKind.Output, shown.Next(text), null), CancellationToken.None);
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
