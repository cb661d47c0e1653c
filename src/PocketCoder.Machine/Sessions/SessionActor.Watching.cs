using System.Net.NetworkInformation;
using PocketCoder.Agents;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that watches a running turn: it explains silence, keeps the limits, and notices an agent that goes in circles.</summary>
internal sealed partial class SessionActor
{
    /// <summary>How often a running turn is looked at; without one nothing is.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>A process that ended says so on its pipes; when something it started holds them open, it is believed after so long.</summary>
    private static readonly TimeSpan GoneLimit = TimeSpan.FromSeconds(10);

    /// <summary>The same call with the same result so often in a row is worth a word.</summary>
    private const int RepeatsToTell = 3;

    /// <summary>And so often a question.</summary>
    private const int RepeatsToAsk = 6;

    /// <summary>While the question is open, what needs no leave goes on; so often more, and the turn is stopped.</summary>
    private const int RepeatsToStop = 12;

    private readonly Repeats _repeats = new();

    /// <summary>What the agent asked for while a person thinks about whether it goes in circles.</summary>
    private readonly List<AgentEvent> _paused = [];

    private TurnWatch? _watch;
    private ITimer? _look;
    private ProcessLook? _processLook;
    private bool _networkUp = true;
    private string? _overruled; // why the turn that runs is ended by us, and not as the agent says

    /// <summary>The machine waits for a person's word on an agent that repeats itself.</summary>
    private sealed record RepeatQuestion : AgentEvent;

    private QuietInfo? Quiet => _turn is null ? null : _watch?.Why(_networkUp);

    private void BeginWatch()
    {
        _watch ??= new TurnWatch(_services.Limits, _services.Time);
        _watch.Begin(_process is null);
        _repeats.Clear();
        _look ??= _services.Time.CreateTimer(_ => LookSoon(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _look.Change(LookEvery, Timeout.InfiniteTimeSpan);
    }

    private void EndWatch()
    {
        _look?.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        (_overruled, _processLook, _networkUp) = (null, null, true);
        _paused.Clear();
    }

    /// <summary>What the end of a turn is called that we ended ourselves.</summary>
    private (TurnState Outcome, string? Error) Overruled(TurnState outcome, string? error) => _overruled is { } why ? (TurnState.Failed, why) : (outcome, error);

    /// <summary>As it comes, before the mailbox: a sign of life.</summary>
    private void Sign(AgentEvent said)
    {
        _watch?.Sign();
        if (said is AgentDelta)
        {
            _watch?.Answered();
        }
    }

    private void LookSoon()
    {
        if (!_mailbox.Writer.TryWrite(LookAsync))
        {
            _look?.Change(LookEvery, Timeout.InfiniteTimeSpan); // it is full, so somebody is alive
        }
    }

    private async Task LookAsync()
    {
        if (_turn is null || _watch is not { } watch)
        {
            return;
        }

        LookAtProcess(watch);
        if (watch.GoneFor >= GoneLimit)
        {
            await EndedAsync(new AgentEnded(null, "it is gone, and something that it started held its output open"));
            return;
        }

        watch.Waits(WaitsForPerson);
        await KeepLimitsAsync();
        if (_turn is not null)
        {
            _look?.Change(LookEvery, Timeout.InfiniteTimeSpan);
        }
    }

    private async Task KeepLimitsAsync()
    {
        if (_turn is { } turn && !_cancelling && _watch?.Overdue(isOursBusy: _commands.Count > 0) is { } why)
        {
            await OverruleAsync(turn.TurnId, why);
        }
    }

    private void LookAtProcess(TurnWatch watch)
    {
        var retries = watch.Why(isNetworkUp: true).Kind == QuietKind.Retrying;
        var silent = watch.SilentFor >= TurnWatch.Remarkable;
        _networkUp = !(retries || silent) || NetworkInterface.GetIsNetworkAvailable();
        if (_process?.Agent.Process is not { Pid: > 0 } process || !OperatingSystem.IsLinux())
        {
            return;
        }

        if (_processLook?.Process != process)
        {
            _processLook = new ProcessLook(process);
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

    private bool IsAskedAboutRepeats => _asked.Values.Any(a => a.Request is RepeatQuestion);

    private bool WaitsForPerson => _asked.Values.Any(a => a.Approval.State == ApprovalState.Pending);

    /// <summary>Ends the turn as failed, with our reason, as a person's stop would.</summary>
    private async Task OverruleAsync(Guid turn, string why)
    {
        _overruled = why;
        await StopTurnAsync(clearQueue: false, turn);
    }

    private async Task HearAsync(AgentEvent said)
    {
        if (await IsAheadAsync(said))
        {
            return;
        }

        _watch?.Heard(said);
        if (said is AgentToolUse use)
        {
            _repeats.Called(use);
        }

        if (!IsHeldBack(said))
        {
            await TakeUpAsync(said);
        }

        if (said is AgentActivity { Kind: ActivityKind.Retrying })
        {
            await KeepLimitsAsync();
        }
    }

    /// <summary>What an agent asks for that may be going in circles waits until the person said whether it goes on.</summary>
    private bool IsHeldBack(AgentEvent said)
    {
        if (!IsAskedAboutRepeats)
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

    private static string? RequestOf(AgentEvent said) => said switch
    {
        AgentApprovalAsked asked => asked.RequestId,
        AgentHostCall call => call.RequestId,
        _ => null,
    };

    /// <summary>A tool ended: the third time the same is noted, at the sixth the person is asked.</summary>
    private async Task CountRepeatsAsync(AgentToolResult result)
    {
        var count = _repeats.Ended(result);
        if (_turn is not { } turn || _cancelling)
        {
            return;
        }

        if (count == RepeatsToTell)
        {
            await UnlessFullAsync(NoteAsync(NoticeLevel.Warning, $"The agent did the same {count} times in a row, with the same result: {_repeats.Title}"));
        }
        else if (count == RepeatsToAsk)
        {
            var id = $"repeats-{Guid.CreateVersion7():N}";
            var question = new AgentQuestionAsked(
                id,
                id,
                [
                    new AgentQuestion(
                        $"The agent repeats itself: the same call, {count} times in a row, with the same result.\n{_repeats.Title}",
                        "Repetition",
                        [new AgentOption(GoOn, "It may be waiting for something"), new AgentOption("Stop", "The turn is stopped")],
                        MultiSelect: false),
                ]);
            await AskAsync(id, new RepeatQuestion(), about => EventTranslator.Question(question, _record, about) with { ToolUseId = null });
        }
        else if (count >= RepeatsToStop && IsAskedAboutRepeats)
        {
            await OverruleAsync(turn.TurnId, $"Stopped: the agent did the same {count} times in a row, with the same result, and nobody said that it may go on.");
        }
    }

    /// <summary>The person said whether an agent that repeats itself goes on. Nobody in time is a no. False: it was no such question.</summary>
    private async Task<bool> IsSettledRepeatAsync(Asked asked, ApprovalInfo approval, AgentPromptResponseRequest? decision)
    {
        if (asked.Request is not RepeatQuestion)
        {
            return false;
        }

        _repeats.Restart();
        var paused = _paused.ToList();
        _paused.Clear();
        if (!SaysGoOn(approval, decision) && _turn is { } turn)
        {
            await OverruleAsync(turn.TurnId, approval.State == ApprovalState.Expired ? "Stopped: the agent repeated itself, and nobody said in time that it may go on." : "Stopped, because the agent repeated itself.");
        }

        foreach (var said in paused)
        {
            await TakeUpAsync(said); // after a stop each is denied
        }

        return true;
    }
}
