using System.Security.Cryptography;
using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Executions.Tools;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>Files of the project that the agent sends to the people of the session. On the mailbox only; holds nothing.</summary>
internal sealed class FileTool(SessionContext session, AgentHost host, ToolGate gate)
{
    /// <param name="Sha256">Of the file when it was asked.</param>
    private sealed record Request(FileTool Tool, AgentHostCall Call, AgentApprovalAsked As, SendFileTool File, string Sha256)
        : AgentRequest(Call.RequestId, Call.ToolUseId)
    {
        public override bool IsOurTool => true;

        public override Task<AgentAnswer?> BeginAsync(ApprovalInfo approval, DecisionRequest? decision) => Tool.BeginAsync(this, approval);
    }

    /// <summary>The agent sends a file. One that may hold a secret is asked for first.</summary>
    public async Task CallAsync(AgentHostCall call)
    {
        if (SendFileTool.Parse(call.InputJson, out var refusal) is not { } tool)
        {
            await gate.RefuseCallAsync(call, refusal);
            return;
        }

        await using var file = ConfinedFile.Open(session.Directory, PathOf(tool), out refusal, session.Services.Closed);
        if (file is null || file.Length > SentFiles.MaxBytes)
        {
            await gate.RefuseCallAsync(call, file is null ? refusal : $"A file to send may have at most {SentFiles.MaxBytes >> 20} MiB.");
            return;
        }

        var risk = RiskAssessor.AssessRead(Path.Combine(session.WorkingDirectory, tool.Path), session.Directory);
        if (!risk.Consequences.Any(c => c.Kind is ConsequenceKind.ReadsSecret or ConsequenceKind.HiddenText)
            && !await SentFiles.HoldsSecretAsync(file))
        {
            var sent = await SentFiles.KeepAsync(session.Services.Archive, session.SessionId, file, tool, call.ToolUseId);
            await session.WriteAsync(sent with { At = session.Store.Now, TurnId = session.Turn?.TurnId });
            await host.TellAsync(call.RequestId, new AgentAnswer.HostResult($"Sent {sent.Name} ({sent.Bytes} bytes).", IsError: false));
            return;
        }

        file.Position = 0;
        var sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
        var asked = new AgentApprovalAsked(
            call.RequestId, call.ToolUseId, call.ToolName, new AgentSubject.Tool(call.ToolName), call.InputJson)
        {
            Reason = "It looks like a secret: keys or passwords. " + tool.Caption,
        };
        await gate.AskAsync(new Request(this, call, asked, tool, sha256), (turn, around) => ToolDrafts.Of(session, asked, turn, around) with
        {
            Exactly = ToolDrafts.Exactly(session, asked).With("content", sha256),
            ReachKey = null, // each time anew
            ReachWords = null,
        });
    }

    /// <summary>From the session's folder, when it is not the project's.</summary>
    private string PathOf(SendFileTool file)
        => session.Record.Folder is null ? file.Path : Path.Combine(session.WorkingDirectory, file.Path);

    private async Task<AgentAnswer?> BeginAsync(Request request, ApprovalInfo approval)
    {
        await using var file = ConfinedFile.Open(session.Directory, PathOf(request.File), out _, session.Services.Closed);
        var sent = file is null || file.Length > SentFiles.MaxBytes ? null
            : await SentFiles.KeepAsync(session.Services.Archive, session.SessionId, file, request.File, request.Call.ToolUseId);
        var beginning = await session.Services.Approvals.BeginAsync(
            approval.ApprovalId,
            () => Task.FromResult(
                sent is null || sent.Sha256 != request.Sha256
                    || !ApprovalDigest.Fits(approval, ToolDrafts.Exactly(session, request.As).With("content", request.Sha256))
                    ? "the file changed after it was shown"
                    : null),
            async () => !gate.IsVoid(request.Call.RequestId) && await session.Services.Approvals.StartAsync(approval.ApprovalId));
        if (!beginning.Begun)
        {
            return await gate.NotBegunAsync(approval, beginning, hint: "");
        }

        await session.Store.WriteAsync(change =>
        {
            change.Event(session.SessionId, sent! with { At = change.Now, TurnId = session.Turn?.TurnId });
            ApprovalSteps.Finish(change, approval.ApprovalId, EventTranslator.Finished(failed: false, TimeSpan.Zero));
        });
        return new AgentAnswer.HostResult($"Sent {sent!.Name} ({sent.Bytes} bytes).", IsError: false);
    }
}
