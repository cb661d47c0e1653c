using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions;

/// <summary>The part of the actor that lets a person go on with the conversation in a terminal, and waits as long as that lasts.</summary>
internal sealed partial class SessionActor
{
    /// <summary>A terminal goes on with the conversation: nothing is started here that would write it too.</summary>
    private bool IsInTerminal => _services.Holds.Has(_record.SessionId);

    /// <summary>Tells the agent's own id of the conversation, and whether the agent's process still holds it.</summary>
    /// <param name="end">Ends that process.</param>
    /// <exception cref="RequestFailure">CONFLICT: a turn runs or waits. SESSION_OPEN_ELSEWHERE: a terminal has it already.</exception>
    public Task<(string? Conversation, string Directory, bool Lives)> LeaveAsync(bool end) => AskAsync(async () =>
    {
        RequireFree();
        if (end)
        {
            await EndIdleAsync();
        }

        return (_record.NativeId, _directory, _process is not null || _starting is not null);
    });

    /// <summary>From now on a terminal has the conversation, until its processes are gone.</summary>
    /// <param name="process">One of them, alive.</param>
    /// <param name="beside">Pid of another one that has it already, which started <paramref name="process"/>.</param>
    /// <param name="end">Ends the agent's process here, when it is idle.</param>
    /// <exception cref="RequestFailure">CONFLICT: a turn runs or waits, or the agent's process lives. SESSION_OPEN_ELSEWHERE: another terminal has it.</exception>
    public Task<SessionInfo> HoldAsync(ProcessIdentity process, int? beside, bool end) => AskAsync(async () =>
    {
        var isMore = beside is { } first && _services.Holds.Of(_record.SessionId).Any(h => h.Pid == first);
        if (!isMore)
        {
            RequireFree();
            if (end)
            {
                await EndIdleAsync();
            }

            if (_process is not null || _starting is not null)
            {
                throw new RequestFailure(ErrorCode.Conflict, "The agent's process still holds the conversation. Two must not write one: end it with --end, or wait ten minutes.");
            }
        }

        await _services.Holds.AddAsync(_record.SessionId, process);
        if (!isMore)
        {
            await UnlessFullAsync(NoteAsync(NoticeLevel.Info, "Open in a terminal on this machine. Prompts wait until it is left there."));
        }

        return Refresh();
    });

    /// <summary>The terminal was left: what waits goes on.</summary>
    public void TerminalLeft() => Later(async () =>
    {
        await UnlessFullAsync(NoteAsync(NoticeLevel.Info, $"The terminal was left. {_driver.Description.Name} remembers what was said there; it is not shown here."));
        await StartNextAsync();
    });

    private void RequireFree()
    {
        RequireNoTerminal();
        if (_turn is not null || (_queued > 0 && !_record.Held))
        {
            throw new RequestFailure(ErrorCode.Conflict, "A turn of this session runs. Two must not write one conversation: wait for its end, or stop it.");
        }
    }

    private void RequireNoTerminal()
    {
        if (_services.Holds.Of(_record.SessionId) is { IsEmpty: false } holders)
        {
            throw new RequestFailure(ErrorCode.SessionOpenElsewhere, $"The conversation is open in a terminal already (process {string.Join(", ", holders.Select(h => h.Pid))}).");
        }
    }

    private async Task EndIdleAsync()
    {
        await StopIdleProcessAsync();
        await EndProcessAsync(); // one that is only being started
    }
}
