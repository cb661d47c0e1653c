using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// What a person asks for in a project, outside of any session, and must still allow: the machine does it itself once it is allowed, or
/// lets the asking device read what was withheld. Nothing of it outlives the daemon: what waits expires with a restart, like everything
/// that waits. Thread-safe.
/// </summary>
public sealed partial class PersonApprovals : IDisposable
{
    /// <summary>Bounds of each device.</summary>
    internal static readonly AskBounds Bounds = new(Reads: 8, Changes: 32, Asked: 120, TimeSpan.FromMinutes(10));

    /// <summary>For how long an allowance to read holds, from the decision.</summary>
    public static readonly TimeSpan ReadableFor = TimeSpan.FromMinutes(10);

    private readonly Store _store;
    private readonly ApprovalService _approvals;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<Guid, ProjectAsk> _waiting = new();
    private readonly ConcurrentDictionary<Guid, Running> _running = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly byte[] _sealing = RandomNumberGenerator.GetBytes(32);

    public PersonApprovals(Store store, ApprovalService approvals, ILogger logger)
    {
        (_store, _approvals, _logger) = (store, approvals, logger);
        approvals.Settled += (approval, _) => Settle(approval);
    }

    /// <summary>
    /// A text about something secret, as a hash that tells nothing to who does not know this daemon's key: digests are shown to every
    /// device.
    /// </summary>
    public string Sealed(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_sealing, Encoding.UTF8.GetBytes(text)));

    /// <summary>Until when what was allowed may be read: a person's decision each, for as long as the daemon runs.</summary>
    private readonly ConcurrentDictionary<Guid, Deadline> _readable = new();

    /// <summary>Asks. The same thing that waits already is not asked twice: its approval is the answer.</summary>
    /// <exception cref="RequestFailure">DAEMON_BUSY</exception>
    public async Task<ApprovalInfo> AskAsync(ProjectAsk ask)
    {
        _store.Seam("ask");
        var approval = await _approvals.RequestAsync(ask, Bounds);
        _waiting.TryAdd(approval.ApprovalId, ask);
        if (await _approvals.FindAsync(approval.ApprovalId) is { State: not ApprovalState.Pending } settled)
        {
            Settle(settled); // decided before we knew what to do about it
        }

        return approval;
    }

    /// <summary>Asks, and says so to the device as the error that it gets.</summary>
    public async Task<RequestFailure> RequiredAsync(ProjectAsk ask)
    {
        var approval = await AskAsync(ask);
        return new RequestFailure(
            ErrorCode.ApprovalRequired,
            ask.Run is null ? "Allow it first, then try again." : "It runs when you allow it.",
            new Dictionary<string, string>(StringComparer.Ordinal) { ["approvalId"] = approval.ApprovalId.ToString() });
    }

    /// <summary>Whether exactly this may be read now, by this device: it asked, somebody allowed it, and not long ago.</summary>
    /// <exception cref="RequestFailure">APPROVAL_NOT_FOUND, DIGEST_MISMATCH, UNAUTHORIZED: denied, expired, or not decided yet</exception>
    public async Task RequireAllowedAsync(Guid approvalId, Guid projectId, IReadOnlyDictionary<string, string> exactly, Device device)
    {
        if (await _approvals.FindAsync(approvalId) is not { AgentSessionId: null } approval || approval.ProjectId != projectId)
        {
            throw new RequestFailure(ErrorCode.ApprovalNotFound, "No such approval on this machine.");
        }

        if (!ApprovalDigest.Fits(approval, exactly))
        {
            throw new RequestFailure(
                ErrorCode.DigestMismatch, "The approved action is a different one, or it has changed since. Ask again.");
        }

        if (approval is not { State: ApprovalState.Finished, Decision.Verdict: DecisionVerdict.Allow }
            || Readable(approval).HasPassed(_store.Time) || approval.RequestedById != device.DeviceId)
        {
            throw new RequestFailure(ErrorCode.Unauthorized, "This device isn't (or is no longer) allowed to do that. Ask again.");
        }
    }

    private Deadline Readable(ApprovalInfo approval)
        => _readable.GetOrAdd(approval.ApprovalId, _ => Deadline.Until(_store.Time, approval.Decision!.At + ReadableFor));

    /// <summary>It left the pending state.</summary>
    private void Settle(ApprovalInfo approval)
    {
        if (approval.AgentSessionId is not null)
        {
            return; // a session's
        }

        if (approval is { State: ApprovalState.Finished, Decision.Verdict: DecisionVerdict.Allow })
        {
            _ = Readable(approval);
        }

        var isOurs = _waiting.TryRemove(approval.ApprovalId, out var ask);
        _store.Seam("settle");
        if (isOurs && approval.State == ApprovalState.Allowed && ask?.Run is { } run && !_stopping.IsCancellationRequested)
        {
            var running = new Running(_stopping.Token);
            if (_running.TryAdd(approval.ApprovalId, running))
            {
                RunAsync(approval.ApprovalId, ask, run, running).Observed(_logger, "what a person asked for");
            }
            else
            {
                running.Dispose();
            }
        }
    }

    /// <summary>
    /// Ends what runs and waits for its end; what is over is answered as it ended. What had been done until then stays done.
    /// </summary>
    /// <exception cref="RequestFailure">APPROVAL_NOT_FOUND: there is none of that kind; CONFLICT: it is not decided yet.</exception>
    public async Task<ApprovalInfo> StopAsync(Guid approvalId, ApprovalKind kind, Device device, CancellationToken cancellationToken)
    {
        if (await _approvals.FindAsync(approvalId) is not { AgentSessionId: null } approval || approval.Kind != kind)
        {
            throw new RequestFailure(ErrorCode.ApprovalNotFound, "No such approval on this machine.");
        }

        if (_running.TryGetValue(approvalId, out var running))
        {
            running.Stop(device.Name);
            await running.Over.Task.WaitAsync(cancellationToken);
            approval = await _approvals.FindAsync(approvalId) ?? approval;
        }

        return approval.State != ApprovalState.Pending ? approval
            : throw new RequestFailure(ErrorCode.Conflict, "It is waiting for a decision. Deny it instead.");
    }

    /// <summary>Begins nothing more, ends what runs, and waits for its end.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Values.Select(r => r.Over.Task));
    }

    /// <summary>After <see cref="StopAsync"/>.</summary>
    public void Dispose() => _stopping.Dispose();

    private async Task RunAsync(Guid approvalId, ProjectAsk ask, Func<CancellationToken, Task<ProjectOutcome>> run, Running running)
    {
        try
        {
            _store.Seam("drift");
            var beginning = await _approvals.BeginAsync(
                approvalId, () => ask.Drift is { } drift ? ChangedAsync(approvalId, drift) : Task.FromResult<string?>(null),
                () => _approvals.StartAsync(approvalId));
            if (!beginning.Begun)
            {
                return;
            }

            var outcome = await OutcomeAsync(approvalId, run, running);
            await _store.MustWriteAsync(change =>
            {
                outcome.Record?.Invoke(change);
                ApprovalSteps.Finish(change, approvalId, outcome.Finished, outcome.Error);
            });
        }
        catch (Exception e) when (e is LedgerException or OperationCanceledException)
        {
            // The ledger is closed, or can't be written for a reason that does not pass: what began stays "running" there and is told as
            // unknown after the next start.
            LogNotRecorded(_logger, approvalId, e.Message);
        }
        catch (Exception e)
        {
            LogFailed(_logger, approvalId, e);
            await CloseAsync(approvalId, e);
        }
        finally
        {
            _running.TryRemove(approvalId, out _);
            running.Dispose();
            running.Over.SetResult();
        }
    }

    /// <summary>An error of ours between the decision and the end: what did not begin is withdrawn, what began is unknown.</summary>
    private async Task CloseAsync(Guid approvalId, Exception error)
    {
        try
        {
            await _approvals.AbandonAsync(approvalId, $"an error inside PocketCoder ({error.Message})");
        }
        catch (Exception e)
        {
            LogFailed(_logger, approvalId, e); // a restart closes it
        }
    }

    /// <summary>Why it is not the same any more; what can't be compared counts as changed.</summary>
    private async Task<string?> ChangedAsync(Guid approvalId, Func<CancellationToken, Task<string?>> drift)
    {
        try
        {
            return await drift(_stopping.Token);
        }
        catch (RequestFailure e)
        {
            return e.Error.Message;
        }
        catch (Exception e) when (e is not (LedgerException or OperationCanceledException))
        {
            LogFailed(_logger, approvalId, e);
            return $"Can't check whether it is still the same: {e.Message}";
        }
    }

    private async Task<ProjectOutcome> OutcomeAsync(Guid approvalId, Func<CancellationToken, Task<ProjectOutcome>> run, Running running)
    {
        try
        {
            _store.Seam("run");
            running.Stopped.ThrowIfCancellationRequested(); // stopped before it began: then it does not
            return await run(running.Stopped);
        }
        catch (RequestFailure e)
        {
            return ProjectOutcome.Failed(e.Error.Message);
        }
        catch (OperationCanceledException)
        {
            return ProjectOutcome.Failed(running.Why ?? "The daemon stopped in the meantime.");
        }
        catch (Exception e) when (e is not LedgerException) // whatever it is, it began and is over: that must be told
        {
            LogFailed(_logger, approvalId, e);
            return ProjectOutcome.Failed(e.Message);
        }
    }

    /// <summary>One that runs. Thread-safe.</summary>
    private sealed class Running(CancellationToken daemonStops) : IDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(daemonStops);
        private string? _stoppedBy;

        public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationToken Stopped => _stop.Token;

        /// <summary>What to tell when somebody stopped it; null: nobody did.</summary>
        public string? Why => _stoppedBy is { } name ? $"Stopped by {name}. Completed work is kept." : null;

        public void Stop(string by)
        {
            Interlocked.CompareExchange(ref _stoppedBy, by, null);
            try
            {
                _stop.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // it ended in this moment
            }
        }

        public void Dispose() => _stop.Dispose();
    }

    [LoggerMessage(EventId = 362, Level = LogLevel.Error, Message = "approval {Approval}: what it allowed could not be done or recorded")]
    private static partial void LogFailed(ILogger logger, Guid approval, Exception error);

    [LoggerMessage(EventId = 364, Level = LogLevel.Warning, Message = "How {Approval} ended could not be recorded: {Reason}")]
    private static partial void LogNotRecorded(ILogger logger, Guid approval, string reason);
}

/// <summary>What a person asks for in a project.</summary>
/// <param name="Exactly">All that it depends on, <see cref="ApprovalDigest.OfProject"/>.</param>
/// <param name="Run">Does it, once, after "started" is in the ledger; null: it is only let happen. Throws <see cref="RequestFailure"/> when
/// it can't.</param>
/// <param name="Drift">Immediately before: why it is not the same any more; null when it is.</param>
/// <param name="Sandbox">Where it will be done.</param>
/// <param name="Risk">Null: the subject says it all.</param>
public sealed record ProjectAsk(
    Guid ProjectId,
    Device Device,
    ApprovalKind Kind,
    ApprovalSubject Subject,
    IReadOnlyDictionary<string, string> Exactly,
    Func<CancellationToken, Task<ProjectOutcome>>? Run = null,
    Func<CancellationToken, Task<string?>>? Drift = null,
    SandboxKind Sandbox = SandboxKind.None,
    RiskInfo? Risk = null);

/// <summary>How it ended.</summary>
/// <param name="Error">For people, when it failed. May hold untrusted text.</param>
/// <param name="Record">What else belongs into the same change.</param>
public sealed record ProjectOutcome(FinishedData Finished, string? Error = null, Action<Change>? Record = null)
{
    /// <summary>It did what was wanted and left no output that matters.</summary>
    public static ProjectOutcome Done { get; } = new(new FinishedData(0, false, null, 0, OfNothing));

    private const string OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    public static ProjectOutcome Failed(string error, int? exitCode = null)
        => new(new FinishedData(exitCode, true, null, 0, OfNothing), error);
}
