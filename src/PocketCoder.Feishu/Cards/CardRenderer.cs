namespace PocketCoder.Feishu.Cards;

/// <summary>Draws each view as a card. Pure and thread-safe: the same view gives the same card.</summary>
public static class CardRenderer
{
    /// <summary>The card of a view, with its text for where no card can be shown.</summary>
    /// <exception cref="FeishuException">An id or the nonce is none, or the app's address is not https.</exception>
    public static FeishuCard Render(CardView view, CardContext context)
    {
        var page = new Page(context);
        return view switch
        {
            HomeView v => ProjectCards.Home(v, page),
            NewProjectView v => ProjectCards.New(v, page),
            ManageView v => ProjectCards.Manage(v, page),
            ProjectView v => ProjectCards.Project(v, page),
            WorkspaceView v => WorkspaceCards.Overview(v, page),
            FolderView v => WorkspaceCards.Folder(v, page),
            FolderListView v => WorkspaceCards.Folders(v, page),
            AgentView v => WorkspaceCards.Agent(v, page),
            SessionView v => WorkspaceCards.Session(v, page),
            ComposerView v => WorkspaceCards.Composer(v, page),
            TurnView v => TurnCards.Turn(v, page),
            ApprovalView v => TurnCards.Approval(v, page),
            HelpView => NoticeCards.Help(page),
            ErrorView v => NoticeCards.Error(v, page),
            StatusView v => NoticeCards.Status(v, page),
            UsageView v => NoticeCards.Usage(v, page),
            _ => throw new ArgumentException($"There is no card for {view.GetType().Name}.", nameof(view)),
        };
    }
}

/// <summary>What the templates share: words, buttons, pages.</summary>
internal sealed class Page(CardContext context)
{
    private const int LongestShownId = 12;
    private const int ShortId = 8;

    public Uri? App => context.App;

    public string Say(Say say, params object[] parts) => CardWords.In(context.Language, say, parts);

    public CardBuilder Card(string title, string colour)
        => CardIntent.IsToken(context.Nonce) ? new CardBuilder(context.Nonce, title, colour, context.Without)
            : throw new FeishuException(FeishuError.Invalid, "A card's nonce has 1 to 64 letters, digits, '_', '-', '.' and ':'.");

    public CardButton Button(Say label, CardVerb verb, string kind = CardButton.Plain, CardIntent? with = null)
        => Button(Say(label), verb, kind, with);

    public CardButton Button(string label, CardVerb verb, string kind = CardButton.Plain, CardIntent? with = null)
        => new(label, (with ?? new CardIntent(verb, context.Nonce)) with { Verb = verb }, kind);

    public CardButton Button(Say label, CardVerb verb, ProjectLine project, string kind = CardButton.Plain)
        => Button(label, verb, kind, Of(project));

    /// <summary>Whether it can be done where the card is shown.</summary>
    public bool Can(CardVerb verb) => !context.Without.Contains(verb);

    public CardIntent Of(ProjectLine project) => new(CardVerb.OpenProject, context.Nonce) { Project = project.Id };

    public CardIntent Empty => new(CardVerb.Home, context.Nonce);

    public string State(CardState state) => Say(state switch
    {
        CardState.Created => Cards.Say.Created,
        CardState.Queued => Cards.Say.Queued,
        CardState.Running => Cards.Say.Running,
        CardState.Waiting => Cards.Say.Waiting,
        CardState.Complete => Cards.Say.Complete,
        CardState.Failed => Cards.Say.Failed,
        CardState.Stopped => Cards.Say.Stopped,
        _ => Cards.Say.Idle,
    });

    public string Tokens(CardUsage usage)
        => Say(
            Cards.Say.Tokens, Short(usage.Input), Short(usage.Cached), Short(usage.Output), Short(usage.Reasoning),
            Short(usage.Input + usage.Output + usage.Reasoning));

    /// <summary>Buttons to the page before and after, if there are.</summary>
    public CardBuilder Turning(CardBuilder card, CardVerb verb, CardIntent intent, int at, int pages)
    {
        if (pages > 1)
        {
            card.Note(Say(Cards.Say.Page, at + 1, pages)).Buttons(
                at > 0 ? Button(Cards.Say.Previous, verb, with: intent with { Page = at - 1 }) : null,
                at < pages - 1 ? Button(Cards.Say.Next, verb, with: intent with { Page = at + 1 }) : null);
        }

        return card;
    }

    public CardBuilder Fault(CardBuilder card, string? error) => error is null ? card : card.Fault(error);

    /// <summary>An id to tell things apart by: of a long one the end, since ids of one time begin alike.</summary>
    public static string Id(string id) => id.Length <= LongestShownId ? id : id[^ShortId..];

    /// <summary>As 999, 1.2k or 3.4M.</summary>
    private static string Short(long count)
        => count < 1000 ? $"{Math.Max(0, count)}"
            : count < 1_000_000 ? FormattableString.Invariant($"{count / 1000.0:0.#}k")
            : FormattableString.Invariant($"{count / 1_000_000.0:0.#}M");
}
