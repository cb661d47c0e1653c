using System.Globalization;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Which streamed block a finished one belongs to. A message is streamed block by block and then repeated, one <c>assistant</c> line a
/// block; when the stream breaks, the program silently asks again without streaming, and what was shown of the first try is void. One
/// message at a time per speaker (the main agent, or a sub-agent by its tool call).
/// </summary>
internal sealed class ClaudeBlocks
{
    private readonly Dictionary<string, Message> _messages = new(StringComparer.Ordinal);

    /// <summary>A new streamed message. Returns the blocks that were left unfinished before.</summary>
    public IEnumerable<string> Begin(string speaker, string messageId)
    {
        var dropped = Unfinished(speaker);
        _messages[speaker] = new Message(messageId);
        return dropped;
    }

    public void Open(string speaker, int index, BlockKind? kind)
    {
        if (_messages.TryGetValue(speaker, out var message) && kind is { } known)
        {
            message.Blocks[index] = new Block(known);
        }
    }

    /// <summary>The id of the block a delta belongs to, or null when it belongs to none that was opened.</summary>
    public string? Delta(string speaker, int index, BlockKind kind)
    {
        if (!_messages.TryGetValue(speaker, out var message) || !message.Blocks.TryGetValue(index, out var block) || block.Kind != kind
            || block.Finished)
        {
            return null;
        }

        block.Shown = true;
        return Id(message.Id, index);
    }

    /// <summary>
    /// The id of a finished block: that of the first open block of its kind in the same message, else a new one. Blocks of another
    /// message of the same speaker that were shown and never finished come back as dropped.
    /// </summary>
    public string Finish(string speaker, string messageId, BlockKind kind, out IReadOnlyList<string> dropped)
    {
        dropped = [];
        if (!_messages.TryGetValue(speaker, out var message) || message.Id != messageId)
        {
            dropped = [.. Begin(speaker, messageId)];
            message = _messages[speaker];
        }

        foreach (var (index, block) in message.Blocks)
        {
            if (block.Kind == kind && !block.Finished)
            {
                block.Finished = true;
                return Id(messageId, index);
            }
        }

        var next = message.Blocks.Count == 0 ? 0 : message.Blocks.Keys.Max() + 1;
        message.Blocks[next] = new Block(kind) { Finished = true };
        return Id(messageId, next);
    }

    /// <summary>Ends everything that is open; returns the blocks that were shown and never finished.</summary>
    public IReadOnlyList<string> End()
    {
        var dropped = _messages.Keys.ToList().SelectMany(Unfinished).ToList();
        _messages.Clear();
        return dropped;
    }

    private static string Id(string messageId, int index) => string.Create(CultureInfo.InvariantCulture, $"{messageId}:{index}");

    private List<string> Unfinished(string speaker)
        => _messages.Remove(speaker, out var message)
            ? [.. message.Blocks.Where(b => b.Value is { Shown: true, Finished: false }).Select(b => Id(message.Id, b.Key))]
            : [];

    private sealed class Message(string id)
    {
        public string Id { get; } = id;

        public SortedDictionary<int, Block> Blocks { get; } = [];
    }

    private sealed class Block(BlockKind kind)
    {
        public BlockKind Kind { get; } = kind;

        public bool Shown { get; set; }

        public bool Finished { get; set; }
    }
}
