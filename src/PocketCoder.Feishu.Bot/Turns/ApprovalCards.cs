using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>
/// The cards of approvals in one chat: one message each, which shows the outcome when somebody decided, wherever. The buttons carry the
/// digest of what the card shows. For one thread at a time.
/// </summary>
internal sealed class ApprovalCards(string chat, CardSender sender, BotNotes notes)
{
    /// <summary>Shows an approval as it is now; the same again shows nothing new.</summary>
    /// <exception cref="FeishuException">It could not be shown: call again.</exception>
    public async Task ShowAsync(ApprovalInfo asked, CancellationToken cancellationToken)
    {
        var view = ApprovalViews.Of(asked);
        var (key, outcome) = (view.Approval, view.Outcome.ToString());
        var known = await notes.FindAsync(Note.Approval, key, cancellationToken);
        if (known?.Shown == outcome)
        {
            return;
        }

        if (known is null)
        {
            var message = await SendAsync(asked, view, key, "approval", cancellationToken);
            known = new ApprovalNote(chat, message, outcome);
        }
        else
        {
            await ReplaceAsync(known, asked, view, outcome, cancellationToken);
        }

        await notes.SetAsync(Note.Approval, key, known with { Shown = outcome }, cancellationToken);
    }

    /// <summary>Sends it once more, for who lost sight of it. The older message stays, and its buttons are good for nothing.</summary>
    public async Task SendAgainAsync(ApprovalInfo asked, string eventId, CancellationToken cancellationToken)
    {
        var view = ApprovalViews.Of(asked);
        var message = await SendAsync(asked, view, eventId, "approval", cancellationToken);
        await notes.SetAsync(
            Note.Approval, view.Approval, new ApprovalNote(chat, message, view.Outcome.ToString()), cancellationToken);
    }

    private async Task ReplaceAsync(
        ApprovalNote known, ApprovalInfo asked, Cards.ApprovalView view, string outcome, CancellationToken cancellationToken)
    {
        try
        {
            await sender.ReplaceAsync(
                known.MessageId, known.Chat, view, view.Approval, $"approval {outcome}", cancellationToken, asked.Digest);
        }
        catch (FeishuException e) when (!e.Retryable)
        {
            // The message can't be changed any more: what became of it is told in a new one.
            await SendAsync(asked, view, view.Approval, $"approval {outcome} anew", cancellationToken);
        }
    }

    /// <summary>Sends it where the cards of its turn are.</summary>
    private async Task<string> SendAsync(
        ApprovalInfo asked, Cards.ApprovalView view, string id, string purpose, CancellationToken cancellationToken)
        => await sender.SendAsync(
            chat, view, id, purpose, cancellationToken, asked.Digest, await sender.Threads.OfTurnAsync(asked.TurnId, cancellationToken));
}
