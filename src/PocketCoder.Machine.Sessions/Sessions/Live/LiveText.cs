using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Ledger;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Live;

/// <summary>
/// What is written in a session right now: shown at once, and on disk soon after. Each block ends once, in a change: replaced by its
/// finished form, or, however its turn ended, as it was seen and marked as cut. Thread-safe; the lock guards every field and block and is
/// never held over I/O.
/// </summary>
internal sealed partial class LiveText(Store store, Guid session, SessionStream stream, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>The longest that shown text is in memory only.</summary>
    public static readonly TimeSpan WriteAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>Text that is written at once, in UTF-16 units: a kill loses less than that, or what one write takes.</summary>
    public const int WriteSize = 4096;

    /// <summary>
    /// The most that is shown live of a block, in UTF-16 units; as an event it stays below <see cref="LedgerLimits.MaxEventBytes"/> however
    /// it is escaped.
    /// </summary>
    public const int MaxBlock = 512 * 1024;

    /// <summary>The most that is shown live of all open blocks, in UTF-16 units.</summary>
    public const int MaxText = 4 << 20;

    /// <summary>Blocks that may be open; text of more is shown when it is finished.</summary>
    public const int MaxBlocks = 256;

    private static readonly TimeSpan s_retryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly List<LiveBlock> _blocks = [];
    private ITimer? _timer;
    private int _unwritten;
    private bool _isWriting;
    private bool _isTimed;

    /// <summary>Whether something is written just now.</summary>
    public bool HasOpen
    {
        get
        {
            lock (_gate)
            {
                return _blocks.Exists(b => !b.IsEnded);
            }
        }
    }

    /// <summary>Shows a piece of a block, which begins with its first one. Without secrets already.</summary>
    public void Append(LiveSource source, Guid? turn, string id, DeltaKind kind, string text, string? parent)
    {
        lock (_gate)
        {
            var block = _blocks.Find(b => b.Id == id);
            if (source.IsClosed || text.Length == 0 || block is { IsDropped: true } or { IsEnded: true }
                || (block is null && _blocks.Count >= MaxBlocks))
            {
                return;
            }

            if (block is null)
            {
                _blocks.Add(block = new LiveBlock(turn, id, kind, parent));
                foreach (var before in _blocks.Where(b => b.IsDropped && b.IsSameVoice(kind, parent)))
                {
                    stream.Drop(before.Id); // said anew here; kept until this one is finished
                }
            }

            var room = Math.Min(MaxBlock - block.Text.Length, MaxText - _blocks.Sum(static b => b.Text.Length));
            if (room <= 0 || block.IsFull)
            {
                return;
            }

            if (text.Length >= room)
            {
                const string More = "\n… more follows; the end is shown when it is over …\n";
                text = text[..Math.Max(0, room - More.Length)] + More;
                block.IsFull = true;
            }

            block.Text.Append(text);
            stream.Append(block.Turn, id, kind, text, parent);
            _unwritten += text.Length;
            Plan();
        }
    }

    /// <summary>Nothing that comes of this source from now on is shown.</summary>
    public void Close(LiveSource source)
    {
        lock (_gate)
        {
            source.IsClosed = true;
        }
    }

    /// <summary>
    /// What an agent says besides pieces, as it comes and before it takes its turn to be written down: the pieces of later blocks are here
    /// by then, so what it means for those before it is settled now.
    /// </summary>
    public void Hear(LiveSource source, Guid? turn, AgentEvent said)
    {
        lock (_gate)
        {
            if (source.IsClosed)
            {
                return;
            }

            switch (said)
            {
                case AgentBlockDropped dropped when Open(dropped.BlockId) is { } block:
                    block.IsDropped = true;
                    break;
                case AgentToolUse use:
                    foreach (var before in _blocks.Where(b => b.IsDropped && b.Parent == use.ParentToolUseId))
                    {
                        before.EndWith(use.ToolUseId, LiveEnding.AsSeen); // it is not said anew any more
                    }

                    break;
                case AgentBlock { Text.Length: > 0 } block:
                    Finished(block, turn);
                    break;
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private void Finished(AgentBlock said, Guid? turn)
    {
        var kind = said.Kind == BlockKind.Text ? DeltaKind.Text : DeltaKind.Thinking;
        var block = Open(said.BlockId);
        if (block is null)
        {
            // nothing of it was shown, but it has its place
            _blocks.Add(block = new LiveBlock(turn, said.BlockId, kind, said.ParentToolUseId));
        }

        block.EndWith(said.BlockId, LiveEnding.Gone);
        foreach (var before in _blocks.TakeWhile(b => b != block).Where(b => b.Parent == said.ParentToolUseId))
        {
            if (before.Kind == kind)
            {
                // said anew by this one; or it came to nothing
                before.EndWith(said.BlockId, before.IsDropped ? LiveEnding.Gone : LiveEnding.AsSeen);
            }
            else if (before is { IsDropped: true, Kind: DeltaKind.Thinking })
            {
                before.EndWith(said.BlockId, LiveEnding.AsSeen); // the answer is there: it is not thought anew any more
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private LiveBlock? Open(string id) => _blocks.Find(b => b.Id == id && !b.IsEnded);

    /// <summary>
    /// Before the event of a finished block or a tool's call that was heard: what ends with it. Blocks that only came to nothing become
    /// events here.
    /// </summary>
    public void End(Change change, string with) => End(change, block => block.With == with ? block.Ending : LiveEnding.None, with);

    /// <summary>A block ended, and its finished form is what was seen.</summary>
    public void FinishAsSeen(Change change, string id) => End(change, block => block.Id == id ? LiveEnding.AsSeen : LiveEnding.None);

    /// <summary>A command is over: its result stands in place of its output until it is an event, which is when the agent has it.</summary>
    public void SetResult(Change change, ToolResultEvent result)
    {
        LiveBlock block;
        lock (_gate)
        {
            var known = _blocks.Find(b => b.Id == result.ToolUseId && !b.IsEnded);
            block = known ?? new LiveBlock(result.TurnId, result.ToolUseId, DeltaKind.Output, result.ParentToolUseId);
            if (known is null)
            {
                _blocks.Add(block);
            }

            block.Result = result;
            change.Afterwards(
                () => stream.Drop(block.Id),
                () =>
                {
                    lock (_gate)
                    {
                        block.Result = null;
                        if (known is null)
                        {
                            _blocks.Remove(block);
                        }
                    }
                });
        }

        LiveRows.SetResult(change, session, block, result);
    }

    /// <summary>Before the event with a command's result.</summary>
    public void FinishOutput(Change change, string toolUseId)
        => End(change, block => block.Kind == DeltaKind.Output && block.Id == toolUseId ? LiveEnding.Gone : LiveEnding.None);

    /// <summary>The end of a turn or of a process: whatever is open becomes an event as it was seen.</summary>
    public void Seal(Change change) => End(change, static _ => LiveEnding.AsSeen);

    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timer = null;
            _isTimed = true; // nothing is planned any more
        }
    }

    /// <param name="finished">The block whose own event takes it off the stream.</param>
    private void End(Change change, Func<LiveBlock, LiveEnding> how, string? finished = null)
    {
        // Runs on the writer: a write of pieces runs before it or after it, and after it skips what ended here.
        List<(LiveBlock Block, LiveEnding How)> ended = [];
        lock (_gate)
        {
            foreach (var block in _blocks.Where(b => !b.IsEnded))
            {
                if (how(block) is not LiveEnding.None and var ending)
                {
                    block.IsEnded = true;
                    ended.Add((block, block.IsBlank ? LiveEnding.Gone : ending));
                }
            }
        }

        change.Afterwards(
            () =>
            {
                lock (_gate)
                {
                    _blocks.RemoveAll(b => ended.Exists(e => e.Block == b));
                    foreach (var (gone, _) in ended.Where(e => e.How == LiveEnding.Gone && e.Block.Id != finished))
                    {
                        stream.Drop(gone.Id);
                    }
                }
            },
            () =>
            {
                lock (_gate)
                {
                    ended.ForEach(static e => e.Block.IsEnded = false);
                }
            });
        foreach (var (block, ending) in ended)
        {
            LiveRows.Delete(change, session, block.Id);
            if (ending == LiveEnding.AsSeen)
            {
                change.Event(session, block.AsSeen(change.Now));
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private void Plan()
    {
        if (_isWriting || _unwritten == 0)
        {
            return; // what comes meanwhile is in the next write
        }

        if (_unwritten >= WriteSize)
        {
            Begin();
        }
        else
        {
            Time(WriteAfter);
        }
    }

    /// <summary>Under the lock.</summary>
    private void Time(TimeSpan after)
    {
        if (_isTimed)
        {
            return;
        }

        _isTimed = true;
        _timer ??= time.CreateTimer(
            _ =>
            {
                lock (_gate)
                {
                    _isTimed = _timer is null;
                    if (!_isWriting && _unwritten > 0 && !_isTimed)
                    {
                        Begin();
                    }
                }
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _timer.Change(after, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Under the lock.</summary>
    private void Begin()
    {
        (_isWriting, _unwritten) = (true, 0);
        Task.Run(WriteAsync).Observed(logger, "keeping live text");
    }

    private async Task WriteAsync()
    {
        var written = false;
        try
        {
            await store.WriteAsync(WritePieces);
            written = true;
        }
        catch (LedgerException e)
        {
            LogNotKept(logger, session, e.Message); // it stays in memory and is tried again; a turn's end has all of it
        }
        catch (Exception e)
        {
            LogFailed(logger, session, e);
        }

        lock (_gate)
        {
            _isWriting = false;
            if (written)
            {
                Plan();
            }
            else
            {
                _unwritten++;
                Time(s_retryAfter);
            }
        }
    }

    private void WritePieces(Change change)
    {
        List<(LiveBlock Block, string Text)> pieces = [];
        lock (_gate)
        {
            foreach (var block in _blocks.Where(b => b is { IsEnded: false, Result: null } && b.Text.Length > b.Written))
            {
                var length = block.Text.Length - block.Written;
                if (char.IsHighSurrogate(block.Text[^1]))
                {
                    length--; // its other half comes with the next piece
                }

                if (length > 0)
                {
                    pieces.Add((block, block.Text.ToString(block.Written, length)));
                }
            }
        }

        foreach (var (block, text) in pieces)
        {
            LiveRows.Append(change, session, block, text);
        }

        change.Afterwards(
            () =>
            {
                lock (_gate)
                {
                    pieces.ForEach(static p => p.Block.Written += p.Text.Length);
                }
            },
            static () => { });
    }

    [LoggerMessage(EventId = 331, Level = LogLevel.Warning,
        Message = "session {Session}: text that is being written can't be kept yet: {Why}")]
    private static partial void LogNotKept(ILogger logger, Guid session, string why);

    [LoggerMessage(EventId = 332, Level = LogLevel.Error, Message = "session {Session}: text that is being written can't be kept")]
    private static partial void LogFailed(ILogger logger, Guid session, Exception error);
}
