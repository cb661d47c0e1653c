using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Agents;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Turns;

/// <summary>Lets a person go on with the conversation in a terminal, and waits as long as that lasts. Holds nothing.</summary>
internal sealed class TerminalHandover(SessionContext session, TurnQueue queue, AgentHost host, ITurnControl turns)
{
    /// <summary>Tells the agent's own id of the conversation, and whether the agent's process still holds it.</summary>
    /// <param name="end">Ends that process.</param>
    /// <exception cref="RequestFailure">CONFLICT: a turn runs or waits. SESSION_OPEN_ELSEWHERE: a terminal has it already. As
    /// <see cref="PocketCoder.Machine.Projects.SessionFolder.Require"/>: its folder is not what it was.</exception>
    public Task<(string? Conversation, string Directory, bool Lives)> LeaveAsync(bool end) => session.Mailbox.AskAsync(async () =>
    {
        RequireFree();
        if (end)
        {
            await host.EndIdleAsync();
        }

        return (session.Record.NativeId, session.RequireFolder(), host.Agent is not null || host.IsStarting);
    });

    /// <summary>From now on a terminal has the conversation, until its processes are gone.</summary>
    /// <param name="process">One of them, alive.</param>
    /// <param name="beside">Pid of another one that has it already, which started <paramref name="process"/>.</param>
    /// <param name="end">Ends the agent's process here, when it is idle.</param>
    /// <remarks>On the mailbox only.</remarks>
    /// <exception cref="RequestFailure">CONFLICT: a turn runs or waits, or the agent's process lives. SESSION_OPEN_ELSEWHERE: another
    /// terminal has it.</exception>
    public async Task HoldAsync(ProcessIdentity process, int? beside, bool end)
    {
        var isMore = beside is { } first && session.Services.Locks.Of(session.SessionId).Any(h => h.Pid == first);
        if (!isMore)
        {
            RequireFree();
            if (end)
            {
                await host.EndIdleAsync();
            }

            if (host.Agent is not null || host.IsStarting)
            {
                throw new RequestFailure(ErrorCode.Conflict,
                    "The agent's process still has the conversation open. Only one program may use it at a time: end it with --end, or wait ten minutes.");
            }
        }

        await session.Services.Locks.AddAsync(session.SessionId, process);
        if (!isMore)
        {
            await session.UnlessFullAsync(
                session.NoteAsync(NoticeLevel.Info, "Open in a terminal on this machine. Prompts wait until it is closed there."));
        }
    }

    /// <summary>The terminal was left: what waits goes on.</summary>
    public void Left() => session.Mailbox.Later(async () =>
    {
        await session.UnlessFullAsync(session.NoteAsync(NoticeLevel.Info,
            $"The terminal was closed. {session.Driver.Description.Name} remembers what was said there; it is not shown here."));
        turns.StartNextSoon();
    });

    private void RequireFree()
    {
        RequireNoTerminal();
        if (session.Turn is not null || (queue.Count > 0 && !session.Record.Held))
        {
            throw new RequestFailure(ErrorCode.Conflict,
                "A turn is running in this session. Only one program may use a conversation at a time: wait until it ends, or stop it.");
        }
    }

    /// <exception cref="RequestFailure">SESSION_OPEN_ELSEWHERE</exception>
    public void RequireNoTerminal()
    {
        if (session.Services.Locks.Of(session.SessionId) is { IsEmpty: false } holders)
        {
            throw new RequestFailure(ErrorCode.SessionOpenElsewhere,
                $"The conversation is already open in a terminal (process {string.Join(", ", holders.Select(h => h.Pid))}).");
        }
    }
}
