namespace PocketCoder.Feishu.Cards;

/// <summary>Cards of a project's group: where and how prompts run.</summary>
internal static class WorkspaceCards
{
    private const int MostFolders = 8;
    private const int LongestShown = 80;

    public static FeishuCard Overview(WorkspaceView view, Page page)
    {
        var project = view.Project;
        string?[] facts =
        [
            SafeText.Line(project.Agent, 30), SafeText.Line(view.Folder, 40), view.Model is { } model ? SafeText.Line(model, 30) : null,
            view.Turn is { } now ? Page.Id(now) : null,
            view.Queue > 0 ? page.Say(Say.QueueLength, view.Queue) : null,
        ];
        var title = page.Say(Say.Workspace, page.State(project.State), SafeText.Line(project.Name, 40), string.Join(", ", facts.OfType<string>()));
        var card = page.Card(title, "orange")
            .Line(page.Say(Say.FolderNow, view.Folder))
            .Line(page.Say(Say.ConfigAgent, view.Model is null ? project.Agent : $"{SafeText.Line(project.Agent, 60)}, {view.Model}"))
            .Line(page.Say(Say.SessionNow, view.Session ?? page.Say(Say.Fresh)));
        var stop = view.Session is { } session && view.Turn is { } turn && project.State is CardState.Running or CardState.Waiting
            ? page.Button(Say.Stop, CardVerb.Stop, CardButton.Danger, page.Empty with { Session = session, Turn = turn }) : null;
        return (view.Locked
            ? card.Note(page.Say(Say.Locked)).Buttons(stop, page.Button(Say.Run, CardVerb.Compose, project))
            : card.Buttons(stop).Buttons(
                page.Button(Say.Run, CardVerb.Compose, project, CardButton.Main),
                page.Button(Say.Folder, page.Can(CardVerb.BrowseFolder) ? CardVerb.BrowseFolder : CardVerb.TypeFolder, project),
                page.Button(Say.Agent, CardVerb.ChooseAgent, project), page.Button(Say.Session, CardVerb.ChooseSession, project),
                page.Button(Say.Presets, CardVerb.Presets, project), page.Button(Say.Recent, CardVerb.RecentFolders, project))).Build();
    }

    public static FeishuCard Folder(FolderView view, Page page)
    {
        var project = view.Project;
        var card = page.Card(page.Say(Say.WorkingFolder, project.Name), "blue").Line(page.Say(Say.Current, view.Current));
        page.Fault(card, view.Error);
        if (view.Browsing is not { } folder)
        {
            return card
                .Form(
                    form => form.Input("folder", page.Say(Say.Folder), CardIntent.LongestFolder, view.Current),
                    page.Button(Say.Apply, CardVerb.ApplyFolder, project, CardButton.Main))
                .Buttons(
                    page.Button(Say.Browse, CardVerb.BrowseFolder, project), page.Button(Say.Cancel, CardVerb.OpenWorkspace, project))
                .Build();
        }

        card.Line(page.Say(Say.Browsing, folder));
        var children = Sendable(view.Children, c => c.Value, CardIntent.LongestFolder);
        if (children.Count > 0)
        {
            var left = view.Children.Count - children.Count;
            card.Form(
                form => left += form.Select("folder", page.Say(Say.Subfolder), children, children[0].Value),
                page.Button(Say.OpenSelected, CardVerb.BrowseFolder, project));
            _ = left > 0 ? card.Line(page.Say(Say.More, left)) : card;
        }

        return card.Buttons(
            folder.Length <= CardIntent.LongestFolder
                ? page.Button(Say.UseThis, CardVerb.ApplyFolder, CardButton.Main, page.Of(project) with { Folder = folder }) : null,
            page.Button(Say.TypeIt, CardVerb.TypeFolder, project), page.Button(Say.Cancel, CardVerb.OpenWorkspace, project)).Build();
    }

    public static FeishuCard Folders(FolderListView view, Page page)
    {
        var project = view.Project;
        var title = page.Say(
            view.Kind switch
            {
                FolderList.Default => Say.UseDefault,
                FolderList.Presets => Say.PresetsOf,
                _ => Say.RecentOf,
            },
            project.Name);
        var card = page.Fault(page.Card(title, view.Kind == FolderList.Presets ? "wathet" : "blue"), view.Error);
        var folders = Sendable(view.Folders, f => f, CardIntent.LongestFolder);
        _ = folders.Count == 0 ? card.Line(page.Say(Say.Nothing)) : card;
        var (room, shown) = (6_000, 0);
        foreach (var folder in folders.Take(view.Kind == FolderList.Default ? 1 : MostFolders))
        {
            room -= CardOutput.Cost(folder);
            if (room < 0 && shown > 0)
            {
                break;
            }

            shown++;
            var intent = page.Of(project) with { Folder = folder };
            card.Line($"{shown}. {SafeText.Line(folder, LongestShown * 2)}").Buttons(
                view.Kind == FolderList.Default ? page.Button(Say.Apply, CardVerb.UseDefaultFolder, project, CardButton.Main)
                    : page.Button(
                        page.Say(Say.Use, shown), view.Kind == FolderList.Presets ? CardVerb.UsePreset : CardVerb.ApplyFolder,
                        with: intent),
                view.Kind == FolderList.Presets && CardOutput.Cost(folder) < 1_000
                    ? page.Button(page.Say(Say.Remove, shown), CardVerb.RemovePreset, CardButton.Danger, intent) : null);
        }

        var left = view.Kind == FolderList.Default ? 0 : view.Folders.Count - shown;
        _ = left > 0 ? card.Line(page.Say(Say.More, left)) : card;
        if (view.Kind == FolderList.Presets)
        {
            card.Form(
                form => form.Input("folder", page.Say(Say.Folder), CardIntent.LongestFolder),
                page.Button(Say.AddPreset, CardVerb.AddPreset, project, CardButton.Main));
        }

        return card.Buttons(page.Button(Say.Back, CardVerb.OpenWorkspace, project)).Build();
    }

    public static FeishuCard Agent(AgentView view, Page page)
    {
        var project = view.Project;
        return page.Fault(page.Card(page.Say(Say.ConfigAgent, project.Name), "blue"), view.Error)
            .Form(
                form =>
                {
                    form.Select("agent", page.Say(Say.Agent), Choices(view.Agents, 12), view.Agent, isNeeded: false);
                    if (Choices(view.Models, 20) is { Count: > 0 } models)
                    {
                        form.Select("model", page.Say(Say.Model), models, view.Model, isNeeded: false);
                    }

                    foreach (var setting in view.Settings.Where(s => CardIntent.IsToken(s.Name)).Take(CardIntent.MostSettings))
                    {
                        var (name, label) = (CardIntent.SettingPrefix + setting.Name, SafeText.Line(setting.Label, 30));
                        if (setting.Options is { } options)
                        {
                            form.Select(name, label, Choices(options, 5), setting.Value, isNeeded: false);
                        }
                        else
                        {
                            form.Input(name, label, CardIntent.LongestChoice, setting.Value, isNeeded: false);
                        }
                    }
                },
                page.Button(Say.Apply, CardVerb.ApplyAgent, project, CardButton.Main))
            .Buttons(page.Button(Say.Cancel, CardVerb.OpenWorkspace, project)).Build();
    }

    public static FeishuCard Session(SessionView view, Page page)
    {
        var project = view.Project;
        var title = page.Say(view.Typed ? Say.SessionId : Say.SessionOf, project.Name);
        var card = page.Fault(page.Card(title, "blue"), view.Error).Line(page.Say(Say.Current, view.Active ?? page.Say(Say.None)));
        var apply = page.Button(Say.Apply, CardVerb.ApplySession, project, CardButton.Main);
        if (view.Typed)
        {
            return card.Form(form => form.Input("session", page.Say(Say.Id), CardIntent.LongestChoice), apply)
                .Buttons(page.Button(Say.Cancel, CardVerb.ChooseSession, project)).Build();
        }

        var sessions = Sendable(view.Sessions, s => s.Value, CardIntent.LongestChoice);
        if (sessions.Count == 0)
        {
            card.Line(page.Say(Say.Nothing));
        }
        else
        {
            var left = view.Sessions.Count - sessions.Count;
            card.Form(form => left += form.Select("session", page.Say(Say.Session), sessions, view.Active), apply);
            _ = left > 0 ? card.Line(page.Say(Say.More, left)) : card;
        }

        return card.Buttons(
            page.Button(Say.EnterId, CardVerb.TypeSession, project), page.Button(Say.Fresh, CardVerb.NewSession, project),
            page.Button(Say.Cancel, CardVerb.OpenWorkspace, project)).Build();
    }

    public static FeishuCard Composer(ComposerView view, Page page)
    {
        var project = view.Project;
        return page.Fault(page.Card(page.Say(Say.RunTask, project.Name), "carmine"), view.Error)
            .Line(page.Say(Say.ConfigAgent, project.Agent)).Line(page.Say(Say.FolderNow, view.Folder))
            .Form(
                form => form.Input("prompt", page.Say(Say.Prompt), CardIntent.LongestPrompt, view.Prompt, isLong: true),
                page.Button(Say.Submit, CardVerb.Submit, project, CardButton.Main))
            .Buttons(page.Button(Say.Back, CardVerb.OpenWorkspace, project)).Build();
    }

    /// <summary>Those that come back whole: a value that is empty or too long would be refused.</summary>
    private static List<T> Sendable<T>(IReadOnlyList<T> all, Func<T, string> value, int most)
        => [.. all.Where(a => value(a) is { } v && v.Length <= most && !string.IsNullOrWhiteSpace(v))];

    private static List<CardOption> Choices(IReadOnlyList<CardOption> all, int most)
        => [.. Sendable(all, a => a.Value, CardIntent.LongestId).Take(most)];
}
