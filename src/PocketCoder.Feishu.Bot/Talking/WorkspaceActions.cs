using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Bot.Workspaces;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>A project's workspace: which agent, model and session its group's prompts go to.</summary>
internal sealed class WorkspaceActions(
    PlaceBook places, ProjectReader projects, WorkspaceReader reader, CardSender sender, Followers followers, TimeProvider time)
{
    private const int MostSessions = 50;

    /// <summary>Names of an agent's settings in its form.</summary>
    private const string Mode = "mode";
    private const string Effort = "effort";

    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.OpenWorkspace, false, OpenAsync),
        new(CardVerb.ChooseAgent, false, async (r, ct) => await ChooseAgentAsync(r, null, ct)),
        new(CardVerb.ApplyAgent, true, ApplyAgentAsync, Scope.Prompt),
        new(CardVerb.ChooseSession, false, async (r, ct) => await ChooseSessionAsync(r, false, null, ct)),
        new(CardVerb.TypeSession, false, async (r, ct) => await ChooseSessionAsync(r, true, null, ct)),
        new(CardVerb.ApplySession, true, ApplySessionAsync, Scope.Prompt),
        new(CardVerb.NewSession, true, NewSessionAsync, Scope.Prompt),
        new(CardVerb.Compose, false, ComposeAsync),
    ];

    /// <summary>The agents that can be used, by id.</summary>
    public static async Task<IReadOnlyList<CardOption>> AgentsAsync(Person person, CancellationToken cancellationToken)
        => [.. (await InstalledAsync(person, cancellationToken)).Select(a => new CardOption(a.Id, a.Name))];

    private static async Task<IReadOnlyList<AgentInfo>> InstalledAsync(Person person, CancellationToken cancellationToken)
    {
        var known = await person.AskAsync(DeviceVerbs.AgentsList, new AgentsListRequest(), cancellationToken);
        return [.. known.Agents.Where(a => a.Installed)];
    }

    /// <inheritdoc cref="WorkspaceReader.ReadAsync"/>
    public Task<WorkspaceView> ViewAsync(Person person, Place place, CancellationToken cancellationToken)
        => reader.ReadAsync(person, place, cancellationToken);

    /// <summary>The place that a card of a group or of a direct chat means.</summary>
    /// <exception cref="NotDone">The project has no group, or not this one.</exception>
    public async Task<Place> PlaceAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        return project.Place is null && request.Place is null ? throw new NotDone(sender.Say(BotWord.NeedsGroup))
            : project.Place is { } place && (request.Place is null || request.Place.Project == place.Project) ? place
            : throw new NotDone(sender.Say(BotWord.OldCard));
    }

    /// <summary>In the group the card becomes the workspace; from the direct chat it is sent to the group.</summary>
    private async Task<CardView?> OpenAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        if (request.Place is not null)
        {
            return await ViewAsync(request.Person, await PlaceAsync(request, cancellationToken), cancellationToken);
        }

        if (project.Place is not { } place)
        {
            return new ProjectView(project.Line, project.Info.Path); // where a group can be bound
        }

        try
        {
            await sender.SendAsync(
                place.Chat, await ViewAsync(request.Person, place, cancellationToken), request.Item.Id, "workspace", cancellationToken);
        }
        catch (FeishuException e) when (e.Error == FeishuError.Refused)
        {
            await (place.Session is { } session ? followers.LeaveAsync(session, cancellationToken) : Task.CompletedTask);
            await places.RemoveAsync(place, cancellationToken);
            throw new NotDone(sender.Say(BotWord.GroupGone));
        }

        throw new NotDone(sender.Say(BotWord.InGroup, SafeText.Line(project.Info.Name, 60)));
    }

    private async Task<AgentView> ChooseAgentAsync(CardRequest request, string? error, CancellationToken cancellationToken)
    {
        var place = await PlaceAsync(request, cancellationToken);
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        var (session, _) = await WorkspaceReader.SessionAsync(request.Person, place, cancellationToken);
        var agents = await InstalledAsync(request.Person, cancellationToken);
        var now = session?.Agent ?? place.Agent ?? (agents.Count > 0 ? agents[0].Id : throw new NotDone(sender.Say(BotWord.NoAgent)));
        var agent = agents.FirstOrDefault(a => a.Id == now);
        AgentSetting?[] settings =
        [
            Setting(Mode, BotWord.Mode, agent?.Modes, session is null ? place.Mode : session.Mode),
            Setting(Effort, BotWord.Effort, agent?.Efforts, session is null ? place.Effort : session.Effort),
        ];
        return new AgentView(
            project.Line, [.. agents.Select(a => new CardOption(a.Id, a.Name))], now,
            [.. (agent?.KnownModels ?? []).Select(m => new CardOption(m.Id, m.Name))], session?.Model ?? place.Model,
            [.. settings.OfType<AgentSetting>()], error);
    }

    /// <summary>Null: there is nothing to choose.</summary>
    private AgentSetting? Setting(string name, BotWord label, IReadOnlyList<string>? choices, string? now)
        => choices is not { Count: > 1 } ? null
            : new(name, sender.Say(label), now, [.. choices.Select(c => new CardOption(c, c))]);

    /// <summary>Another agent begins a new session; another model goes on with the same, where that is possible.</summary>
    private async Task<CardView?> ApplyAgentAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await PlaceAsync(request, cancellationToken);
        var (session, _) = await WorkspaceReader.SessionAsync(request.Person, place, cancellationToken);
        var known = await InstalledAsync(request.Person, cancellationToken);
        var agents = known.Select(a => new CardOption(a.Id, a.Name)).ToList();
        var shown = session?.Agent ?? place.Agent ?? agents.Select(a => a.Value).FirstOrDefault(); // as ChooseAgentAsync shows it
        var agent = request.Intent.Agent ?? shown;
        if (agents.All(a => a.Value != agent))
        {
            return await ChooseAgentAsync(request, sender.Say(BotWord.NoAgent), cancellationToken);
        }

        // What was left empty stays as it is.
        var (model, mode, effort) = (
            request.Intent.Model, request.Intent.Settings.GetValueOrDefault(Mode), request.Intent.Settings.GetValueOrDefault(Effort));
        var chosen = known.First(a => a.Id == agent);
        var unknown = mode is not null && !chosen.Modes.Contains(mode, StringComparer.Ordinal) ? mode
            : effort is not null && !chosen.Efforts.Contains(effort, StringComparer.Ordinal) ? effort : null;
        if (unknown is not null && agent == shown) // kept for the next session, it would have each prompt refused
        {
            return await ChooseAgentAsync(request, sender.Say(BotWord.NoSetting, SafeText.Line(unknown, 60)), cancellationToken);
        }

        if (session is not null && session.Agent == agent)
        {
            var set = new AgentSessionSetRequest(
                session.AgentSessionId, Model: model == session.Model ? null : model, Mode: mode == session.Mode ? null : mode,
                Effort: effort == session.Effort ? null : effort);
            if (set is not { Model: null, Mode: null, Effort: null })
            {
                try
                {
                    await request.Person.AskAsync(Verbs.AgentSessionSet, set, cancellationToken);
                }
                catch (EntryRefusal e) when (e.Error.Code != ErrorCode.Unauthorized)
                {
                    return await ChooseAgentAsync(request, e.Message, cancellationToken);
                }
            }

            return await ChangedAsync(
                request, place,
                p => p with { Agent = agent, Model = model ?? p.Model, Mode = mode ?? p.Mode, Effort = effort ?? p.Effort },
                cancellationToken);
        }

        // Settings of another agent mean nothing to this one.
        return await ChangedAsync(
            request, place,
            p => agent == shown
                ? p with { Agent = agent, Session = null, Model = model ?? p.Model, Mode = mode ?? p.Mode, Effort = effort ?? p.Effort }
                : p with { Agent = agent, Session = null, Model = null, Mode = null, Effort = null },
            cancellationToken);
    }

    private async Task<SessionView> ChooseSessionAsync(
        CardRequest request, bool isTyped, string? error, CancellationToken cancellationToken)
    {
        var place = await PlaceAsync(request, cancellationToken);
        var project = await projects.FindAsync(request.Person, request.Intent.Project, cancellationToken);
        var sessions = await request.Person.AskAsync(
            Verbs.AgentSessionsList, new AgentSessionsListRequest(place.Project, Limit: MostSessions), cancellationToken);
        return new SessionView(
            project.Line, place.Session?.ToString("N"),
            [.. sessions.Sessions.Select(s => new CardOption(s.AgentSessionId.ToString("N"), $"{s.Title} ({s.Agent})"))], isTyped, error);
    }

    private async Task<CardView?> ApplySessionAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await PlaceAsync(request, cancellationToken);
        if (!Guid.TryParse(request.Intent.Session, out var id))
        {
            return await ChooseSessionAsync(request, true, sender.Say(BotWord.SessionGone), cancellationToken);
        }

        try
        {
            var got = await request.Person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(id), cancellationToken);
            if (got.Session.ProjectId == place.Project)
            {
                if (place.Session is { } before && before != id)
                {
                    await followers.LeaveAsync(before, cancellationToken);
                }

                var chosen = await places.ChangeAsync(
                    place,
                    p => p with
                    {
                        Session = id,
                        Agent = got.Session.Agent,
                        Model = got.Session.Model,
                        Mode = got.Session.Mode,
                        Effort = got.Session.Effort,
                        Folder = got.Session.Folder,
                        Account = request.Person.Account,
                        BoundBy = p.Owner,
                        Since = time.GetUtcNow(),
                    },
                    cancellationToken) ?? throw new NotDone(sender.Say(BotWord.OldCard));
                await followers.FollowAsync(chosen, cancellationToken);
                return await ViewAsync(request.Person, chosen, cancellationToken);
            }
        }
        catch (EntryRefusal e) when (e.Error.Code == ErrorCode.SessionNotFound)
        {
            // told below
        }

        return await ChooseSessionAsync(request, true, sender.Say(BotWord.SessionGone), cancellationToken);
    }

    /// <summary>What runs goes on and is shown to its end; the next prompt begins a session.</summary>
    private async Task<CardView?> NewSessionAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await PlaceAsync(request, cancellationToken);
        return await ChangedAsync(request, place, p => p with { Session = null }, cancellationToken);
    }

    private async Task<CardView> ChangedAsync(
        CardRequest request, Place place, Func<Place, Place> change, CancellationToken cancellationToken)
        => await ViewAsync(
            request.Person,
            await places.ChangeAsync(place, change, cancellationToken) ?? throw new NotDone(sender.Say(BotWord.OldCard)),
            cancellationToken);

    private async Task<CardView?> ComposeAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await PlaceAsync(request, cancellationToken);
        var project = await projects.FindAsync(request.Person, ProjectReader.Id(place.Project), cancellationToken);
        return new ComposerView(project.Line, ProjectReader.FolderName(project.Info.Path, place.Folder));
    }
}
