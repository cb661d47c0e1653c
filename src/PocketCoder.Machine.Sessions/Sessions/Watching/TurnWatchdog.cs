using System.Net.NetworkInformation;
using PocketCoder.Agents;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Sessions.Turns;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Watching;

/// <summary>
/// Watches a running turn: explains silence, keeps the limits, notices an agent that repeats itself or whose key was refused. On the
/// mailbox only, but for <see cref="KeyRefused"/>.
/// </summary>
internal sealed class TurnWatchdog(
    SessionContext session, TurnWatch watch, ToolGate gate, AgentHost host, ModelAccessNotes access, ITurnControl turns,
    IAgentListener listener, CommandTool commands) : IDisposable
{
    /// <summary>How often a running turn is looked at; without one nothing is.</summary>
    private static readonly TimeSpan s_lookEvery = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A process that ended says so on its pipes; when something it started holds them open, it is believed after so long.
    /// </summary>
    private static readonly TimeSpan s_goneLimit = TimeSpan.FromSeconds(10);

    /// <summary>The same call with the same result so often in a row is worth a word.</summary>
    private const int RepeatsToTell = 3;

    /// <summary>And so often a question.</summary>
    private const int RepeatsToAsk = 6;

    /// <summary>While the question is open, what needs no leave goes on; so often more, and the turn is stopped.</summary>
    private const int RepeatsToStop = 12;

    private readonly Repeats _repeats = new();

    /// <summary>What the agent asked for while a person thinks about whether it goes in circles.</summary>
    private readonly List<AgentEvent> _paused = [];

    private ITimer? _look;
    private ProcessProbe? _processLook;
    private bool _networkUp = true;

    /// <summary>The machine waits for a person's word on an agent that repeats itself.</summary>
    private sealed record Request(TurnWatchdog Watchdog, string RequestId) : MachineRequest(RequestId)
    {
        public override Task SettledAsync(ApprovalInfo approval, DecisionRequest? decision) => Watchdog.SettledAsync(approval, decision);

        public override Task FailedAsync(string why) => Watchdog.AskFailedAsync(why);
    }

    /// <summary>Why the running turn is silent; null: no turn runs.</summary>
    public QuietInfo? Quiet => session.Turn is null ? null : watch.Why(_networkUp);

    private bool IsAsking => gate.Count<Request>() > 0;

    /// <summary>A turn begins.</summary>
    public void Begin()
    {
        watch.Begin(host.Agent is null);
        _repeats.Clear();
        _look ??= session.Services.Time.CreateTimer(_ => LookSoon(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _look.Change(s_lookEvery, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The turn is over.</summary>
    public void End()
    {
        _look?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        (_processLook, _networkUp) = (null, true);
        _paused.Clear();
    }

    /// <summary>Whether the machine waits for a person counts as no silence of the agent's.</summary>
    public void NoteWaiting() => watch.Waits(gate.WaitsForPerson);

    /// <summary>Called with what the agent says, when its turn in the mailbox came.</summary>
    public void Note(AgentEvent said)
    {
        watch.Heard(said);
        if (said is AgentToolUse use)
        {
            _repeats.Called(use);
        }
    }

    /// <summary>An agent that tries again gets no further than its limits, and nowhere with a refused key.</summary>
    public async Task CheckRetriesAsync(AgentEvent said)
    {
        if (said is AgentActivity { Kind: ActivityKind.Retrying } retrying)
        {
            await KeepLimitsAsync();
            await StopForRefusedKeyAsync(retrying);
        }
    }

    /// <summary>What an agent asks for that may be going in circles waits until the person said whether it goes on.</summary>
    public bool HoldsBack(AgentEvent said)
    {
        if (!IsAsking)
        {
            return false;
        }

        if (said is AgentRequestWithdrawn withdrawn)
        {
            return _paused.RemoveAll(p => RequestOf(p) == withdrawn.RequestId) > 0;
        }

        if (RequestOf(said) is not null)
        {
            _paused.Add(said);
            return true;
        }

        return false;
    }

    /// <summary>A tool ended: the third time the same is noted, at the sixth the person is asked.</summary>
    public async Task CountRepeatsAsync(AgentToolResult result)
    {
        var count = _repeats.Ended(result);
        if (session.Turn is not { } turn || session.Cancelling)
        {
            return;
        }

        if (count == RepeatsToTell)
        {
            await session.UnlessFullAsync(session.NoteAsync(
                NoticeLevel.Warning, $"The agent made the same call {count} times in a row with the same result: {_repeats.Title}"));
        }
        else if (count == RepeatsToAsk)
        {
            var id = $"repeats-{Guid.CreateVersion7():N}";
            var question = new AgentQuestionAsked(
                id,
                id,
                [
                    new AgentQuestion(
                        $"The agent is repeating itself: the same call {count} times in a row with the same result.\n{_repeats.Title}",
                        "Repetition",
                        [new AgentOption(ContinueQuestion.Continue, "It may be waiting for something"),
                            new AgentOption("Stop", "The turn is stopped")],
                        MultiSelect: false),
                ]);
            await gate.AskAsync(new Request(this, id),
                (about, _) => EventTranslator.Question(question, session.Record, about) with { ToolUseId = null });
        }
        else if (count >= RepeatsToStop && IsAsking)
        {
            await turns.FailAsync(turn.TurnId,
                $"Stopped: the agent made the same call {count} times in a row with the same result, and nobody allowed it to continue.");
        }
    }

    /// <summary>
    /// The provider refused the key: trying again changes nothing, so the turn ends and says which key it is and how to replace it. From
    /// any thread.
    /// </summary>
    public void KeyRefused(int status)
    {
        var asking = session.Turn?.TurnId;
        session.Mailbox.Later(() => KeyRefusedAsync(asking, status));
    }

    public void Dispose() => _look?.Dispose();

    private void LookSoon()
    {
        if (!session.Mailbox.TryWrite(LookAsync))
        {
            _look?.Change(s_lookEvery, Timeout.InfiniteTimeSpan); // it is full, so somebody is alive
        }
    }

    private async Task LookAsync()
    {
        if (session.Turn is null)
        {
            return;
        }

        LookAtProcess();
        if (watch.GoneFor >= s_goneLimit)
        {
            await listener.EndedAsync(new AgentEnded(null, "it is gone, and something that it started held its output open"));
            return;
        }

        watch.Waits(gate.WaitsForPerson);
        await KeepLimitsAsync();
        if (session.Turn is not null)
        {
            _look?.Change(s_lookEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task KeepLimitsAsync()
    {
        if (session.Turn is { } turn && !session.Cancelling && watch.Overdue(isOursBusy: commands.IsBusy) is { } why)
        {
            await turns.FailAsync(turn.TurnId, why);
        }
    }

    private void LookAtProcess()
    {
        var retries = watch.Why(isNetworkUp: true).Kind == QuietKind.Retrying;
        var silent = watch.SilentFor >= TurnWatch.Remarkable;
        _networkUp = !(retries || silent) || NetworkInterface.GetIsNetworkAvailable();
        if (host.Agent?.Process is not { Pid: > 0 } process || !OperatingSystem.IsLinux())
        {
            return;
        }

        if (_processLook?.Process != process)
        {
            _processLook = new ProcessProbe(process);
        }

        if (silent && _processLook.Again() is { } state)
        {
            watch.Saw(state);
        }
        else if (!silent && _processLook.IsGone())
        {
            watch.Saw(ProcessState.Gone);
        }
    }

    private static string? RequestOf(AgentEvent said) => said switch
    {
        AgentApprovalAsked asked => asked.RequestId,
        AgentHostCall call => call.RequestId,
        _ => null,
    };

    /// <summary>The person said whether an agent that repeats itself goes on. Nobody in time is a no.</summary>
    private async Task SettledAsync(ApprovalInfo approval, DecisionRequest? decision)
    {
        _repeats.Restart();
        var paused = _paused.ToList();
        _paused.Clear();
        try
        {
            if (!ContinueQuestion.IsYes(approval, decision) && session.Turn is { } turn)
            {
                await turns.FailAsync(turn.TurnId, approval.State == ApprovalState.Expired
                    ? "Stopped: the agent repeated itself, and nobody allowed it to continue in time."
                    : "Stopped, because the agent repeated itself.");
            }
        }
        finally
        {
            foreach (var said in paused)
            {
                await listener.TakeUpAsync(said); // after a stop each is denied
            }
        }

        await gate.ShowAsync(TurnState.Running);
    }

    /// <summary>Nobody can be asked: the turn ends. What was held back is answered with its end.</summary>
    private async Task AskFailedAsync(string why)
    {
        if (session.Turn is { } turn)
        {
            _paused.Clear();
            await turns.FailAsync(turn.TurnId, why);
        }
    }

    private async Task KeyRefusedAsync(Guid? asking, int status)
    {
        if (session.Turn is { } turn && turn.TurnId == asking && !session.Cancelling
            && host.Agent is { Access: ModelAccess.Key or ModelAccess.OwnKey })
        {
            await turns.FailAsync(turn.TurnId, access.RefusedKey(status));
        }
    }

    /// <summary>
    /// What an agent says when it tries again although its own key was refused, where no broker of ours stands in between: the same.
    /// </summary>
    private async Task StopForRefusedKeyAsync(AgentActivity retrying)
    {
        if (session.Turn is { } turn && !session.Cancelling && session.Driver.Models is { Key: not null }
            && KeyRefusals.IsFinal(retrying.Detail))
        {
            await turns.FailAsync(turn.TurnId, access.RefusedKey(401));
        }
    }
}
