using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Logging;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>
/// Until when each approval that is not over may be decided, and what was allowed may begin: by both clocks, with a timer for each that
/// waits. Thread-safe.
/// </summary>
/// <param name="expire">Called when a time is over; may be called again, and for one that was decided meanwhile.</param>
internal sealed class ApprovalDeadlines(TimeProvider time, ILogger logger, Func<Guid, Task> expire) : IDisposable
{
    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a timer sleeps at most: it stands still while the machine sleeps, so what ended meanwhile is noticed this much later.
    /// </summary>
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<Guid, ITimer> _timers = new();
    private readonly ConcurrentDictionary<Guid, Deadline> _deadlines = new();

    /// <summary>Its time begins; one that waits for a decision gets a timer.</summary>
    public void Begin(ApprovalInfo approval)
    {
        if (approval.State is ApprovalState.Pending or ApprovalState.Allowed)
        {
            _deadlines[approval.ApprovalId] = Deadline.Until(time, approval.ExpiresAt);
        }

        if (approval.State == ApprovalState.Pending)
        {
            Watch(approval.ApprovalId, Wait(approval.ApprovalId));
        }
    }

    /// <summary>Whether its time is over, by either clock.</summary>
    public bool HasPassed(ApprovalInfo approval)
        => (_deadlines.TryGetValue(approval.ApprovalId, out var known) ? known : Deadline.Until(time, approval.ExpiresAt)).HasPassed(time);

    /// <summary>The same for one that begins now: from then on no deadline is kept for it.</summary>
    public bool HasPassedAtStart(ApprovalInfo allowed)
    {
        var over = HasPassed(allowed);
        _deadlines.TryRemove(allowed.ApprovalId, out _);
        return over;
    }

    /// <summary>It was decided: its timer stops, and until when it may begin is kept.</summary>
    public void StopTimer(Guid approvalId)
    {
        if (_timers.TryRemove(approvalId, out var timer))
        {
            timer.Dispose();
        }
    }

    /// <summary>It is over: nothing is kept of its time.</summary>
    public void End(Guid approvalId)
    {
        StopTimer(approvalId);
        _deadlines.TryRemove(approvalId, out _);
    }

    /// <summary>Its end could not be recorded: tried again soon.</summary>
    public void RetrySoon(Guid approvalId)
    {
        StopTimer(approvalId);
        Watch(approvalId, s_retryAfter);
    }

    public void Dispose()
    {
        foreach (var timer in _timers.Values)
        {
            timer.Dispose();
        }
    }

    private void Watch(Guid approvalId, TimeSpan wait)
        => _timers[approvalId] = time.CreateTimer(
            _ => LookAsync(approvalId).Observed(logger, "the time-out of an approval"), null, wait, Timeout.InfiniteTimeSpan);

    private TimeSpan Wait(Guid approvalId)
    {
        var left = _deadlines.TryGetValue(approvalId, out var ends) ? ends.Left(time) : TimeSpan.Zero;
        return left <= TimeSpan.Zero ? TimeSpan.Zero : left < s_look ? left : s_look;
    }

    private Task LookAsync(Guid approvalId)
    {
        if (Wait(approvalId) is var wait && wait <= TimeSpan.Zero)
        {
            return expire(approvalId);
        }

        if (_timers.TryGetValue(approvalId, out var timer))
        {
            timer.Change(wait, Timeout.InfiniteTimeSpan);
        }

        return Task.CompletedTask;
    }
}
