using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// What a person asks for in a project, outside of any session, and must still allow: the machine does it itself once it is allowed, or lets the asking device
/// read what was withheld. Nothing of it outlives the daemon: what waits expires with a restart, like everything that waits. Thread-safe.
/// </summary>
internal sealed partial class ProjectDesk(Store store, ApprovalDesk approvals, ILogger logger) : IAsyncDisposable
{
    /// <summary>How many may wait on the whole machine.</summary>
    public const int Bound = 32;

    /// <summary>For how long an allowance to read holds, from the decision.</summary>
    public static readonly TimeSpan ReadableFor = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<Guid, ProjectAsk> _waiting = new();
    private readonly ConcurrentDictionary<Guid, Running> _running = new();
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Asks. The same thing that waits already is not asked twice: its approval is the answer.</summary>
    /// <exception cref="RequestFailure">DAEMON_BUSY</exception>
    public async Task<ApprovalInfo> AskAsync(ProjectAsk ask)
    {
        var approval = await approvals.RequestAsync(ask, Bound);
        _waiting.TryAdd(approval.ApprovalId, ask);
        if (await approvals.FindAsync(approval.ApprovalId) is { State: not ApprovalState.Pending } settled)
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
            ask.Run is null ? "Allow it first, then ask for it again." : "It is done when you allow it.",
            new Dictionary<string, string>(StringComparer.Ordinal) { ["approvalId"] = approval.ApprovalId.ToString() });
    }

    /// <summary>Whether exactly this may be read now, by this device: it asked, somebody allowed it, and not long ago.</summary>
    /// <exception cref="RequestFailure">APPROVAL_NOT_FOUND, DIGEST_MISMATCH, UNAUTHORIZED: denied, expired, or not decided yet</exception>
    public async Task RequireAllowedAsync(Guid approvalId, Guid projectId, string digest, Device device)
    {
        if (await approvals.FindAsync(approvalId) is not { AgentSessionId: null } approval || approval.ProjectId != projectId)
        {
            throw new RequestFailure(ErrorCode.ApprovalNotFound, "There is no such request on this machine.");
        }

        if (approval.Digest != digest)
        {
            throw new RequestFailure(ErrorCode.DigestMismatch, "What was allowed is something else, or it has changed since. Ask again.");
        }

        if (approval is not { State: ApprovalState.Finished, Decision.Verdict: DecisionVerdict.Allow } || approval.Decision.At + ReadableFor < store.Now || approval.RequestedById != device.DeviceId)
        {
            throw new RequestFailure(ErrorCode.Unauthorized, "It is not allowed to this device, or not any more. Ask again.");
        }
    }

    /// <summary>Told when one left the pending state.</summary>
    public void Settle(ApprovalInfo approval)
    {
        if (_waiting.TryRemove(approval.ApprovalId, out var ask) && approval.State == ApprovalState.Allowed && ask.Run is { } run && !_stopping.IsCancellationRequested)
        {
            var running = new Running(_stopping.Token);
            if (_running.TryAdd(approval.ApprovalId, running))
            {
                _ = RunAsync(approval.ApprovalId, ask, run, running);
            }
            else
            {
                running.Dispose();
            }
        }
    }

    /// <summary>Ends what runs and waits for its end; what is over is answered as it ended. What had been done until then stays done.</summary>
    /// <exception cref="RequestFailure">APPROVAL_NOT_FOUND: there is none of that kind; CONFLICT: it is not decided yet.</exception>
    public async Task<ApprovalInfo> StopAsync(Guid approvalId, ApprovalKind kind, Device device, CancellationToken cancellationToken)
    {
        if (await approvals.FindAsync(approvalId) is not { AgentSessionId: null } approval || approval.Kind != kind)
        {
            throw new RequestFailure(ErrorCode.ApprovalNotFound, "There is no such request on this machine.");
        }

        if (_running.TryGetValue(approvalId, out var running))
        {
            running.Stop(device.Name);
            await running.Over.Task.WaitAsync(cancellationToken);
            approval = await approvals.FindAsync(approvalId) ?? approval;
        }

        return approval.State != ApprovalState.Pending ? approval : throw new RequestFailure(ErrorCode.Conflict, "It waits for a decision. Deny it instead.");
    }

    /// <summary>Ends what runs, and waits for it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Values.Select(r => r.Over.Task));
        _stopping.Dispose();
    }

    private async Task RunAsync(Guid approvalId, ProjectAsk ask, Func<CancellationToken, Task<ProjectOutcome>> run, Running running)
    {
        try
        {
            if (ask.Drift is { } drift && await ChangedAsync(drift) is { } changed)
            {
                await approvals.RefuseAsync(approvalId, changed);
                return;
            }

            if (!await approvals.StartAsync(approvalId))
            {
                return;
            }

            var outcome = await OutcomeAsync(run, running);
            await store.WriteAsync(change =>
            {
                outcome.Record?.Invoke(change);
                ApprovalDesk.Finish(change, approvalId, outcome.Finished, outcome.Error);
            });
        }
        catch (Exception e) when (e is LedgerException or OperationCanceledException)
        {
            // The ledger is closed or can't be written: what began stays "running" there and is told as unknown after the next start.
            LogNotRecorded(logger, approvalId, e.Message);
        }
        finally
        {
            _running.TryRemove(approvalId, out _);
            running.Dispose();
            running.Over.SetResult();
        }
    }

    /// <summary>Why it is not the same any more; what can't be compared counts as changed.</summary>
    private async Task<string?> ChangedAsync(Func<CancellationToken, Task<string?>> drift)
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
            return $"Whether it is still the same could not be found out: {e.Message}";
        }
    }

    private async Task<ProjectOutcome> OutcomeAsync(Func<CancellationToken, Task<ProjectOutcome>> run, Running running)
    {
        try
        {
            running.Stopped.ThrowIfCancellationRequested(); // stopped before it began: then it does not
            return await run(running.Stopped);
        }
        catch (RequestFailure e)
        {
            return ProjectOutcome.Failed(e.Error.Message);
        }
        catch (OperationCanceledException)
        {
            return ProjectOutcome.Failed(running.Why ?? "The daemon stopped meanwhile.");
        }
        catch (Exception e) when (e is not LedgerException) // whatever it is, it began and is over: that must be told
        {
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
        public string? Why => _stoppedBy is { } name ? $"Stopped by {name}. What had been done until then stays done." : null;

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

    [LoggerMessage(Level = LogLevel.Warning, Message = "How {Approval} ended could not be recorded: {Reason}")]
    private static partial void LogNotRecorded(ILogger logger, Guid approval, string reason);
}

/// <summary>What a person asks for in a project.</summary>
/// <param name="Digest">SHA-256 (hex) of the exact thing, <see cref="ApprovalDigest.OfProject"/>.</param>
/// <param name="Run">Does it, once, after "started" is in the ledger; null: it is only let happen. Throws <see cref="RequestFailure"/> when it can't.</param>
/// <param name="Drift">Immediately before: why it is not the same any more; null when it is.</param>
/// <param name="Sandbox">Where it will be done.</param>
/// <param name="Risk">Null: the subject says it all.</param>
internal sealed record ProjectAsk(
    Guid ProjectId,
    Device Device,
    ApprovalKind Kind,
    ApprovalSubject Subject,
    string Digest,
    Func<CancellationToken, Task<ProjectOutcome>>? Run = null,
    Func<CancellationToken, Task<string?>>? Drift = null,
    SandboxKind Sandbox = SandboxKind.None,
    RiskInfo? Risk = null);

/// <summary>How it ended.</summary>
/// <param name="Error">For people, when it failed. May hold untrusted text.</param>
/// <param name="Record">What else belongs into the same change.</param>
internal sealed record ProjectOutcome(FinishedData Finished, string? Error = null, Action<Change>? Record = null)
{
    /// <summary>It did what was wanted and left no output that matters.</summary>
    public static ProjectOutcome Done { get; } = new(new FinishedData(0, false, null, 0, OfNothing));

    private const string OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    public static ProjectOutcome Failed(string error, int? exitCode = null) => new(new FinishedData(exitCode, true, null, 0, OfNothing), error);
}
