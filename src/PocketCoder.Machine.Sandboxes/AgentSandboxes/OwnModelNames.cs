using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Models;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// Between an agent that knows a provider's models by the provider's names, and a machine that names them <c>NAME/MODEL</c>. For one start
/// of an agent. Thread-safe.
/// </summary>
/// <param name="first">The model that it was started with, by the provider's name.</param>
internal sealed class OwnModelNames(OwnProvider provider, string first)
{
    private readonly PriceTable _prices = provider.Prices();
    private readonly IReadOnlyList<AgentModel> _all =
        [.. provider.Models.Select(m => new AgentModel(Whole(provider, m.Id), m.Title ?? m.Id))];
    private volatile string _current = first;

    /// <summary>The provider's name of a model; null: <paramref name="named"/> is none of its.</summary>
    public static string? IdOf(OwnProvider provider, string? named)
        => named is not null && named.StartsWith(provider.Name + "/", StringComparison.Ordinal)
            && provider.Models.Any(m => m.Id == named[(provider.Name.Length + 1)..]) ? named[(provider.Name.Length + 1)..] : null;

    /// <summary>What the agent is told when a person chooses another model; it counts as chosen from then on.</summary>
    /// <exception cref="AgentException">It is none of this provider's.</exception>
    public string Choose(string? named)
        => _current = IdOf(provider, named) ?? throw new AgentException(
            AgentError.Refused,
            $"This session asks {provider.Name}, which has: {string.Join(", ", _all.Select(m => m.Id))}. Start another session for other models.");

    public ChannelReader<AgentEvent> Translate(ChannelReader<AgentEvent> events) => new Reader(events, this);

    /// <summary>What an agent thinks of a model's window and price is a guess about another one, so the owner's word counts.</summary>
    private AgentEvent Said(AgentEvent said) => said switch
    {
        AgentReady ready => ready with
        {
            Model = ready.Model is null ? null : Whole(provider, provider.Models.Any(m => m.Id == ready.Model) ? ready.Model : _current),
            Models = _all,
            OfOwnProvider = true,
        },
        AgentContext context => context with { WindowTokens = provider.Models.First(m => m.Id == _current).ContextTokens },
        AgentTurnEnded { Usage: { CostUsd: not null } usage } ended => ended with
        {
            Usage = usage with
            {
                CostUsd = _prices.Cost(
                    _current, new TokenCount(usage.InputTokens, usage.CacheReadTokens, usage.CacheWriteTokens, usage.OutputTokens)),
            },
        },
        _ => said,
    };

    private static string Whole(OwnProvider provider, string id) => $"{provider.Name}/{id}";

    private sealed class Reader(ChannelReader<AgentEvent> events, OwnModelNames names) : ChannelReader<AgentEvent>
    {
        public override Task Completion => events.Completion;

        public override bool TryRead([MaybeNullWhen(false)] out AgentEvent item)
        {
            if (!events.TryRead(out item))
            {
                return false;
            }

            item = names.Said(item);
            return true;
        }

        public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
            => events.WaitToReadAsync(cancellationToken);
    }
}
