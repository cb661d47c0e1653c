using System.Security.Cryptography;
using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions;

/// <summary>The tools of ours that a gated agent calls: which there are, and those that run no command.</summary>
internal sealed partial class SessionActor
{
    /// <summary>Withdrawn by the agent, though the mailbox has not come to it yet.</summary>
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> _withdrawn = new(StringComparer.Ordinal);

    private volatile int _endSeen = -1; // the agent's process (by generation) whose turn or life is over, though the mailbox has not come to it yet
    private volatile string? _stopAsked; // the turn that somebody wants stopped

    private IReadOnlyList<HostTool> HostTools => _record.Sandbox == SandboxKind.None ? [] : HostToolSet.For(_driver.Description);

    private Task HostCallAsync(AgentHostCall call)
    {
        if (_turn is null || _cancelling)
        {
            return TellAgentAsync(call.RequestId, new AgentAnswer.Deny("The turn was stopped."));
        }

        if (!HostTools.Any(t => t.Name == call.ToolName))
        {
            return RefuseCallAsync(call, "There is no such tool.");
        }

        return call.ToolName switch
        {
            BashTool.Name => BashCallAsync(call),
            JobTools.Output => JobOutputAsync(call),
            JobTools.List => JobListAsync(call),
            JobTools.Kill => JobKillAsync(call),
            JobTools.Input => JobInputAsync(call),
            SendFileTool.Name => SendFileAsync(call),
            AskTool.Name => AskPersonAsync(call),
            _ => RefuseCallAsync(call, "There is no such tool."),
        };
    }

    private Task RefuseCallAsync(AgentHostCall call, string why) => TellAgentAsync(call.RequestId, new AgentAnswer.HostResult(why, IsError: true));

    /// <summary>What is decided, begins. Null: its result is the answer and comes later.</summary>
    private async Task<AgentAnswer?> BeginHostAsync(HostRequest request, ApprovalInfo approval, AgentPromptResponseRequest? decision) => request switch
    {
        HostCommand command => await BeginCommandAsync(command, approval),
        HostInput input => await BeginInputAsync(input, approval),
        HostFile file => await BeginFileAsync(file, approval),
        HostQuestion => new AgentAnswer.HostResult(string.Join('\n', DecisionCheck.Answers(decision?.Answers).Values), IsError: false),
        _ => throw new InvalidOperationException($"no beginning is known for {request.GetType().Name}"),
    };

    /// <summary>
    /// Whether nobody waits for this call any more, also by what was not dealt with yet: it stands in the mailbox behind the step that asks.
    /// </summary>
    private bool IsVoid(string requestId)
        => _turn is null || _cancelling || _process is null || _withdrawn.ContainsKey(requestId) || _endSeen == _generation || StopIsAsked;

    private bool StopIsAsked => _stopAsked is { } asked && Volatile.Read(ref _turn)?.TurnId.ToString() == asked;

    /// <summary>Called as it comes, before the mailbox: ends what has not begun.</summary>
    private void NoteEnd(AgentEvent said, int generation)
    {
        switch (said)
        {
            case AgentRequestWithdrawn withdrawn:
                _withdrawn[withdrawn.RequestId] = true;
                break;
            case AgentTurnEnded or AgentEnded:
                _endSeen = generation;
                break;
        }
    }

    /// <summary>The mailbox came to it: what follows is another turn.</summary>
    private void EndHeard()
    {
        _withdrawn.Clear();
        _endSeen = -1;
    }

    private async Task AskPersonAsync(AgentHostCall call)
    {
        if (AskTool.Parse(call.InputJson, out var refusal) is not { } ask)
        {
            await RefuseCallAsync(call, refusal);
            return;
        }

        var asked = new AgentQuestionAsked(call.RequestId, call.ToolUseId, [new AgentQuestion(ask.Question, null, [.. ask.Options.Select(o => new AgentOption(o, null))], ask.MultiSelect)]);
        await AskAsync(call.RequestId, new HostQuestion(call, asked), turn => EventTranslator.Question(asked, _record, turn));
    }

    private async Task SendFileAsync(AgentHostCall call)
    {
        if (SendFileTool.Parse(call.InputJson, out var refusal) is not { } tool)
        {
            await RefuseCallAsync(call, refusal);
            return;
        }

        await using var file = ConfinedFile.Open(_directory, tool.Path, out refusal);
        if (file is null || file.Length > SentFiles.MaxBytes)
        {
            await RefuseCallAsync(call, file is null ? refusal : $"A file that is sent has at most {SentFiles.MaxBytes >> 20} MiB.");
            return;
        }

        var risk = RiskAssessor.AssessRead(Path.Combine(_directory, tool.Path), _directory);
        if (!risk.Consequences.Any(c => c.Kind is ConsequenceKind.ReadsSecret or ConsequenceKind.HiddenText) && !await SentFiles.HoldsSecretAsync(file))
        {
            var sent = await SentFiles.KeepAsync(_services.Archive, _record.SessionId, file, tool, call.ToolUseId);
            await WriteAsync(sent with { At = Store.Now, TurnId = _turn?.TurnId });
            await TellAgentAsync(call.RequestId, new AgentAnswer.HostResult($"Sent {sent.Name} ({sent.Bytes} bytes).", IsError: false));
            return;
        }

        file.Position = 0;
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
        var asked = new AgentApprovalAsked(call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Tool(call.ToolName), call.InputJson)
        {
            Reason = "It looks like a secret: keys or passwords. " + tool.Caption,
        };
        await AskAsync(call.RequestId, new HostFile(call, asked, tool, sha256), turn => EventTranslator.Approval(asked, _record, turn, _directory) with
        {
            Digest = DigestOf(asked, sha256),
            ReachKey = null, // each time anew
            ReachWords = null,
        });
    }

    private async Task<AgentAnswer?> BeginFileAsync(HostFile request, ApprovalInfo approval)
    {
        await using var file = ConfinedFile.Open(_directory, request.File.Path, out _);
        var sent = file is null || file.Length > SentFiles.MaxBytes ? null : await SentFiles.KeepAsync(_services.Archive, _record.SessionId, file, request.File, request.Call.ToolUseId);
        if (sent is null || sent.Sha256 != request.Sha256 || DigestOf(request.As, request.Sha256) != approval.Digest)
        {
            await _services.Approvals.RefuseAsync(approval.ApprovalId, "the file changed after it was shown");
            return new AgentAnswer.Deny("Not done: the file changed after it was shown.");
        }

        if (IsVoid(request.Call.RequestId) || !await _services.Approvals.StartAsync(approval.ApprovalId))
        {
            return new AgentAnswer.Deny("It is no longer allowed.");
        }

        await Store.WriteAsync(change =>
        {
            change.Event(_record.SessionId, sent with { At = change.Now, TurnId = _turn?.TurnId });
            ApprovalDesk.Finish(change, approval.ApprovalId, EventTranslator.Finished(failed: false, TimeSpan.Zero));
        });
        return new AgentAnswer.HostResult($"Sent {sent.Name} ({sent.Bytes} bytes).", IsError: false);
    }
}
