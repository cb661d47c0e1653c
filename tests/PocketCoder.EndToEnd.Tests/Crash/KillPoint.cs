using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>What the phone sees of the machine's progress.</summary>
internal enum Moment
{
    /// <summary>Any pushed message came.</summary>
    Frame,

    /// <summary>A request has just been sent; its answer has not come.</summary>
    Sent,

    /// <summary>A decision has just been sent.</summary>
    DecisionSent,

    /// <summary>The answer to a request came.</summary>
    Acknowledged,

    /// <summary>The answer to a decision came.</summary>
    DecisionAcknowledged,

    /// <summary>A piece of live text came.</summary>
    Delta,

    /// <summary>Something began to wait for a person.</summary>
    Asked,

    /// <summary>An execution began: its row stands in the ledger.</summary>
    Started,

    /// <summary>An execution ended.</summary>
    Finished,

    /// <summary>A tool's result came.</summary>
    Result,

    /// <summary>A turn ended.</summary>
    Done,

    /// <summary>A command that stays is running for certain: it wrote its id.</summary>
    CommandRuns,
}

/// <summary>When to kill: at the n-th time of a moment, and perhaps a little later.</summary>
/// <param name="Early">Already while the phone comes back and sends again what was not acknowledged.</param>
/// <param name="Recoveries">How many of the following starts are killed too before they are ready.</param>
internal sealed record KillPoint(Moment Moment, int Count, TimeSpan Delay, bool Early, int Recoveries)
{
    private static readonly Moment[] s_moments =
    [
        Moment.Frame, Moment.Sent, Moment.DecisionSent, Moment.DecisionSent, Moment.Acknowledged, Moment.DecisionAcknowledged,
        Moment.DecisionAcknowledged, Moment.Delta,
        Moment.Asked, Moment.Started, Moment.Started, Moment.Finished, Moment.Result, Moment.Done, Moment.CommandRuns, Moment.CommandRuns,
    ];

    /// <summary>Every moment comes in turn, the rest by chance.</summary>
    public static KillPoint Choose(Random random, int round)
    {
        var moment = s_moments[round % s_moments.Length];
        var count = moment switch
        {
            Moment.Frame => random.Next(1, 60),
            Moment.Delta => random.Next(1, 25),
            Moment.Sent or Moment.Acknowledged => random.Next(1, 7),
            _ => random.Next(1, 3),
        };
        return new KillPoint(
            moment,
            moment == Moment.CommandRuns ? 1 : count,
            TimeSpan.FromMilliseconds(random.Next(3) == 0 ? random.Next(1, 12) : 0),
            Early: moment is Moment.Frame or Moment.Sent or Moment.Acknowledged && random.Next(3) == 0,
            Recoveries: random.Next(5) == 0 ? random.Next(1, 3) : 0);
    }

    public override string ToString()
        => $"{Moment} #{Count}{(Delay > TimeSpan.Zero ? $" + {Delay.TotalMilliseconds:0} ms" : "")}{(Early ? ", while coming back" : "")}{(Recoveries > 0 ? $", then {Recoveries} start(s)" : "")}";
}

/// <summary>Counts moments and pulls the trigger once. Thread-safe.</summary>
internal sealed class KillSwitch(KillPoint point, Action kill)
{
    private readonly TaskCompletionSource _fired = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _seen;

    public KillPoint Point => point;

    /// <summary>Completes when the kill was sent.</summary>
    public Task Fired => _fired.Task;

    public void Saw(Moment moment)
    {
        if (moment == point.Moment && Interlocked.Increment(ref _seen) == point.Count)
        {
            Fire();
        }
    }

    public void Fire()
    {
        if (point.Delay == TimeSpan.Zero)
        {
            Pull();
            return;
        }

        _ = LaterAsync();
        async Task LaterAsync()
        {
            await Wait.PauseAsync((int)point.Delay.TotalMilliseconds, CancellationToken.None);
            Pull();
        }
    }

    private void Pull()
    {
        kill();
        _fired.TrySetResult();
    }

    /// <summary>The moments that a pushed event is.</summary>
    public void Saw(AgentEventPayload payload)
    {
        switch (payload)
        {
            case ApprovalEvent { Approval.State: ApprovalState.Pending }:
                Saw(Moment.Asked);
                break;
            case ApprovalEvent { Approval.State: ApprovalState.Running }:
                Saw(Moment.Started);
                break;
            case ApprovalEvent { Approval.State: ApprovalState.Finished }:
                Saw(Moment.Finished);
                break;
            case ToolResultEvent:
                Saw(Moment.Result);
                break;
            case DoneEvent:
                Saw(Moment.Done);
                break;
            default:
                break;
        }
    }
}
