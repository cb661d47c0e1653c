using System.Text;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>What a turn's card needs of the session and does not find in its events.</summary>
/// <param name="Agent">A name.</param>
/// <param name="Steerable">The agent can be told something in a turn.</param>
internal sealed record TurnFacts(string Agent, string? Model, string Folder, bool Steerable);

/// <summary>
/// A turn, added up from its events: the same events give the same turn, and one that comes twice changes nothing. What sub-agents say
/// stays with them. For one thread.
/// </summary>
/// <param name="firstSeq">Of its first event, to begin again from there.</param>
internal sealed class TurnFold(TurnInfo turn, long firstSeq)
{
    /// <summary>As much of the output is kept, in characters: more than a card's pages show.</summary>
    private const int MostOutput = 400_000;

    private readonly List<Block> _blocks = [];
    private readonly Dictionary<string, Block> _byId = new(StringComparer.Ordinal);
    private readonly List<Guid> _approvals = [];
    private string? _model;
    private string? _hint;
    private string? _error;
    private CardUsage? _usage;
    private CardUsage? _session;
    private long _length;

    public TurnInfo Turn { get; private set; } = turn;

    public long FirstSeq => firstSeq;

    /// <summary>Nothing of it comes any more.</summary>
    public bool IsOver { get; private set; }

    public bool IsQueued => Turn.State == TurnState.Queued;

    public void Apply(AgentEventPayload happened)
    {
        switch (happened)
        {
            case TurnEvent e:
                Turn = e.Turn;
                IsOver = IsOver || (e.Turn is { StartedAt: null } && State(e.Turn.State) is CardState.Stopped or CardState.Failed);
                break;
            case InitEvent e:
                _model = e.Model;
                break;
            case TextEvent { ParentToolUseId: null } e:
                Put(e.BlockId, e.Text);
                _hint = null;
                break;
            case ToolUseEvent { ParentToolUseId: null } e:
                Put($"tool {e.ToolUseId}", $"› {e.Title}");
                _hint = e.Title;
                break;
            case ApprovalEvent e:
                _approvals.Remove(e.Approval.ApprovalId);
                if (e.Approval.State == ApprovalState.Pending)
                {
                    _approvals.Add(e.Approval.ApprovalId);
                }

                break;
            case UsageEvent e:
                (_usage, _session) = (Tokens(e.Turn), Tokens(e.Session));
                break;
            case ErrorEvent e:
                _error = e.Message;
                break;
            case DoneEvent:
                IsOver = true;
                break;
            default:
                break; // nothing that a card shows
        }
    }

    /// <returns>Whether it shows something new.</returns>
    public bool Apply(AgentDeltaPayload delta)
    {
        if (delta.Kind != DeltaKind.Text || delta.ParentToolUseId is not null)
        {
            return false;
        }

        if (delta.Dropped)
        {
            Put(delta.BlockId, "");
            return true;
        }

        var block = _byId.GetValueOrDefault(delta.BlockId) ?? Put(delta.BlockId, "");
        if (block.IsWhole || block.Text.Length > MostOutput || delta.Offset > block.Text.Length
            || delta.Offset + delta.Text.Length <= block.Text.Length)
        {
            return false; // it is there already, or something is missing: the whole block comes
        }

        var before = block.Text.Length;
        block.Text.Length = delta.Offset;
        block.Text.Append(delta.Text);
        Grew(block.Text.Length - before);
        return true;
    }

    /// <param name="queue">Its place among those that wait, from 1, and what is before it; null: it does not wait.</param>
    /// <param name="page">Null: the usual one.</param>
    public TurnView View(Guid session, TurnFacts facts, (int Position, string? Behind)? queue, bool canSteer, int? page = null)
    {
        var state = State(Turn.State);
        return new TurnView(
            session.ToString("N"), Turn.TurnId.ToString("N"), state, facts.Agent, _model ?? facts.Model, facts.Folder, Output(), page,
            state == CardState.Running ? _hint : null,
            state is CardState.Failed or CardState.Stopped ? _error ?? Turn.Error : null,
            queue is { } place
                ? new QueuedPrompt(Turn.TurnId.ToString("N"), place.Position, place.Behind, canSteer && facts.Steerable) : null,
            IsOver ? _usage : null, IsOver ? _session : null,
            Steerable: facts.Steerable, Continuable: Turn.State is TurnState.Failed or TurnState.Interrupted,
            Approvals: [.. _approvals.Select(a => a.ToString("N"))]);
    }

    private static CardState State(TurnState state) => state switch
    {
        TurnState.Queued => CardState.Queued,
        TurnState.Running => CardState.Running,
        TurnState.Waiting => CardState.Waiting,
        TurnState.Completed => CardState.Complete,
        TurnState.Cancelled => CardState.Stopped,
        _ => CardState.Failed,
    };

    private static CardUsage Tokens(UsageInfo usage)
        => new(usage.InputTokens + usage.CacheWriteTokens, usage.CacheReadTokens, usage.OutputTokens, 0);

    private string Output()
    {
        var output = new StringBuilder();
        foreach (var block in _blocks.Where(b => b.Text.Length > 0))
        {
            _ = output.Length > 0 ? output.Append("\n\n") : output;
            output.Append(block.Text);
        }

        return output.ToString();
    }

    private Block Put(string id, string text)
    {
        if (!_byId.TryGetValue(id, out var block))
        {
            _blocks.Add(_byId[id] = block = new Block(id));
        }

        text = text.Length > MostOutput ? text[^MostOutput..] : text;
        Grew(text.Length - block.Text.Length);
        block.Text.Clear().Append(text);
        block.IsWhole = text.Length > 0;
        return block;
    }

    private void Grew(int by)
    {
        _length += by;
        while (_length > MostOutput && _blocks.Count > 1)
        {
            _length -= _blocks[0].Text.Length;
            _byId.Remove(_blocks[0].Id);
            _blocks.RemoveAt(0);
        }
    }

    private sealed class Block(string id)
    {
        public string Id => id;

        public StringBuilder Text { get; } = new();

        /// <summary>The finished text is there: nothing that comes late changes it.</summary>
        public bool IsWhole { get; set; }
    }
}
