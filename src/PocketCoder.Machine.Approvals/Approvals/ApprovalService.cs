using System.Buffers.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.People;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// Where everything that waits for a person is kept: asked, decided once, told to everyone, and written to the ledger at each step.
/// Thread-safe: state changes happen inside the store's single writer, so of two decisions at once the first wins.
/// </summary>
public sealed partial class ApprovalService : IDisposable
{
    /// <summary>Who decided, when it was the owner at the machine's command line.</summary>
    public const string CommandLine = "cli";

    /// <summary>Who asked, when it was no agent.</summary>
    public const string Person = "person";

    private const string TimeOut = "time-out";

    private readonly Store _store;
    private readonly NetworkRules _rules;
    private readonly string _machineId;
    private readonly TimeSpan _timeout;
    private readonly ILogger _logger;
    private readonly ApprovalDeadlines _deadlines;

    /// <param name="timeout">How long each may be decided, and what was allowed may begin.</param>
    public ApprovalService(Store store, NetworkRules rules, string machineId, TimeSpan timeout, TimeProvider time, ILogger? logger = null)
    {
        (_store, _rules, _machineId, _timeout, _logger) = (store, rules, machineId, timeout, logger ?? NullLogger.Instance);
        _deadlines = new ApprovalDeadlines(time, _logger, ExpireAsync);
    }

    /// <summary>
    /// Raised after an approval left the pending state by a decision or by time, with that decision. Whoever makes requests listens from
    /// its own constructor on, and passes over the requests of others.
    /// </summary>
    public event Action<ApprovalInfo, DecisionRequest?>? Settled;

    /// <summary>
    /// Records the request, and, when an earlier allowance covers exactly this, the decision with it. The ledger row is durable on return.
    /// </summary>
    public async Task<ApprovalInfo> RequestAsync(ApprovalDraft draft)
    {
        var approval = await _store.WriteAsync(change =>
        {
            var two = NeedsTwo(change, draft.Kind, draft.Risk);
            var asked = ApprovalDigest.Cover(new ApprovalInfo(
                Guid.CreateVersion7(),
                draft.SessionId,
                draft.TurnId,
                draft.ProjectId,
                draft.Agent,
                draft.ToolUseId,
                draft.Kind,
                ApprovalState.Pending,
                "",
                draft.Subject,
                draft.Reason,
                two ? null : draft.ReachWords, // what two people allow they allow once
                draft.Sandbox,
                change.Now,
                change.Now + _timeout,
                null,
                null,
                draft.Risk)
            { SubAgent = draft.SubAgent, TwoPeople = two }, draft.Exactly);
            ApprovalRows.Insert(change, asked, draft.ReachKey);
            change.Ledger(ApprovalSteps.Entry(LedgerKind.ApprovalRequested, asked) with { Data = Requested(asked).ToJson() });
            if (!two && draft.ReachKey is { } key && Grants.Find(change, draft, key) is { } grant)
            {
                asked = asked with
                {
                    State = AllowedState(asked),
                    Decision = new DecisionInfo(Guid.CreateVersion7(), DecisionVerdict.Allow, grant.Decision!.Scope, null,
                        grant.Decision.DeviceId, grant.Decision.By, change.Now),
                };
                change.Ledger(ApprovalSteps.Entry(LedgerKind.ApprovalDecided, asked) with
                {
                    Data = new DecidedData(DecisionVerdict.Allow, grant.Decision.Scope, asked.Decision.DecisionId, "grant", null, null,
                        null, null, grant.ApprovalId)
                    { Proof = DecisionProof.Grant }.ToJson(),
                });
                ApprovalRows.Update(change, asked);
            }

            ApprovalSteps.Tell(change, asked);
            return asked;
        });
        _deadlines.Begin(approval);
        return approval;
    }

    /// <summary>
    /// The same for what a person asks for in a project; what waits already for exactly this, asked by the same device, is the answer. Each
    /// device has bounds of its own, so that none keeps the others from asking: of its requests to read, the oldest is withdrawn for a new
    /// one.
    /// </summary>
    /// <exception cref="RequestFailure">DAEMON_BUSY: too many requests of this device wait, or it asked too often.</exception>
    internal async Task<ApprovalInfo> RequestAsync(ProjectAsk ask, AskBounds bounds)
    {
        var reads = ask.Subject is FileSubject { Operation: FileOperation.Read };
        var wanted = ApprovalDigest.Cover(
            new ApprovalInfo(
                Guid.CreateVersion7(), null, Guid.Empty, ask.ProjectId, Person, null, ask.Kind, ApprovalState.Pending, "", ask.Subject,
                null, null, ask.Sandbox, default, default, null, null)
            { RequestedBy = ask.Device.Name, RequestedById = ask.Device.DeviceId, Risk = ask.Risk },
            ask.Exactly);
        var (approval, isNew, withdrawn) = await _store.WriteAsync<(ApprovalInfo, bool, ApprovalInfo?)>(change =>
        {
            var waiting = ApprovalRows.WaitingOf(change, ask.Device.DeviceId);
            if (waiting.FirstOrDefault(w => w.ProjectId == ask.ProjectId && w.Digest == wanted.Digest) is { } waits)
            {
                return (waits, false, null);
            }

            if (ApprovalRows.CountAsked(change, ask.Device.DeviceId, change.Now - bounds.Window) >= bounds.Asked)
            {
                throw new RequestFailure(
                    ErrorCode.DaemonBusy,
                    $"This device asked for a decision {bounds.Asked} times in {bounds.Window.TotalMinutes:0} minutes. Wait a while before asking again.");
            }

            ApprovalInfo? closed = null;
            var alike = waiting.Where(w => w.Subject is FileSubject { Operation: FileOperation.Read } == reads).ToList();
            if (alike.Count >= (reads ? bounds.Reads : bounds.Changes))
            {
                closed = reads
                    ? ApprovalSteps.Close(change, alike[0], ApprovalState.Withdrawn,
                        $"{ask.Device.Name} asked for {bounds.Reads} newer ones")
                    : throw new RequestFailure(ErrorCode.DaemonBusy,
                        $"{bounds.Changes} requests of this device wait for a decision already. Decide on those first.");
            }

            var asked = wanted with
            { RequestedAt = change.Now, ExpiresAt = change.Now + _timeout, TwoPeople = NeedsTwo(change, ask.Kind, ask.Risk) };
            ApprovalRows.Insert(change, asked, null);
            change.Ledger(ApprovalSteps.Entry(LedgerKind.ApprovalRequested, asked) with
            { DeviceId = ask.Device.DeviceId, Actor = ask.Device.Name, Data = Requested(asked).ToJson() });
            ApprovalSteps.Tell(change, asked);
            return (asked, true, closed);
        });
        if (isNew)
        {
            _deadlines.Begin(approval);
        }

        if (withdrawn is not null)
        {
            _deadlines.End(withdrawn.ApprovalId);
            TellSettled(withdrawn, null);
        }

        return approval;
    }

    /// <summary>One approval as it is now.</summary>
    public Task<ApprovalInfo?> FindAsync(Guid approvalId) => _store.ReadAsync(
        reader => ApprovalRows.List(reader, "approval_id = $id", 1, ("$id", approvalId.ToString())) is [var found] ? found : null,
        CancellationToken.None);

    /// <summary>
    /// Takes a device's decision. Sending the same decision again returns the approval as it is now. Where two people must allow it, the
    /// first one's is recorded, and it goes on waiting.
    /// </summary>
    /// <param name="device">Null: the owner at the machine's command line, who has no key to sign with; the row says so by having no
    /// signature and no device. A person in a chat has none either: the row names the platform that speaks for them.</param>
    /// <exception cref="RequestFailure">APPROVAL_NOT_FOUND, DIGEST_MISMATCH, BAD_SIGNATURE, ALREADY_DECIDED (also: its time is over),
    /// INVALID_REQUEST, UNAUTHORIZED: of what this device may not allow, or not as the second of two people</exception>
    public async Task<ApprovalInfo> DecideAsync(Device? device, DecisionRequest decision)
    {
        DecisionCheck.Form(decision);
        var signer = device is { Chat: null } ? device : null;
        var signed = signer is null ? null : DecisionCheck.Verify(signer.SigningKey, _machineId, decision);
        var by = device?.Name ?? CommandLine;
        var settled = false;
        var approval = await _store.WriteAsync(change =>
        {
            var asked = ApprovalRows.Find(change, decision.ApprovalId)
                ?? throw new RequestFailure(ErrorCode.ApprovalNotFound, "There is no such request on this machine.");
            if ((asked.Decision is { } earlier && earlier.DecisionId == decision.DecisionId && earlier.DeviceId == device?.DeviceId)
                || (asked.Agreed is { } agreed && agreed.DecisionId == decision.DecisionId && agreed.DeviceId == device?.DeviceId))
            {
                return asked;
            }

            if (asked.State != ApprovalState.Pending)
            {
                throw Lost(asked);
            }

            if (_deadlines.HasPassed(asked))
            {
                // Its timer stood still while the machine slept, or is about to fire: the decision came too late all the same.
                settled = true;
                return ApprovalSteps.Close(change, asked, ApprovalState.Expired, TimeOut);
            }

            if (!string.Equals(asked.Digest, decision.Digest, StringComparison.Ordinal))
            {
                throw new RequestFailure(
                    ErrorCode.DigestMismatch, "The decision names something else than what is waiting. Look at the request again.");
            }

            DecisionCheck.Fits(asked, decision);
            DecisionCheck.May(device, asked, decision);
            var allowed = decision.Verdict == DecisionVerdict.Allow;
            var data = new DecidedData(
                decision.Verdict,
                decision.Scope,
                decision.DecisionId,
                by,
                decision.Reason,
                signer is null ? null : Base64Url.EncodeToString(signer.SigningKey),
                signed,
                signer is null ? null : decision.Signature,
                null,
                decision.Interrupt)
            {
                Proof = device is null ? DecisionProof.OwnerSocket
                    : signer is null ? DecisionProof.ChatPlatform : DecisionProof.DeviceKey,
                Platform = device?.Chat?.Platform,
                Person = TwoPeople.PersonOf(change, device),
            };
            if (asked.TwoPeople && allowed && TwoPeople.Agree(change, asked, decision, device, by) is { } first)
            {
                change.Ledger(ApprovalSteps.Entry(LedgerKind.ApprovalAgreed, first) with
                { DeviceId = device?.DeviceId, Actor = by, Data = data.ToJson() });
                ApprovalRows.Update(change, first);
                ApprovalSteps.Tell(change, first);
                return first;
            }

            var decided = asked with
            {
                State = !allowed ? ApprovalState.Denied : AllowedState(asked),
                Decision = new DecisionInfo(
                    decision.DecisionId, decision.Verdict, decision.Scope, decision.Reason, device?.DeviceId, by, change.Now),
            };
            change.Ledger(ApprovalSteps.Entry(LedgerKind.ApprovalDecided, decided) with
            {
                DeviceId = device?.DeviceId,
                Actor = by,
                Data = data.ToJson(),
            });
            ApprovalRows.Update(change, decided);
            if (allowed && decision.Scope == DecisionScope.Project && asked.Subject is NetworkSubject wanted)
            {
                NetworkRules.Add(change, asked.ProjectId, NetworkRules.Parse($"{wanted.Host}:{wanted.Port}"),
                    DecisionCheck.Days(decision.Answers), by, device?.DeviceId, asked.ApprovalId);
            }
            else if (allowed && decision.Scope != DecisionScope.Once)
            {
                Grants.Add(change, asked, decision.Scope);
            }

            ApprovalSteps.Tell(change, decided);
            settled = true;
            return decided;
        });
        if (settled && approval.State == ApprovalState.Expired)
        {
            Forget([approval]);
            TellSettled(approval, null);
            throw Lost(approval);
        }

        if (settled)
        {
            if (approval.State == ApprovalState.Allowed)
            {
                _deadlines.StopTimer(approval.ApprovalId); // it may begin until its time is over
            }
            else
            {
                _deadlines.End(approval.ApprovalId);
            }

            TellSettled(approval, decision);
        }

        return approval;
    }

    /// <summary>
    /// The one way in which something allowed begins, whoever asked for it: the last look, and right after it the row. What differs is
    /// refused, with an alarm.
    /// </summary>
    /// <param name="look">What would be done differs in this from what was allowed; null: in nothing.</param>
    /// <param name="start">Writes the row, with <see cref="StartAsync"/> or <see cref="StartJobAsync"/>. False: it must not begin any
    /// more.</param>
    public async Task<Beginning> BeginAsync(Guid approvalId, Func<Task<string?>> look, Func<Task<bool>> start)
    {
        if (await look() is { } difference)
        {
            await RefuseAsync(approvalId, difference);
            return new Beginning(false, difference);
        }

        return new Beginning(await start(), null);
    }

    /// <summary>
    /// Records that an allowed thing begins now. Returns false, and records nothing, when it is not allowed (any more): then it must not
    /// run.
    /// </summary>
    /// <param name="snapshot">The snapshot that was taken before, by its commit.</param>
    public Task<bool> StartAsync(Guid approvalId, string? snapshot = null)
        => _store.WriteAsync(change => ApprovalSteps.Start(
            change, approvalId, _deadlines.HasPassedAtStart, snapshot, _ => null) is not null);

    /// <summary>The same for a job: gives it its name. Null when it is not allowed (any more).</summary>
    public Task<string?> StartJobAsync(Guid approvalId, string? snapshot) => _store.WriteAsync(change =>
        ApprovalSteps.Start(
            change,
            approvalId,
            _deadlines.HasPassedAtStart,
            snapshot,
            allowed => FormattableString.Invariant(
                $"job-{ApprovalRows.CountJobs(change, allowed.AgentSessionId!.Value) + 1}"))?.Execution?.Job);

    /// <summary>Records that an allowed thing was not done because it is not the same any more.</summary>
    public Task RefuseAsync(Guid approvalId, string drift) => _store.WriteAsync(change =>
    {
        if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Allowed } allowed)
        {
            change.Ledger(ApprovalSteps.Entry(LedgerKind.AlarmRaised, allowed) with { Data = new NotRunData(drift).ToJson() });
            ApprovalSteps.Close(change, allowed, ApprovalState.Withdrawn, drift);
        }
    });

    /// <summary>
    /// Closes what a turn left open: what waits is withdrawn and, when <paramref name="alsoRunning"/>, what runs becomes unknown.
    /// </summary>
    public async Task CloseTurnAsync(Guid sessionId, Guid turnId, string reason, bool alsoRunning)
        => Forget(await _store.WriteAsync(change => ApprovalSteps.CloseTurn(change, sessionId, turnId, reason, alsoRunning)));

    /// <summary>Stops the clocks of approvals that are closed.</summary>
    public void Forget(IEnumerable<ApprovalInfo> closed)
    {
        foreach (var approval in closed)
        {
            _deadlines.End(approval.ApprovalId);
        }
    }

    /// <summary>The agent no longer waits for this one.</summary>
    public async Task WithdrawAsync(Guid approvalId, string reason)
    {
        await _store.WriteAsync(change =>
        {
            if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Pending or ApprovalState.Allowed } open)
            {
                ApprovalSteps.Close(change, open, ApprovalState.Withdrawn, reason);
            }
        });
        _deadlines.End(approvalId);
    }

    /// <summary>
    /// Closes an approval whose path failed where nobody foresaw it: what did not begin is withdrawn, what began and is not known to have
    /// ended is unknown. Does nothing to one that is over. Returns whether it had begun, as its row says.
    /// </summary>
    public async Task<bool> AbandonAsync(Guid approvalId, string reason)
    {
        var begun = await _store.WriteAsync(change =>
        {
            var known = ApprovalRows.Find(change, approvalId);
            if (known is { State: ApprovalState.Pending or ApprovalState.Allowed or ApprovalState.Running })
            {
                // Of what did not begin, the reason stands in NotDone.
                var told = known.Execution is { } execution ? known with { Execution = execution with { Error = reason } } : known;
                ApprovalSteps.Close(change, told, known.State == ApprovalState.Running ? ApprovalState.Unknown : ApprovalState.Withdrawn,
                    reason);
            }

            return known?.Execution is not null;
        });
        _deadlines.End(approvalId);
        return begun;
    }

    /// <summary>The decision that allows this thing for the turn or the session, when there is one.</summary>
    public Task<ApprovalInfo?> GrantAsync(Guid session, Guid turn, string reachKey) => Grants.FindAsync(_store, session, turn, reachKey);

    public Task<IReadOnlyList<ApprovalInfo>> PendingAsync(CancellationToken cancellationToken)
        => _store.ReadAsync(connection => ApprovalRows.List(connection, "state = 'Pending'", 500), cancellationToken);

    public Task<IReadOnlyList<ApprovalInfo>> ListAsync(ApprovalsListRequest request, CancellationToken cancellationToken)
        => _store.ReadAsync(
        connection => request.SameAs is { } same ? ApprovalRows.DecidedOnTheSame(connection, same, 10) : ApprovalRows.List(
            connection,
            (request.Pending ? "state = 'Pending'" : "1") + (request.AgentSessionId is null ? "" : " AND session_id = $session"),
            200,
            ("$session", request.AgentSessionId?.ToString())),
        cancellationToken);

    public void Dispose() => _deadlines.Dispose();

    /// <summary>What is only let happen, not done by us, is over with the decision.</summary>
    private static ApprovalState AllowedState(ApprovalInfo asked)
        => asked.Kind is ApprovalKind.Question or ApprovalKind.Plan or ApprovalKind.Network or ApprovalKind.Prompt
            || asked.Subject is FileSubject { Operation: FileOperation.Read } ? ApprovalState.Finished : ApprovalState.Allowed;

    private static RequestedData Requested(ApprovalInfo approval) => new(
        approval.Kind,
        approval.Agent,
        SubjectText.ToolOf(approval),
        SubjectText.Of(approval),
        (approval.Subject as CommandSubject)?.Cwd,
        approval.ExpiresAt,
        approval.Covers)
    { TwoPeople = approval.TwoPeople ? true : null };

    /// <summary>Whether two people must allow it: the owner's rule is on, and it may destroy something.</summary>
    private static bool NeedsTwo(Change change, ApprovalKind kind, RiskInfo? risk)
        => DecisionCheck.TierOf(kind, risk) == RiskTier.Destructive && TwoPersonRule.IsOn(change);

    private static RequestFailure Lost(ApprovalInfo asked) => new(
        ErrorCode.AlreadyDecided,
        asked.Decision is { DeviceId: null, By: CommandLine } ? "The command line decided first."
            : asked.Decision is { DeviceId: not null } decision ? $"{decision.By} decided first."
            : $"It is no longer waiting ({asked.State.ToString().ToLowerInvariant()}).",
        new Dictionary<string, string>(StringComparer.Ordinal)
        { ["state"] = JsonSerializer.Serialize(asked.State, ProtocolJson.Default.ApprovalState).Trim('"') });

    private async Task ExpireAsync(Guid approvalId)
    {
        ApprovalInfo? expired;
        try
        {
            expired = await _store.WriteAsync(change => ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Pending } pending
                ? ApprovalSteps.Close(change, pending, ApprovalState.Expired, TimeOut)
                : null);
        }
        catch (Exception e) when (e is not LedgerException { Error: LedgerError.Closed })
        {
            // Not recorded is not settled: it goes on waiting, and so does the agent. Most likely the disk is full.
            if (e is not LedgerException)
            {
                LogNotExpired(_logger, approvalId, e);
            }

            _deadlines.RetrySoon(approvalId);
            return;
        }

        _deadlines.StopTimer(approvalId);
        if (expired is not null)
        {
            _deadlines.End(approvalId);
            TellSettled(expired, null);
        }
    }

    /// <summary>The row stands: whoever decided is answered by it, also when passing it on fails.</summary>
    private void TellSettled(ApprovalInfo approval, DecisionRequest? decision)
    {
        if (decision is { Scope: DecisionScope.Project })
        {
            // the end of a new rule counts on both clocks from now on
            _rules.ListAsync(approval.ProjectId, CancellationToken.None).Observed(_logger, "reading the network rules");
        }

        try
        {
            Settled?.Invoke(approval, decision);
        }
        catch (Exception e)
        {
            LogNotPassedOn(_logger, approval.ApprovalId, e);
            AbandonAsync(approval.ApprovalId, "PocketCoder failed to pass the decision on").Observed(_logger, "closing an approval");
        }
    }

    [LoggerMessage(EventId = 360, Level = LogLevel.Error,
        Message = "approval {Approval}: its time is over and that can't be recorded; it is tried again")]
    private static partial void LogNotExpired(ILogger logger, Guid approval, Exception error);

    [LoggerMessage(EventId = 361, Level = LogLevel.Error, Message = "approval {Approval}: its decision could not be passed on")]
    private static partial void LogNotPassedOn(ILogger logger, Guid approval, Exception error);
}
