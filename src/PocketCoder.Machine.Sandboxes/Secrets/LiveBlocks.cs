using PocketCoder.Agents;

namespace PocketCoder.Machine.Secrets;

/// <summary>An agent's text as it is written, block by block, without secrets. One reader's; not thread-safe.</summary>
public sealed class LiveBlocks(SecretService secrets)
{
    private readonly Dictionary<string, LiveRedaction> _open = new(StringComparer.Ordinal);

    /// <summary>What may be shown of a block now; maybe nothing.</summary>
    public string Next(string block, string piece)
    {
        if (!_open.TryGetValue(block, out var text))
        {
            _open[block] = text = new LiveRedaction(secrets.Redactor);
        }

        return text.Next(piece);
    }

    /// <summary>Lets go of a block that is finished.</summary>
    public void End(AgentEvent said)
    {
        switch (said)
        {
            case AgentBlock block:
                _open.Remove(block.BlockId);
                break;
            case AgentBlockDropped dropped:
                _open.Remove(dropped.BlockId);
                break;
            case AgentTurnEnded:
                _open.Clear();
                break;
        }
    }
}
