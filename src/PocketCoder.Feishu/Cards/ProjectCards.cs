namespace PocketCoder.Feishu.Cards;

/// <summary>Cards of the direct chat: projects.</summary>
internal static class ProjectCards
{
    private const int OnHome = 10;
    private const int OnManage = 6;
    private const int LongestName = 60;

    public static FeishuCard Home(HomeView view, Page page)
    {
        var card = page.Card(page.Say(Say.Projects), "blue")
            .Note(view.Projects.Count == 0 ? page.Say(Say.NoProjects) : page.Say(Say.ProjectCount, view.Projects.Count));
        var (shown, at, pages) = Part(view.Projects, OnHome, view.Page);
        foreach (var project in shown)
        {
            card.Line(Facts(project, page)).Buttons(
                page.Button(Say.Open, CardVerb.OpenProject, project), page.Button(Say.OpenWorkspace, CardVerb.OpenWorkspace, project));
        }

        return page.Turning(card, CardVerb.Home, page.Empty, at, pages).Rule().Buttons(
            page.Button(Say.New, CardVerb.NewProject, CardButton.Main), page.Button(Say.Manage, CardVerb.Manage),
            page.Button(Say.Help, CardVerb.Help)).Build();
    }

    public static FeishuCard New(NewProjectView view, Page page)
        => page.Fault(page.Card(page.Say(Say.NewProject), "blue"), view.Error)
            .Form(
                form =>
                {
                    form.Input("name", page.Say(Say.Name), LongestName, view.Name);
                    form.Select("agent", page.Say(Say.Agent), view.Agents, view.Agent ?? (view.Agents.Count > 0 ? view.Agents[0].Value : null));
                    if (view.Folders?.Where(f => f.Value.Length <= CardIntent.LongestChoice).ToList() is { Count: > 1 } folders)
                    {
                        form.Select("folder", page.Say(Say.Folder), folders, view.Folder, isNeeded: false);
                    }
                },
                page.Button(Say.Create, CardVerb.CreateProject, CardButton.Main))
            .Buttons(page.Button(Say.Cancel, CardVerb.Home)).Build();

    public static FeishuCard Manage(ManageView view, Page page)
    {
        var card = page.Card(page.Say(Say.ManageProjects), "blue");
        if (view.Projects.Count == 0)
        {
            card.Line(page.Say(Say.NoProjects));
        }

        var (shown, at, pages) = Part(view.Projects, OnManage, view.Page);
        foreach (var project in shown)
        {
            card.Line(Facts(project, page));
            if (project.Id == view.DeleteAsked)
            {
                card.Warning(page.Say(Say.DeleteSure, project.Name)).Buttons(
                    page.Button(Say.DeleteYes, CardVerb.ConfirmDelete, project, CardButton.Danger),
                    page.Button(Say.Cancel, CardVerb.Manage));
                continue;
            }

            card.Buttons(
                page.Button(Say.Open, CardVerb.OpenProject, project),
                project.Hidden ? page.Button(Say.Show, CardVerb.ShowProject, project)
                    : page.Button(Say.Hide, CardVerb.HideProject, project),
                page.Button(Say.Delete, CardVerb.DeleteProject, project, CardButton.Danger));
        }

        return page.Turning(card, CardVerb.Manage, page.Empty, at, pages).Rule().Buttons(page.Button(Say.Back, CardVerb.Home)).Build();
    }

    public static FeishuCard Project(ProjectView view, Page page)
    {
        var project = view.Project;
        return page.Card(page.Say(Say.Project, project.Name), "green")
            .Line(Facts(project, page))
            .Line(page.Say(Say.DefaultFolder, view.DefaultFolder ?? page.Say(Say.None)))
            .Buttons(
                page.Button(Say.OpenWorkspace, CardVerb.OpenWorkspace, project, CardButton.Main),
                page.Button(Say.Agent, CardVerb.ChooseAgent, project),
                page.Button(Say.Default, CardVerb.DefaultFolder, project), page.Button(Say.Presets, CardVerb.Presets, project),
                project.Group ? null : page.Button(Say.BindGroup, CardVerb.BindGroup, project),
                project.Archived ? page.Button(Say.Unarchive, CardVerb.UnarchiveProject, project)
                    : page.Button(Say.Archive, CardVerb.ArchiveProject, project),
                page.Button(Say.Back, CardVerb.Manage))
            .Build();
    }

    private static (IReadOnlyList<ProjectLine> Shown, int At, int Pages) Part(IReadOnlyList<ProjectLine> all, int size, int page)
    {
        var pages = Math.Max(1, (all.Count + size - 1) / size);
        var at = Math.Clamp(page, 0, pages - 1);
        return ([.. all.Skip(at * size).Take(size)], at, pages);
    }

    private static string Facts(ProjectLine project, Page page)
    {
        string?[] marks =
        [
            page.State(project.State), project.Group ? page.Say(Say.HasGroup) : null, project.Hidden ? page.Say(Say.Hidden) : null,
            project.Archived ? page.Say(Say.Archived) : null,
        ];
        return page.Say(
            Say.ProjectFacts, SafeText.Line(project.Name, LongestName), SafeText.Line(project.Agent, LongestName), string.Join(", ", marks.OfType<string>()));
    }
}
