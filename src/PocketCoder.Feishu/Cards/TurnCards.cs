using System.Globalization;

namespace PocketCoder.Feishu.Cards;

/// <summary>Cards of turns and of what they ask for.</summary>
internal static class TurnCards
{
    private const int MostApprovals = 3;
    private const int MostConsequences = 6;
    private const int LongestReason = 300;
    private const int ShortDigest = 16;

    public static FeishuCard Turn(TurnView view, Page page)
    {
        var state = view.State;
        var isLive = state is CardState.Created or CardState.Running or CardState.Waiting;
        var pages = CardOutput.Pages(view.Output);
        var at = Math.Clamp(view.Page ?? (isLive ? pages.Count - 1 : 0), 0, pages.Count - 1);
        var turn = page.Empty with { Session = view.Session, Turn = view.Turn };
        var card = page.Card(Title(view, page, at, pages.Count), Colour(state));
        if (view.Reason is { } reason)
        {
            var why = SafeText.Cut(reason, LongestReason);
            _ = state == CardState.Failed ? card.Fault(why) : card.Line(why);
        }

        if (view.Queued is { } queued)
        {
            card.Line(page.Say(Say.Position, queued.Position));
            _ = queued.Blocking is { } blocking ? card.Line(page.Say(Say.Behind, Page.Id(blocking))) : card;
        }

        if (view.Output.Length > 0 || isLive) // the platform may refuse an empty element
        {
            card.Output(view.Output.Length == 0 ? page.Say(Say.WaitingOutput) : pages[at], isLive: true);
        }

        page.Turning(card, CardVerb.OpenTurn, turn, at, pages.Count);
        card.Note(
            view.Usage is { } usage ? page.Say(Say.TurnTokens, page.Tokens(usage)) : null,
            view.SessionUsage is { } all ? page.Say(Say.SessionTokens, page.Tokens(all)) : null);
        card.Buttons([.. (view.Approvals ?? []).Take(MostApprovals).Select((a, i) => page.Button(
            page.Say(Say.Review, i + 1), CardVerb.OpenApproval, CardButton.Main, page.Empty with { Approval = a }))]);
        var waiting = view.Queued is { } q ? page.Empty with { Session = view.Session, Queued = q.Id } : null;
        card.Buttons(
            isLive ? page.Button(Say.Stop, CardVerb.Stop, CardButton.Danger, turn) : null,
            waiting is not null && view.Queued!.Steerable ? page.Button(Say.SteerQueued, CardVerb.SteerQueued, with: waiting) : null,
            waiting is not null ? page.Button(Say.RemoveQueued, CardVerb.RemoveQueued, CardButton.Danger, waiting) : null,
            view.Continuable && state is CardState.Failed or CardState.Stopped
                ? page.Button(Say.Continue, CardVerb.Continue, CardButton.Main, turn) : null);
        if (view.Steerable && state is CardState.Running)
        {
            card.Form(
                form => form.Input("prompt", page.Say(Say.SteerPrompt), CardIntent.LongestPrompt, isLong: true),
                page.Button(Say.Steer, CardVerb.Steer, CardButton.Main, turn));
        }

        return card.Build();
    }

    public static FeishuCard Approval(ApprovalView view, Page page)
    {
        var outcome = page.Say(view.Outcome switch
        {
            ApprovalOutcome.Pending => Say.Pending,
            ApprovalOutcome.Allowed => Say.Allowed,
            ApprovalOutcome.Rejected => Say.Rejected,
            ApprovalOutcome.Expired => Say.Expired,
            _ => Say.Withdrawn,
        });
        var fits = CardBuilder.Fits(view.What);
        var isPending = view.Outcome == ApprovalOutcome.Pending;
        var isDestructive = view.Tier is not (ApprovalTier.Read or ApprovalTier.Write or ApprovalTier.Network);
        var risk = page.Say(Say.Risk, page.Say(view.Tier switch
        {
            ApprovalTier.Read => Say.TierRead,
            ApprovalTier.Write => Say.TierWrite,
            ApprovalTier.Network => Say.TierNetwork,
            _ => Say.TierDestructive,
        }));
        var card = page.Card(page.Say(Say.Approval, outcome, SafeText.Line(view.Kind, 60)), ApprovalColour(view, isDestructive));
        (isDestructive ? card.Warning(risk) : card.Line(risk)).Note(page.Say(view.Form switch
        {
            ApprovalForm.Command => Say.Command,
            ApprovalForm.Diff => Say.Diff,
            ApprovalForm.Host => Say.Host,
            _ => Say.Text,
        }));
        _ = fits ? card.Exact(view.What, view.Form == ApprovalForm.Diff ? "diff" : "") : card.Line(page.Say(Say.TooLong, view.What.Length));
        foreach (var consequence in view.Consequences.Take(MostConsequences))
        {
            card.Line($"• {SafeText.Line(consequence, 150)}");
        }

        card.Note(
            page.Say(Say.Sandbox, view.Sandbox), page.Say(Say.Digest, SafeText.Line(Short(view.Digest), 64)),
            page.Say(Say.Deadline, view.Deadline.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)));
        _ = view.DecidedBy is { } person ? card.Line(page.Say(Say.DecidedBy, outcome, person)) : card;
        if (!isPending)
        {
            return card.Build();
        }

        var intent = page.Empty with { Approval = view.Approval };
        var mayAllow = fits && !isDestructive && !view.NeedsApp;
        _ = isDestructive ? card.Line(page.Say(Say.OnlyInApp)) : view.NeedsApp ? card.Line(page.Say(Say.AnswerInApp)) : card;
        _ = !mayAllow && page.App is null ? card.Line(page.Say(Say.NoApp)) : card;
        return card.Buttons(
            mayAllow ? page.Button(Say.Allow, CardVerb.Allow, CardButton.Main, intent) : null,
            page.Button(Say.Reject, CardVerb.Reject, CardButton.Danger, intent),
            page.App is { } app ? new CardButton(page.Say(Say.OpenApp), null, Address: app) : null).Build();
    }

    private static string Title(TurnView view, Page page, int at, int pages)
    {
        var state = view.State == CardState.Running && view.Hint is { } hint
            ? $"{page.State(view.State)} · {SafeText.Line(hint, 30)}" : page.State(view.State);
        var title = page.Say(
            Say.Turn, state, SafeText.Line(Page.Id(view.Turn), 20), $"{SafeText.Line(view.Model ?? view.Agent, 30)}, {SafeText.Line(view.Folder, 30)}");
        return pages > 1 ? FormattableString.Invariant($"{title} [{at + 1}/{pages}]") : title;
    }

    private static string Colour(CardState state) => state switch
    {
        CardState.Waiting => "orange",
        CardState.Complete => "green",
        CardState.Failed => "red",
        CardState.Stopped => "grey",
        _ => "blue",
    };

    private static string ApprovalColour(ApprovalView view, bool isDestructive) => view.Outcome switch
    {
        ApprovalOutcome.Pending => isDestructive ? "red" : "orange",
        ApprovalOutcome.Allowed => "green",
        _ => "grey",
    };

    private static string Short(string digest) => digest.Length <= ShortDigest ? digest : digest[..ShortDigest];
}
