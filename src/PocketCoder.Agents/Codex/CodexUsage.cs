using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Codex;

/// <summary>Tokens of one turn, out of counters that go on over the whole thread.</summary>
internal sealed class CodexUsage
{
    private AgentUsage? _total;
    private AgentUsage _turn = new(0, 0, 0, 0, null);
    private bool _any;

    public void BeginTurn() => (_turn, _any) = (new AgentUsage(0, 0, 0, 0, null), false);

    /// <summary>
    /// Takes <c>thread/tokenUsage/updated</c>. Of a resumed thread the first total is not ours alone: then the last request counts.
    /// </summary>
    public void Take(JsonElement usage)
    {
        if (usage.Object("total") is not { } totals)
        {
            return;
        }

        var now = Read(totals);
        var step = _total is { } before && now.InputTokens >= before.InputTokens && now.OutputTokens >= before.OutputTokens
            && now.CacheReadTokens >= before.CacheReadTokens
            ? new AgentUsage(now.InputTokens - before.InputTokens, now.OutputTokens - before.OutputTokens,
                now.CacheReadTokens - before.CacheReadTokens, now.CacheWriteTokens - before.CacheWriteTokens, null)
            : usage.Object("last") is { } last ? Read(last) : now;
        _total = now;
        _any = true;
        _turn = new AgentUsage(
            _turn.InputTokens + step.InputTokens, _turn.OutputTokens + step.OutputTokens, _turn.CacheReadTokens + step.CacheReadTokens,
            _turn.CacheWriteTokens + step.CacheWriteTokens, null);
    }

    /// <summary>How full the thread is: what its last request took.</summary>
    public static AgentContext? Context(JsonElement usage)
        => usage.Object("last") is { } last && last.Number("totalTokens") is > 0 and var used
            ? new AgentContext(used, usage.Number("modelContextWindow") is > 0 and var window ? window : null) : null;

    public AgentUsage? OfTurn => _any ? _turn : null;

    /// <summary>Codex counts cached tokens as input too.</summary>
    private static AgentUsage Read(JsonElement tokens)
    {
        var cached = tokens.Number("cachedInputTokens");
        return new AgentUsage(Math.Max(0, tokens.Number("inputTokens") - cached), tokens.Number("outputTokens"), cached,
            tokens.Number("cacheWriteInputTokens"), null);
    }
}
