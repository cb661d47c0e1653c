using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>
/// Decisions. What is decided is what the card showed: its button names the digest that it was drawn from, and a command names its first
/// digits. The machine refuses a digest that is not the approval's, what is decided already, and what a chat may not allow.
/// </summary>
internal sealed class ApprovalActions(CardSender sender, BotNotes notes)
{
    /// <summary>Digits of a digest that a command must name.</summary>
    private const int FewestDigits = 8;

    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.OpenApproval, false, OpenAsync),
        new(CardVerb.Allow, true, (r, ct) => DecideAsync(r, DecisionVerdict.Allow, ct), Scope.Decide),
        new(CardVerb.Reject, true, (r, ct) => DecideAsync(r, DecisionVerdict.Deny, ct), Scope.Decide),
    ];

    /// <summary>Decides by a command: on the one that waits here and whose digest begins so.</summary>
    /// <exception cref="NotDone">There is none, or more than one.</exception>
    public async Task DecideAsync(
        Person person, Place place, InboxItem item, string digits, DecisionVerdict verdict, CancellationToken cancellationToken)
    {
        var fits = digits.Length < FewestDigits ? []
            : (await PendingAsync(person, place, cancellationToken))
                .Where(a => a.Digest.StartsWith(digits, StringComparison.OrdinalIgnoreCase)).ToList();
        if (fits is not [var asked])
        {
            throw new NotDone(sender.Say(BotWord.NotOneApproval, fits.Count));
        }

        await SaidAsync(
            item, await AskAsync(person, asked.ApprovalId, asked.Digest, EventIds.Of(item, "decision"), verdict, cancellationToken),
            cancellationToken);
    }

    /// <summary>A decision after which it still waits was the first of two people's: no card shows that by itself.</summary>
    private Task SaidAsync(InboxItem item, ApprovalInfo asked, CancellationToken cancellationToken)
        => asked.State == ApprovalState.Pending ? sender.TextAsync(item, sender.Say(BotWord.FirstOfTwo), "first", cancellationToken)
            : Task.CompletedTask;

    private static async Task<IEnumerable<ApprovalInfo>> PendingAsync(Person person, Place place, CancellationToken cancellationToken)
        => (await person.AskAsync(DeviceVerbs.ApprovalsList, new ApprovalsListRequest(), cancellationToken)).Approvals
            .Where(a => a.ProjectId == place.Project && a.State == ApprovalState.Pending);

    private static async Task<ApprovalInfo> AskAsync(
        Person person, Guid approval, string digest, Guid decision, DecisionVerdict verdict, CancellationToken cancellationToken)
        => (await person.AskAsync(
            Verbs.AgentPromptResponse, new DecisionRequest(approval, decision, verdict, DecisionScope.Once, digest, ""),
            cancellationToken)).Approval;

    private async Task<CardView?> DecideAsync(CardRequest request, DecisionVerdict verdict, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(request.Intent.Approval, out var id) || request.Nonce.Digest is not { } digest)
        {
            throw new NotDone(sender.Say(BotWord.OldCard));
        }

        var asked = await AskAsync(request.Person, id, digest, request.Id("decision"), verdict, cancellationToken);
        await SaidAsync(request.Item, asked, cancellationToken);
        await ShownAsync(asked, request.Item.Card!.MessageId, cancellationToken);
        return ApprovalViews.Of(asked);
    }

    /// <summary>Sends the card once more, below.</summary>
    private async Task<CardView?> OpenAsync(CardRequest request, CancellationToken cancellationToken)
    {
        if (request.Place is not { } place || !Guid.TryParse(request.Intent.Approval, out var id)
            || (await PendingAsync(request.Person, place, cancellationToken)).FirstOrDefault(a => a.ApprovalId == id) is not { } asked)
        {
            throw new NotDone(sender.Say(BotWord.OldCard));
        }

        await new ApprovalCards(place.Chat, sender, notes).SendAgainAsync(asked, request.Item.Id, cancellationToken);
        return null;
    }

    /// <summary>The used card shows the outcome at once; the session's events need not show it again.</summary>
    private async Task ShownAsync(ApprovalInfo asked, string message, CancellationToken cancellationToken)
    {
        var key = asked.ApprovalId.ToString("N");
        if (await notes.FindAsync(Note.Approval, key, cancellationToken) is { } known && known.MessageId == message)
        {
            await notes.SetAsync(
                Note.Approval, key, known with { Shown = ApprovalViews.Outcome(asked.State).ToString() }, cancellationToken);
        }
    }
}
