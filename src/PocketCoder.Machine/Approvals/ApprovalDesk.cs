using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Text.Json;
using PocketCoder.Ledger;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// Where everything that waits for a person is kept: asked, decided once, told to everyone, and written to the ledger at each step.
/// Thread-safe: state changes happen inside the store's single writer, so of two decisions at once the first wins.
/// </summary>
internal sealed class ApprovalDesk(Store store, string machineId, TimeSpan timeout, TimeProvider time) : IDisposable
{
    /// <summary>Who decided, when it was the owner at the machine's command line.</summary>
    public const string CommandLine = "cli";

    /// <summary>Who asked, when it was no agent.</summary>
    public const string Person = "person";

    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Guid, ITimer> _timers = new();

    /// <summary>Told after an approval left the pending state by a decision or by time. The session answers its agent then.</summary>
    public Action<ApprovalInfo, AgentPromptResponseRequest?> Settled { get; set; } = (_, _) => { };

    /// <summary>
    /// Records the request, and, when an earlier allowance covers exactly this, the decision with it. The ledger row is durable on return.
    /// </summary>
    public async Task<ApprovalInfo> RequestAsync(ApprovalDraft draft)
    {
        var approval = await store.WriteAsync(change =>
        {
            var asked = new ApprovalInfo(
                Guid.CreateVersion7(),
                draft.SessionId,
                draft.TurnId,
                draft.ProjectId,
                draft.Agent,
                draft.ToolUseId,
                draft.Kind,
                ApprovalState.Pending,
                draft.Digest,
                draft.Subject,
                draft.Reason,
                draft.ReachWords,
                draft.Sandbox,
                change.Now,
                change.Now + timeout,
                null,
                null,
                draft.Risk);
            ApprovalRows.Insert(change, asked, draft.ReachKey);
            change.Ledger(Entry(LedgerKind.ApprovalRequested, asked) with { Data = Requested(asked).ToJson() });
            if (draft.ReachKey is { } key && FindGrant(change, draft, key) is { } grant)
            {
                asked = asked with
                {
                    State = AllowedState(asked),
                    Decision = new DecisionInfo(Guid.CreateVersion7(), DecisionVerdict.Allow, grant.Decision!.Scope, null, grant.Decision.DeviceId, grant.Decision.By, change.Now),
                };
                change.Ledger(Entry(LedgerKind.ApprovalDecided, asked) with
                {
                    Data = new DecidedData(DecisionVerdict.Allow, grant.Decision.Scope, asked.Decision.DecisionId, "grant", null, null, null, null, grant.ApprovalId).ToJson(),
                });
                ApprovalRows.Update(change, asked);
            }

            Tell(change, asked);
            return asked;
        });
        if (approval.State == ApprovalState.Pending)
        {
            Watch(approval.ApprovalId, approval.ExpiresAt - store.Now);
        }

        return approval;
    }

    /// <summary>The same for what a person asks for in a project; what waits already for exactly this is the answer.</summary>
    /// <exception cref="RequestFailure">DAEMON_BUSY: <paramref name="bound"/> of them wait</exception>
    public async Task<ApprovalInfo> RequestAsync(ProjectAsk ask, int bound)
    {
        var (approval, isNew) = await store.WriteAsync(change =>
        {
            if (ApprovalRows.Waiting(change, ask.ProjectId, ask.Digest) is { } waits && waits.RequestedById == ask.Device.DeviceId)
            {
                return (waits, false);
            }

            if (ApprovalRows.CountWaiting(change) >= bound)
            {
                throw new RequestFailure(ErrorCode.DaemonBusy, $"{bound} requests wait for a decision already. Decide on those first.");
            }

            var asked = new ApprovalInfo(
                Guid.CreateVersion7(), null, Guid.Empty, ask.ProjectId, Person, null, ask.Kind, ApprovalState.Pending, ask.Digest, ask.Subject, null, null, ask.Sandbox, change.Now, change.Now + timeout, null, null)
            { RequestedBy = ask.Device.Name, RequestedById = ask.Device.DeviceId, Risk = ask.Risk };
            ApprovalRows.Insert(change, asked, null);
            change.Ledger(Entry(LedgerKind.ApprovalRequested, asked) with { DeviceId = ask.Device.DeviceId, Actor = ask.Device.Name, Data = Requested(asked).ToJson() });
            Tell(change, asked);
            return (asked, true);
        });
        if (isNew)
        {
            Watch(approval.ApprovalId, approval.ExpiresAt - store.Now);
        }

        return approval;
    }

    /// <summary>One approval as it is now.</summary>
    public Task<ApprovalInfo?> FindAsync(Guid approvalId) => store.ReadAsync(
        reader => ApprovalRows.List(reader, "approval_id = $id", 1, ("$id", approvalId.ToString())) is [var found] ? found : null, CancellationToken.None);

    /// <summary>Takes a device's decision. Sending the same decision again returns the approval as it is now.</summary>
    /// <param name="device">Null: the owner at the machine's command line, who has no key to sign with; the row says so by having no signature and no device.</param>
    /// <exception cref="RequestFailure">APPROVAL_NOT_FOUND, DIGEST_MISMATCH, BAD_SIGNATURE, ALREADY_DECIDED, INVALID_REQUEST</exception>
    public async Task<ApprovalInfo> DecideAsync(Device? device, AgentPromptResponseRequest decision)
    {
        DecisionCheck.Form(decision);
        var signed = device is null ? null : DecisionCheck.Verify(device.SigningKey, machineId, decision);
        var by = device?.Name ?? CommandLine;
        var settled = false;
        var approval = await store.WriteAsync(change =>
        {
            var asked = ApprovalRows.Find(change, decision.ApprovalId)
                ?? throw new RequestFailure(ErrorCode.ApprovalNotFound, "There is no such request on this machine.");
            if (asked.Decision is { } earlier && earlier.DecisionId == decision.DecisionId && earlier.DeviceId == device?.DeviceId)
            {
                return asked;
            }

            if (asked.State != ApprovalState.Pending)
            {
                throw Lost(asked);
            }

            if (!string.Equals(asked.Digest, decision.Digest, StringComparison.Ordinal))
            {
                throw new RequestFailure(ErrorCode.DigestMismatch, "The decision names something else than what is waiting. Look at the request again.");
            }

            DecisionCheck.Fits(asked, decision);
            var allowed = decision.Verdict == DecisionVerdict.Allow;
            var decided = asked with
            {
                State = !allowed ? ApprovalState.Denied : AllowedState(asked),
                Decision = new DecisionInfo(decision.DecisionId, decision.Verdict, decision.Scope, decision.Reason, device?.DeviceId, by, change.Now),
            };
            change.Ledger(Entry(LedgerKind.ApprovalDecided, decided) with
            {
                DeviceId = device?.DeviceId,
                Actor = by,
                Data = new DecidedData(
                    decision.Verdict,
                    decision.Scope,
                    decision.DecisionId,
                    by,
                    decision.Reason,
                    device is null ? null : Base64Url.EncodeToString(device.SigningKey),
                    signed,
                    device is null ? null : decision.Signature,
                    null).ToJson(),
            });
            ApprovalRows.Update(change, decided);
            if (allowed && decision.Scope == DecisionScope.Project && asked.Subject is NetworkSubject wanted)
            {
                NetworkRules.Add(change, asked.ProjectId, NetworkRules.Parse($"{wanted.Host}:{wanted.Port}"), DecisionCheck.Days(decision.Answers), by, device?.DeviceId, asked.ApprovalId);
            }
            else if (allowed && decision.Scope != DecisionScope.Once)
            {
                change.Execute(
                    "INSERT INTO grants (approval_id, session_id, turn_id, reach_key) SELECT approval_id, session_id, $turn, reach_key FROM approvals WHERE approval_id = $id AND reach_key IS NOT NULL",
                    ("$id", asked.ApprovalId.ToString()),
                    ("$turn", decision.Scope == DecisionScope.Turn ? asked.TurnId.ToString() : null));
            }

            Tell(change, decided);
            settled = true;
            return decided;
        });
        if (settled)
        {
            Forget(approval.ApprovalId);
            Settled(approval, decision);
        }

        return approval;
    }

    /// <summary>
    /// Records that an allowed thing begins now. Returns false, and records nothing, when it is not allowed (any more): then it must not run.
    /// </summary>
    /// <param name="snapshot">The snapshot that was taken before, by its commit.</param>
    public Task<bool> StartAsync(Guid approvalId, string? snapshot = null) => store.WriteAsync(change => Start(change, approvalId, snapshot, _ => null));

    /// <summary>The same for a job: gives it its name. Null when it is not allowed (any more).</summary>
    public Task<string?> StartJobAsync(Guid approvalId, string? snapshot) => store.WriteAsync(change =>
    {
        string? name = null;
        return Start(change, approvalId, snapshot, allowed => name = FormattableString.Invariant($"job-{ApprovalRows.CountJobs(change, allowed.AgentSessionId!.Value) + 1}")) ? name : null;
    });

    private static bool Start(Change change, Guid approvalId, string? snapshot, Func<ApprovalInfo, string?> job)
    {
        if (ApprovalRows.Find(change, approvalId) is not { State: ApprovalState.Allowed } allowed)
        {
            return false;
        }

        var running = allowed with { State = ApprovalState.Running, Execution = new ExecutionInfo(change.Now, null, null, null, snapshot is not null, job(allowed)) };
        change.Ledger(Entry(LedgerKind.ExecutionStarted, running) with { Data = new StartedData(What(running), (running.Subject as CommandSubject)?.Cwd, snapshot).ToJson() });
        ApprovalRows.Update(change, running);
        Tell(change, running);
        return true;
    }

    /// <summary>Records how it ended, as a part of the change that tells the result. Does nothing when it is not running.</summary>
    /// <param name="error">For people: why what the machine did itself failed.</param>
    public static void Finish(Change change, Guid approvalId, FinishedData finished, string? error = null)
    {
        if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Running } running)
        {
            var done = running with
            {
                State = ApprovalState.Finished,
                Execution = running.Execution! with { FinishedAt = change.Now, ExitCode = finished.ExitCode, Failed = finished.Failed, Error = error },
            };
            change.Ledger(Entry(LedgerKind.ExecutionFinished, done) with { Data = finished.ToJson() });
            ApprovalRows.Update(change, done);
            Tell(change, done);
        }
    }

    /// <summary>The same for a job, whose sandbox may have died under it: then its outcome is unknown.</summary>
    public static void FinishJob(Change change, Guid approvalId, FinishedData finished, bool lost)
    {
        if (!lost)
        {
            Finish(change, approvalId, finished);
        }
        else if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Running } running)
        {
            Close(change, running, ApprovalState.Unknown, "its sandbox was lost");
        }
    }

    /// <summary>Records that an allowed thing was not done because it is not the same any more.</summary>
    public Task RefuseAsync(Guid approvalId, string drift) => store.WriteAsync(change =>
    {
        if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Allowed } allowed)
        {
            change.Ledger(Entry(LedgerKind.AlarmRaised, allowed) with { Data = new NotRunData(drift).ToJson() });
            Close(change, allowed, ApprovalState.Withdrawn, drift);
        }
    });

    /// <summary>Closes what a turn left open: what waits is withdrawn and, when <paramref name="alsoRunning"/>, what runs becomes unknown.</summary>
    public async Task CloseTurnAsync(Guid sessionId, Guid turnId, string reason, bool alsoRunning)
        => Forget(await store.WriteAsync(change => CloseTurn(change, sessionId, turnId, reason, alsoRunning)));

    /// <summary>The same as a part of a larger change; after its commit, <see cref="Forget(IEnumerable{ApprovalInfo})"/> what it gives.</summary>
    /// <param name="goesOn">Jobs: they are not the turn's.</param>
    public static IReadOnlyList<ApprovalInfo> CloseTurn(Change change, Guid sessionId, Guid turnId, string reason, bool alsoRunning, Func<Guid, bool>? goesOn = null)
        => CloseOpen(change, sessionId, turnId, ApprovalState.Withdrawn, reason, alsoRunning, goesOn);

    /// <summary>Stops the clocks of approvals that are closed.</summary>
    public void Forget(IEnumerable<ApprovalInfo> closed)
    {
        foreach (var approval in closed)
        {
            Forget(approval.ApprovalId);
        }
    }

    /// <summary>The agent no longer waits for this one.</summary>
    public async Task WithdrawAsync(Guid approvalId, string reason)
    {
        await store.WriteAsync(change =>
        {
            if (ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Pending or ApprovalState.Allowed } open)
            {
                Close(change, open, ApprovalState.Withdrawn, reason);
            }
        });
        Forget(approvalId);
    }

    /// <summary>After a restart nobody waits for an answer any more: pending ones expire, running ones can't be known.</summary>
    public static List<ApprovalInfo> Recover(Change change) => CloseOpen(change, null, null, ApprovalState.Expired, "restart", alsoRunning: true);

    /// <summary>The decision that allows this thing for the turn or the session, when there is one.</summary>
    public Task<ApprovalInfo?> GrantAsync(Guid session, Guid turn, string reachKey) => store.ReadAsync(
        reader => reader.Query(GrantQuery, ApprovalRows.Map, ("$session", session.ToString()), ("$key", reachKey), ("$turn", turn.ToString())) is [var grant, ..] ? grant : null, CancellationToken.None);

    public Task<IReadOnlyList<ApprovalInfo>> PendingAsync(CancellationToken cancellationToken)
        => store.ReadAsync(connection => ApprovalRows.List(connection, "state = 'Pending'", 500), cancellationToken);

    public Task<IReadOnlyList<ApprovalInfo>> ListAsync(ApprovalsListRequest request, CancellationToken cancellationToken) => store.ReadAsync(
        connection => ApprovalRows.List(
            connection,
            (request.Pending ? "state = 'Pending'" : "1") + (request.AgentSessionId is null ? "" : " AND session_id = $session"),
            200,
            ("$session", request.AgentSessionId?.ToString())),
        cancellationToken);

    public void Dispose()
    {
        foreach (var timer in _timers.Values)
        {
            timer.Dispose();
        }
    }

    private static List<ApprovalInfo> CloseOpen(Change change, Guid? sessionId, Guid? turnId, ApprovalState pendingBecomes, string reason, bool alsoRunning, Func<Guid, bool>? goesOn = null)
    {
        var closed = new List<ApprovalInfo>();
        foreach (var open in ApprovalRows.Open(change, sessionId, turnId).Where(a => a.State != ApprovalState.Running || (alsoRunning && goesOn?.Invoke(a.ApprovalId) != true)))
        {
            // Allowed and not begun did not run: the agent is told only after "started" is in the ledger.
            closed.Add(Close(change, open, open.State == ApprovalState.Running ? ApprovalState.Unknown : pendingBecomes, reason));
        }

        return closed;
    }

    private static ApprovalInfo Close(Change change, ApprovalInfo open, ApprovalState state, string reason)
    {
        var closed = open with
        {
            State = state,
            Execution = open.Execution is null ? null : open.Execution with { FinishedAt = change.Now },
            Decision = open.Decision ?? new DecisionInfo(Guid.CreateVersion7(), DecisionVerdict.Deny, DecisionScope.Once, reason, null, reason, change.Now),
        };
        change.Ledger(open.State switch
        {
            ApprovalState.Running => Entry(LedgerKind.ExecutionUnknown, closed) with { Data = new UnknownData(reason).ToJson() },
            ApprovalState.Allowed => Entry(LedgerKind.ExecutionRefused, closed) with { Data = new NotRunData(reason).ToJson() },
            _ => Entry(LedgerKind.ApprovalExpired, closed) with { Data = new ExpiredData(reason).ToJson() },
        });
        ApprovalRows.Update(change, closed);
        Tell(change, closed);
        return closed;
    }

    private static void Tell(Change change, ApprovalInfo approval)
    {
        if (approval.AgentSessionId is { } session)
        {
            change.Event(session, new PromptEvent(approval) { At = change.Now, TurnId = approval.TurnId });
        }

        change.Publish(new ApprovalChanged(approval));
    }

    private const string GrantQuery =
        "SELECT a.body FROM grants g JOIN approvals a USING (approval_id) WHERE g.session_id = $session AND g.reach_key = $key AND (g.turn_id IS NULL OR g.turn_id = $turn) LIMIT 1";

    /// <summary>What is only let happen, not done by us, is over with the decision.</summary>
    private static ApprovalState AllowedState(ApprovalInfo asked)
        => asked.Kind is ApprovalKind.Question or ApprovalKind.Plan or ApprovalKind.Network or ApprovalKind.Prompt || asked.Subject is FileSubject { Operation: FileOperation.Read } ? ApprovalState.Finished : ApprovalState.Allowed;

    private static ApprovalInfo? FindGrant(Change change, ApprovalDraft draft, string key) => change.Find(
        GrantQuery,
        ApprovalRows.Map,
        ("$session", draft.SessionId.ToString()),
        ("$key", key),
        ("$turn", draft.TurnId.ToString()));

    private static LedgerEntry Entry(string kind, ApprovalInfo approval) => new(kind)
    {
        SessionId = approval.AgentSessionId?.ToString(),
        TurnId = approval.AgentSessionId is null ? null : approval.TurnId.ToString(),
        ApprovalId = approval.ApprovalId.ToString(),
        Digest = approval.Digest,
        Sandbox = SandboxName.Of(approval.Sandbox),
        DeviceId = approval.Decision?.DeviceId,
    };

    private static RequestedData Requested(ApprovalInfo approval) => new(
        approval.Kind,
        approval.Agent,
        approval.Subject switch { CommandSubject s => s.Tool, EditSubject s => s.Tool, ToolSubject s => s.Tool, JobInputSubject s => s.Tool, _ => null },
        What(approval),
        (approval.Subject as CommandSubject)?.Cwd,
        approval.ExpiresAt);

    private static string What(ApprovalInfo approval) => approval.Subject switch
    {
        CommandSubject command => command.Command,
        EditSubject edit => edit.Path,
        ToolSubject tool => tool.Tool,
        JobInputSubject input => $"{input.Job}: {input.Text}",
        QuestionSubject => "question",
        NetworkSubject host => $"{host.Host}:{host.Port}",
        PromptSubject => "prompt",
        FileSubject { To: { } to } file => $"{Word(file.Operation)} {file.Path} → {to}",
        FileSubject file => $"{Word(file.Operation)} {file.Path}",
        GitSubject git => $"{git.Operation.ToString().ToLowerInvariant()} {git.Url} {string.Join(' ', git.Refs.Select(r => r.Name))}",
        _ => "plan",
    };

    private static string Word(FileOperation operation) => operation.ToString().ToLowerInvariant();

    private static RequestFailure Lost(ApprovalInfo asked) => new(
        ErrorCode.AlreadyDecided,
        asked.Decision is { DeviceId: null, By: CommandLine } ? "The command line decided first." : asked.Decision is { DeviceId: not null } decision ? $"{decision.By} decided first." : $"It is no longer waiting ({asked.State.ToString().ToLowerInvariant()}).",
        new Dictionary<string, string>(StringComparer.Ordinal) { ["state"] = JsonSerializer.Serialize(asked.State, ProtocolJson.Default.ApprovalState).Trim('"') });

    private void Watch(Guid approvalId, TimeSpan left)
        => _timers[approvalId] = time.CreateTimer(_ => _ = ExpireAsync(approvalId), null, left, Timeout.InfiniteTimeSpan);

    private async Task ExpireAsync(Guid approvalId)
    {
        ApprovalInfo? expired;
        try
        {
            expired = await store.WriteAsync(change => ApprovalRows.Find(change, approvalId) is { State: ApprovalState.Pending } pending
                ? Close(change, pending, ApprovalState.Expired, "time-out")
                : null);
        }
        catch (LedgerException e) when (e.Error != LedgerError.Closed)
        {
            // Not recorded is not settled: it goes on waiting, and so does the agent. Most likely the disk is full.
            Forget(approvalId);
            Watch(approvalId, s_retryAfter);
            return;
        }

        Forget(approvalId);
        if (expired is not null)
        {
            Settled(expired, null);
        }
    }

    private void Forget(Guid approvalId)
    {
        if (_timers.TryRemove(approvalId, out var timer))
        {
            timer.Dispose();
        }
    }
}

/// <summary>What a session asks the desk for.</summary>
internal sealed record ApprovalDraft(
    Guid SessionId,
    Guid TurnId,
    Guid ProjectId,
    string Agent,
    string? ToolUseId,
    ApprovalKind Kind,
    ApprovalSubject Subject,
    string Digest,
    string? Reason,
    string? ReachKey,
    string? ReachWords,
    SandboxKind Sandbox)
{
    public RiskInfo? Risk { get; init; }
}
