using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>Somebody used a card of ours.</summary>
/// <param name="Place">Of the group that the card is in; null: it is in a direct chat.</param>
/// <param name="Nonce">What its buttons are good for.</param>
internal sealed record CardRequest(InboxItem Item, Person Person, CardIntent Intent, NonceNote Nonce, Place? Place)
{
    public string Chat => Item.Chat;

    /// <summary>An id for what is done, the same when it is done again.</summary>
    public Guid Id(string purpose) => EventIds.Of(Item, purpose);
}

/// <summary>What is done for a button.</summary>
/// <returns>What the card shows then; null: something else shows it.</returns>
internal delegate Task<CardView?> CardAnswer(CardRequest request, CancellationToken cancellationToken);

/// <param name="Changes">It changes something, so the card's nonce is used up.</param>
/// <param name="Needs">What the person must have for it, as the machine asks for it too: who lacks it must not use up the button of somebody
/// who does not. Null: nothing.</param>
internal sealed record CardRoute(CardVerb Verb, bool Changes, CardAnswer Answer, Scope? Needs = null);
