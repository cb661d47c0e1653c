using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Sessions.Live;
using PocketCoder.Machine.Sessions.Tools;
using PocketCoder.Machine.Sessions.Watching;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Agents;

/// <summary>
/// Carries what an agent's process says to the mailbox, in order; pieces of text go to the screen directly. An agent that says something
/// while the ledger can't be written is heard when that works again.
/// </summary>
internal sealed class AgentFeed(SessionContext session, TurnWatch watch, CallEnds ends, IAgentListener listener)
{
    /// <summary>Events that may wait for the ledger; from then on the agent itself waits, since nobody reads its pipe.</summary>
    private const int UnrecordedLimit = 64;

    /// <summary>What could not be recorded yet, in order. Only touched on the mailbox.</summary>
    private readonly Queue<(AgentEvent Said, int Generation)> _unrecorded = new();
    private int _unrecordedCount; // readable from any thread
    private long _signs;
    private int _generation; // written on the mailbox, read from any thread

    /// <summary>The number of the process that is heard. What an earlier one says is dropped.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Changes with each thing that an agent says; from any thread.</summary>
    public long Signs => Volatile.Read(ref _signs);

    /// <summary>From now on another process is heard, or none.</summary>
    public int Next() => Interlocked.Increment(ref _generation);

    /// <summary>Hears an agent until it ends; when that fails, nobody would hear of anything it asks any more: then it is over.</summary>
    public async Task ForwardAsync(StartedAgent agent, int generation, LiveSource voice)
    {
        try
        {
            await ReadAsync(agent, generation, voice);
        }
        catch (Exception e)
        {
            SessionLog.Unheard(session.Services.Logger, session.SessionId, session.Record.Agent, e);
            session.Mailbox.Later(() => generation == Generation ? listener.EndedAsync(
                new AgentEnded(null, $"it can't be heard any more, because of {session.Words(e)}")) : Task.CompletedTask);
        }
    }

    /// <summary>
    /// Hears an event, or keeps it for later when it can't be recorded: what an agent did must not be forgotten because the disk was full.
    /// </summary>
    public async Task HearAsync(AgentEvent said, int generation)
    {
        _unrecorded.Enqueue((said, generation));
        if (_unrecorded.Count == 1)
        {
            await CatchUpAsync();
        }

        Volatile.Write(ref _unrecordedCount, _unrecorded.Count);
    }

    private async Task ReadAsync(StartedAgent agent, int generation, LiveSource voice)
    {
        var live = new LiveBlocks(session.Services.Secrets);
        var names = new BlockNames();
        await foreach (var told in agent.Events.ReadAllAsync())
        {
            var said = names.Named(told);
            live.End(said);
            Interlocked.Increment(ref _signs);
            Sign(said);
            if (said is AgentDelta delta)
            {
                // The hot path: no database, no mailbox. Whole blocks and everything else take their turn in the mailbox.
                if (generation == Generation && live.Next(delta.BlockId, delta.Text) is { Length: > 0 } text)
                {
                    session.Live.Append(voice, session.Turn?.TurnId, delta.BlockId, KindOf(delta.Kind), text, delta.ParentToolUseId);
                }

                continue;
            }

            session.Live.Hear(voice, session.Turn?.TurnId, said);
            ends.Note(said, generation);
            try
            {
                while (Volatile.Read(ref _unrecordedCount) >= UnrecordedLimit)
                {
                    await Task.Delay(SessionContext.RetryAfter, session.Services.Time);
                }

                await session.Mailbox.WriteAsync(() => HearAsync(said, generation));
            }
            catch (ChannelClosedException)
            {
                return;
            }
        }
    }

    private async Task CatchUpAsync()
    {
        while (_unrecorded.TryPeek(out var next))
        {
            try
            {
                if (next.Generation == Generation)
                {
                    await listener.HearAsync(next.Said);
                }
            }
            catch (LedgerException e) when (SessionContext.Passes(e))
            {
                session.TryAgain(CatchUpAsync, e);
                return;
            }
            catch (Exception e)
            {
                await listener.CouldNotHearAsync(next.Said, e); // those behind it are heard all the same
            }

            _unrecorded.Dequeue();
            Volatile.Write(ref _unrecordedCount, _unrecorded.Count);
        }
    }

    /// <summary>As it comes, before the mailbox: a sign of life.</summary>
    private void Sign(AgentEvent said)
    {
        watch.Sign();
        if (said is AgentDelta)
        {
            watch.Answered();
        }
    }

    private static DeltaKind KindOf(BlockKind kind) => kind == BlockKind.Text ? DeltaKind.Text : DeltaKind.Thinking;
}
