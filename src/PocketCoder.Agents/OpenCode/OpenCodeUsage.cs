using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>Tokens and cost of one turn: the sum over its messages, of each the newest numbers.</summary>
internal sealed class OpenCodeUsage
{
    private readonly Dictionary<string, AgentUsage> _messages = new(StringComparer.Ordinal);

    public void BeginTurn() => _messages.Clear();

    /// <param name="info">An assistant's message. Cached tokens don't count as input there, reasoning does not count as output.</param>
    /// <returns>Tokens in the model's context after it; 0: it is not told yet.</returns>
    public long Take(string id, JsonElement info)
    {
        if (info.Object("tokens") is not { } tokens)
        {
            return 0;
        }

        var cache = tokens.Object("cache") ?? default;
        var usage = new AgentUsage(tokens.Number("input"), tokens.Number("output") + tokens.Number("reasoning"), cache.Number("read"),
            cache.Number("write"), info.Amount("cost") is > 0 and var cost ? cost : null); // 0: it knows no price
        _messages[id] = usage;
        return usage.InputTokens + usage.OutputTokens + usage.CacheReadTokens + usage.CacheWriteTokens;
    }

    public AgentUsage? OfTurn
    {
        get
        {
            var sum = new AgentUsage(0, 0, 0, 0, null);
            foreach (var m in _messages.Values)
            {
                sum = new AgentUsage(
                    sum.InputTokens + m.InputTokens, sum.OutputTokens + m.OutputTokens, sum.CacheReadTokens + m.CacheReadTokens,
                    sum.CacheWriteTokens + m.CacheWriteTokens,
                    m.CostUsd is null ? sum.CostUsd : (sum.CostUsd ?? 0) + m.CostUsd);
            }

            return sum.InputTokens + sum.OutputTokens + sum.CacheReadTokens + sum.CacheWriteTokens == 0 ? null : sum;
        }
    }
}
