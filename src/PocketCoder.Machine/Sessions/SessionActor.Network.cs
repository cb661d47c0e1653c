using PocketCoder.Agents;
using PocketCoder.Broker.Egress;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that decides, with a person, which hosts the session's sandbox may reach.</summary>
internal sealed partial class SessionActor
{
    /// <summary>Hosts that may wait for a decision at one time; a command that asks for more is guessing or telling something by names.</summary>
    private const int WaitingHosts = 5;

    /// <summary>Hosts asked for while one turn runs.</summary>
    private const int HostsInTurn = 40;

    /// <summary>Allowed once: for as long as the commands run that ran then. Only touched on the mailbox, as the next two.</summary>
    private readonly Dictionary<string, HashSet<string>> _hostsOnce = new(StringComparer.Ordinal);

    /// <summary>Denied: not asked again while the turn runs, however often a program tries.</summary>
    private readonly Dictionary<string, string> _hostsDenied = new(StringComparer.Ordinal);
    private int _hostsAsked;

    private sealed record NetworkAsked(EgressRequest Wanted, string Key, TaskCompletionSource<EgressVerdict> Answer) : AgentEvent;

    /// <summary>Whether the sandbox may connect to a host that no rule of the project covers: by what was allowed before, else by asking.</summary>
    public async ValueTask<EgressVerdict> MayReachAsync(EgressRequest wanted, CancellationToken cancellationToken)
    {
        var (verdict, waiting) = await AskAsync(() => HostAsync(wanted));
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
            Later(() => WithdrawnAsync(new AgentRequestWithdrawn(waiting.Key)));
            throw;
        }
    }

    private async Task<(EgressVerdict? Verdict, NetworkAsked? Waiting)> HostAsync(EgressRequest wanted)
    {
        var digest = ApprovalDigest.OfHost(_record.Agent, _record.SessionId, wanted.Host, wanted.Port);
        var name = $"{wanted.Host}:{wanted.Port}";
        if (_hostsOnce.ContainsKey(digest))
        {
            return (EgressVerdict.Allow($"allowed once: {name}"), null);
        }

        if (_hostsDenied.TryGetValue(digest, out var denied))
        {
            return (EgressVerdict.Refuse(denied), null);
        }

        var turn = _turn?.TurnId ?? Guid.Empty;
        if (await _services.Approvals.GrantAsync(_record.SessionId, turn, digest) is { } grant)
        {
            return (EgressVerdict.Allow($"allowed by {grant.Decision!.By} for the {(grant.Decision.Scope == DecisionScope.Turn ? "turn" : "session")}"), null);
        }

        if (_stopping || _cancelling)
        {
            return (EgressVerdict.Refuse("the turn was stopped"), null);
        }

        if (_asked.Values.Count(a => a.Request is NetworkAsked) >= WaitingHosts)
        {
            return (EgressVerdict.Refuse($"{WaitingHosts} hosts wait for a decision already; {name} was not asked for"), null);
        }

        if (_hostsAsked >= HostsInTurn)
        {
            return (EgressVerdict.Refuse($"{HostsInTurn} hosts were asked for in this turn already"), null);
        }

        _hostsAsked++;
        var asked = new NetworkAsked(wanted, $"host {Guid.CreateVersion7():N}", new(TaskCreationOptions.RunContinuationsAsynchronously));
        var subject = new NetworkSubject(wanted.Host, wanted.Port, wanted.Method, [.. _commands.Values.Select(c => c.Command.Bash.Command), .. RunningJobs.Select(j => j.Command)]);
        var approval = await _services.Approvals.RequestAsync(
            new ApprovalDraft(_record.SessionId, turn, _record.ProjectId, _record.Agent, null, ApprovalKind.Network, subject, digest, null, digest, $"connections to {name}", _record.Sandbox));
        _asked[asked.Key] = new Asked(asked.Key, asked, approval);
        await TurnStateAsync(TurnState.Waiting);
        return (null, asked);
    }

    /// <summary>A person, or the clock, decided on a host.</summary>
    private void TellProxy(NetworkAsked asked, ApprovalInfo approval)
    {
        var name = $"{asked.Wanted.Host}:{asked.Wanted.Port}";
        if (approval.Decision is { Verdict: DecisionVerdict.Allow } allowed)
        {
            HashSet<string> running = [.. _commands.Keys, .. RunningJobs.Select(j => j.ApprovalId.ToString())];
            if (allowed.Scope == DecisionScope.Once && running.Count > 0)
            {
                _hostsOnce[approval.Digest] = running;
            }

            asked.Answer.TrySetResult(EgressVerdict.Allow($"allowed by {allowed.By}"));
            return;
        }

        var why = approval.State == ApprovalState.Expired ? $"nobody decided on {name} in time" : $"the person denied {name}{(approval.Decision?.Reason is { Length: > 0 } said ? $": {said}" : "")}";
        _hostsDenied[approval.Digest] = why;
        asked.Answer.TrySetResult(EgressVerdict.Refuse(why));
    }

    /// <summary>A command is over: what was allowed once for it is over when it was the last.</summary>
    private void ForgetHostsOf(string requestId)
    {
        foreach (var (host, commands) in _hostsOnce)
        {
            if (commands.Remove(requestId) && commands.Count == 0)
            {
                _hostsOnce.Remove(host);
            }
        }
    }

    /// <summary>Nobody is told anything any more for a turn that is over; a connection that waited in it is refused.</summary>
    private void DropAsked(Guid turn)
    {
        foreach (var asked in _asked.Values.Where(a => a.Approval.TurnId == turn).ToList())
        {
            (asked.Request as NetworkAsked)?.Answer.TrySetResult(EgressVerdict.Refuse("the turn is over"));
            (asked.Request as BudgetQuestion)?.Answer.TrySetResult(false);
            _asked.Remove(asked.RequestId);
        }

        _hostsDenied.Clear();
        _hostsAsked = 0;
    }
}
