namespace PocketCoder.Feishu.Cards;

/// <summary>Help, errors, status and usage.</summary>
internal static class NoticeCards
{
    private const int MostRows = 20;

    public static FeishuCard Help(Page page)
        => page.Card(page.Say(Say.Help), "wathet")
            .Line(page.Say(Say.HelpDirect)).Line(page.Say(Say.HelpGroup)).Line(page.Say(Say.HelpApproval))
            .Buttons(
                page.Button(Say.Projects, CardVerb.Home, CardButton.Main), page.Button(Say.Status, CardVerb.Status),
                page.Button(Say.Usage, CardVerb.Usage))
            .Build();

    public static FeishuCard Error(ErrorView view, Page page)
    {
        var card = page.Card(page.Say(Say.Error), "red").Line(view.Message);
        return (view.Reference is { } reference ? card.Note(page.Say(Say.Reference, reference)) : card).Build();
    }

    public static FeishuCard Status(StatusView view, Page page)
    {
        var card = page.Card(page.Say(Say.Status), "wathet");
        foreach (var fact in view.Facts.Take(MostRows))
        {
            card.Line($"{SafeText.Line(fact.Value, 40)}: {SafeText.Line(fact.Label, 80)}");
        }

        return card.Buttons(page.Button(Say.Projects, CardVerb.Home)).Build();
    }

    public static FeishuCard Usage(UsageView view, Page page)
    {
        var card = page.Card(page.Say(Say.Usage), "wathet");
        _ = view.Rows.Count == 0 ? card.Line(page.Say(Say.Nothing)) : card;
        foreach (var row in view.Rows.Take(MostRows))
        {
            card.Line($"{SafeText.Line(row.Name, 60)}: {page.Tokens(row.Usage)}");
        }

        return card.Buttons(page.Button(Say.Projects, CardVerb.Home)).Build();
    }
}
