using PocketCoder.Broker.Egress;
using PocketCoder.Machine.Approvals;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Tools;

/// <summary>
/// Decides, with a person, which hosts the session's sandbox may reach. On the mailbox only, but for <see cref="MayReachAsync"/>.
/// </summary>
internal sealed class NetworkGate(SessionContext session, ToolGate gate, CommandTool commands, JobTool jobs, HostAllowances hosts)
{
    /// <summary>
    /// Hosts that may wait for a decision at one time; a command that asks for more is guessing or telling something by names.
    /// </summary>
    private const int WaitingHosts = 5;

    private sealed record Request(NetworkGate Gate, string RequestId, EgressRequest Wanted) : MachineRequest(RequestId)
    {
        public TaskCompletionSource<EgressVerdict> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override bool OutlivesTurn => true;

        public override Task SettledAsync(ApprovalInfo approval, DecisionRequest? decision) => Gate.SettledAsync(this, approval);

        public override Task FailedAsync(string why)
        {
            Answer.TrySetResult(EgressVerdict.Refuse(why));
            return Task.CompletedTask;
        }

        public override void Drop() => Answer.TrySetResult(EgressVerdict.Refuse("the turn is over"));
    }

    /// <summary>
    /// Whether the sandbox may connect to a host that no rule of the project covers: by what was allowed before, else by asking.
    /// </summary>
    public async ValueTask<EgressVerdict> MayReachAsync(EgressRequest wanted, CancellationToken cancellationToken)
    {
        EgressVerdict? verdict;
        Request? waiting;
        try
        {
            (verdict, waiting) = await session.Mailbox.AskAsync(() => AskAsync(wanted));
        }
        catch (Exception e)
        {
            session.LogUnlessForeseen(e);
            return EgressVerdict.Refuse($"{wanted.Host}:{wanted.Port} could not be asked for: {session.Words(e)}");
        }

        if (waiting is null)
        {
            return verdict!;
        }

        try
        {
            return await waiting.Answer.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            session.Mailbox.Later(() => gate.WithdrawAsync(waiting.RequestId));
            throw;
        }
    }

    private async Task<(EgressVerdict? Verdict, Request? Waiting)> AskAsync(EgressRequest wanted)
    {
        var reach = ApprovalDigest.HostReach(session.Record.Agent, session.SessionId, wanted.Host, wanted.Port);
        var name = $"{wanted.Host}:{wanted.Port}";
        if (hosts.IsAllowedOnce(name))
        {
            return (EgressVerdict.Allow($"allowed once: {name}"), null);
        }

        if (hosts.WhyDenied(name) is { } denied)
        {
            return (EgressVerdict.Refuse(denied), null);
        }

        var turn = session.Turn?.TurnId ?? Guid.Empty;
        if (await session.Services.Approvals.GrantAsync(session.SessionId, turn, reach) is { } grant)
        {
            return (EgressVerdict.Allow(
                $"allowed by {grant.Decision!.By} for the {(grant.Decision.Scope == DecisionScope.Turn ? "turn" : "session")}"), null);
        }

        if (session.Stopping || session.Cancelling)
        {
            return (EgressVerdict.Refuse("the turn was stopped"), null);
        }

        if (gate.Count<Request>() >= WaitingHosts)
        {
            return (EgressVerdict.Refuse($"{WaitingHosts} hosts wait for a decision already; {name} was not asked for"), null);
        }

        if (hosts.IsTurnFull)
        {
            return (EgressVerdict.Refuse($"{HostAllowances.MostInTurn} hosts were asked for in this turn already"), null);
        }

        session.Seam("ask host");
        hosts.CountAsked();
        var asked = new Request(this, $"host {Guid.CreateVersion7():N}", wanted);
        var subject = new NetworkSubject(
            wanted.Host, wanted.Port, wanted.Method, [.. commands.Commands.Select(c => c.Command), .. jobs.Running.Select(j => j.Command)]);
        var approval = await session.Services.Approvals.RequestAsync(
            new ApprovalDraft(session.SessionId, turn, session.Record.ProjectId, session.Record.Agent, null, ApprovalKind.Network, subject,
                session.Here(ApprovalDigest.OfHost), null, reach, $"connections to {name}", session.Record.Sandbox));
        await gate.AddAsync(asked, approval);
        return (null, asked);
    }

    /// <summary>A person, or the clock, decided on a host.</summary>
    private async Task SettledAsync(Request asked, ApprovalInfo approval)
    {
        var name = $"{asked.Wanted.Host}:{asked.Wanted.Port}";
        if (approval.Decision is { Verdict: DecisionVerdict.Allow } allowed)
        {
            if (allowed.Scope == DecisionScope.Once)
            {
                hosts.AllowOnce(name, [.. commands.Commands.Select(c => c.RequestId),
                    .. jobs.Running.Select(j => j.ApprovalId.ToString())]);
            }

            asked.Answer.TrySetResult(EgressVerdict.Allow($"allowed by {allowed.By}"));
        }
        else
        {
            var why = approval.State == ApprovalState.Expired
                ? $"nobody decided on {name} in time"
                : $"the user denied {name}{(approval.Decision?.Reason is { Length: > 0 } said ? $": {said}" : "")}";
            hosts.Deny(name, why);
            asked.Answer.TrySetResult(EgressVerdict.Refuse(why));
        }

        await gate.ShowAsync(TurnState.Running);
    }
}
