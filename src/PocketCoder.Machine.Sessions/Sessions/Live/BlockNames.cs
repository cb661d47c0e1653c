using System.Globalization;
using System.Security.Cryptography;
using PocketCoder.Agents;

namespace PocketCoder.Machine.Sessions.Live;

/// <summary>
/// Names blocks so that none has the name of an earlier one of the session: agents count anew with each process, and say the same name
/// again after a stream broke. A device would take the one for the other, and the earlier text would be gone. One process's; not
/// thread-safe.
/// </summary>
internal sealed class BlockNames
{
    private readonly Dictionary<string, int> _tries = new(StringComparer.Ordinal); // of those given up in this turn
    private string _turn = New();

    /// <summary>The event with the name of its block, if it has one.</summary>
    public AgentEvent Named(AgentEvent said)
    {
        switch (said)
        {
            case AgentDelta delta:
                return delta with { BlockId = Name(delta.BlockId) };
            case AgentBlock block:
                return block with { BlockId = Name(block.BlockId) };
            case AgentBlockDropped dropped:
                var name = Name(dropped.BlockId);
                _tries[dropped.BlockId] = _tries.GetValueOrDefault(dropped.BlockId, 1) + 1;
                return dropped with { BlockId = name };
            case AgentTurnEnded:
                _tries.Clear();
                _turn = New();
                return said;
            default:
                return said;
        }
    }

    private static string New() => RandomNumberGenerator.GetHexString(12, lowercase: true);

    private string Name(string id) => _tries.TryGetValue(id, out var attempt)
        ? string.Create(CultureInfo.InvariantCulture, $"{id}~{_turn}.{attempt}")
        : $"{id}~{_turn}";
}
