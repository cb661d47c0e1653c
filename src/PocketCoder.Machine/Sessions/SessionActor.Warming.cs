using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Brains;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that keeps its agent's process for the next prompt, and starts it ahead of one when somebody is about to write it.</summary>
internal sealed partial class SessionActor
{
    /// <summary>What an agent may say before its first prompt; with more it is ended.</summary>
    private const int UnsaidLimit = 64;

    /// <summary>The process that nobody prompted yet.</summary>
    private Ahead? _ahead;

    /// <summary>The start that is under way is, or was when it began, for no turn.</summary>
    private bool _startingAhead;

    /// <summary>It could not be started ahead: not tried again before a turn.</summary>
    private bool _aheadFailed;

    private DateTimeOffset _keptUntil;

    /// <summary>A process before its first prompt. That it runs, and what it says, is written down with the prompt; without one nothing happened.</summary>
    private sealed record Ahead(StartedAgent Agent)
    {
        public List<AgentEvent> Unsaid { get; } = [];
    }

    /// <summary>Somebody is about to prompt: starts the agent, when nothing has to be asked, decided or waited for, within the machine's bounds.</summary>
    /// <returns>Whether its process runs or is being started.</returns>
    public Task<bool> WarmAsync() => AskAsync(() =>
    {
        if (_process is not null && _turn is null)
        {
            Rest(again: true);
        }
        else if (MayStartAhead && _services.Warm.TryReserve(_record.SessionId, EndResting))
        {
            BeginStart(ahead: true);
        }

        return Task.FromResult(_process is not null || _starting is not null);
    });

    private bool MayStartAhead => _turn is null && _process is null && _starting is null && _queued == 0 && !_aheadFailed && MayStayAhead
        && _record is { Failed: false, NativeId: not null } && _driver.Description.Resume && Directory.Exists(_directory);

    private bool MayStayAhead => !_stopping && !IsInTerminal && _record is { Archived: false, Held: false };

    /// <summary>The agent has no work: its process is kept for a while, within the machine's bounds.</summary>
    /// <param name="again">It had none before either, but somebody is about to prompt.</param>
    private void Rest(bool again = false)
    {
        if (_turn is not null || _process is not { } process)
        {
            return;
        }

        var limits = _services.Warm.Limits;
        var until = _services.Time.GetUtcNow() + (again || _ahead is not null ? limits.IdleAhead : limits.Idle);
        if (!again || until > _keptUntil)
        {
            _keptUntil = until;
            _idle.Change(until - _services.Time.GetUtcNow(), Timeout.InfiniteTimeSpan);
        }

        _services.Warm.Rest(_record.SessionId, process.Agent.Process, EndResting);
    }

    private void Work()
    {
        _idle.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _services.Warm.Leave(_record.SessionId);
        _aheadFailed = false;
    }

    /// <summary>The machine keeps too many. On any thread; a prompt that came first goes on.</summary>
    private void EndResting(string why) => Later(async () =>
    {
        if (_turn is null && (_process is not null || _starting is not null))
        {
            Log.RestEnds(_services.Logger, _record.SessionId, _record.Agent, why);
            await EndIdleAsync();
        }
    });

    private async Task StopIdleProcessAsync()
    {
        if (_turn is null && _process is not null)
        {
            await EndProcessAsync();
            if (!RunningJobs.Any())
            {
                await _services.Hands.EndAsync(_record.SessionId);
            }
        }
    }

    /// <summary>Passes a started agent to the mailbox; when that closed meanwhile, nobody else would end it.</summary>
    private async Task HandOverAsync(StartedAgent agent, Func<Task> step)
    {
        try
        {
            await _mailbox.Writer.WriteAsync(step);
        }
        catch (System.Threading.Channels.ChannelClosedException)
        {
            await agent.DisposeAsync();
        }
    }

    /// <summary>Whether what was started is what a prompt would get now: what a person chose while it started, it was not told.</summary>
    private bool IsStillWanted(AgentStart asked)
        => (asked.Mode, asked.Model, asked.Effort) == (_record.Mode, _record.Model, _record.Prompting.Effort) && (_turn is not null || MayStayAhead);

    private void StartAgain()
    {
        if (_turn is not null)
        {
            BeginStart();
        }
        else
        {
            _services.Warm.Leave(_record.SessionId);
        }
    }

    /// <summary>Whether a start failed that no turn suffers from. A turn that came meanwhile starts it as if there had been none.</summary>
    private bool IsOnlyAhead(Exception error)
    {
        if (_turn is not null && (!_startingAhead || _cancelling))
        {
            return false;
        }

        Log.NotAhead(_services.Logger, _record.SessionId, _record.Agent, error.Message);
        _aheadFailed = true;
        StartAgain();
        return true;
    }

    /// <summary>Keeps what an agent says that was not prompted yet. One that wants something is ended: nobody is to be asked for what nobody began.</summary>
    private async Task<bool> IsAheadAsync(AgentEvent said)
    {
        if (_ahead is not { } ahead)
        {
            return false;
        }

        var why = said switch
        {
            AgentEnded ended => ended.Reason,
            AgentApprovalAsked or AgentHostCall or AgentQuestionAsked or AgentPlanProposed => "it asked for something before it was prompted",
            _ when ahead.Unsaid.Count >= UnsaidLimit => "it said too much before it was prompted",
            _ => null,
        };
        if (why is null)
        {
            ahead.Unsaid.Add(said);
            return true;
        }

        Log.NotAhead(_services.Logger, _record.SessionId, _record.Agent, why);
        await EndProcessAsync();
        return true;
    }

    /// <summary>Its first prompt comes: what was held back until then is written down first.</summary>
    /// <exception cref="AgentException">Its start can't be recorded.</exception>
    private async Task TakeUpAheadAsync()
    {
        if (_ahead is not { } ahead)
        {
            return;
        }

        try
        {
            await ahead.Agent.Record();
        }
        catch (LedgerException e)
        {
            throw new AgentException(AgentError.FailedToStart, $"{_driver.Description.Name} could not be started: {e.Message}", e);
        }

        _ahead = null;
        await NoteAccessAsync(ahead.Agent.Access);
        if (_process is { Resumed: true })
        {
            await UnlessFullAsync(NoteAsync(NoticeLevel.Info, $"{_driver.Description.Name} resumed the conversation."));
        }

        foreach (var said in ahead.Unsaid)
        {
            await ListenAsync(said, _generation);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 305, Level = LogLevel.Information, Message = "session {Session}: {Agent} ends without work: {Why}")]
        public static partial void RestEnds(ILogger logger, Guid session, string agent, string why);

        [LoggerMessage(EventId = 306, Level = LogLevel.Warning, Message = "session {Session}: {Agent} is not kept ahead of a prompt: {Why}")]
        public static partial void NotAhead(ILogger logger, Guid session, string agent, string why);
    }
}
