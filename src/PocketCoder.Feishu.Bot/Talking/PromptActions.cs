using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>Prompts of a group, and what is done with turns. A prompt's id comes from its message, so that it runs once.</summary>
internal sealed class PromptActions(
    PlaceBook places, PeopleHere people, WorkspaceActions workspace, FileActions files, CardSender sender, BotNotes notes,
    Followers followers, TimeProvider time)
{
    public IEnumerable<CardRoute> Routes =>
    [
        new(CardVerb.Submit, true, SubmitAsync, Scope.Prompt),
        new(CardVerb.OpenTurn, false, OpenAsync),
        new(CardVerb.Stop, true, StopAsync, Scope.Prompt),
        new(CardVerb.Continue, true, ContinueAsync, Scope.Prompt),
        new(CardVerb.Steer, true, SteerAsync, Scope.Prompt),
        new(CardVerb.SteerQueued, true, SteerQueuedAsync, Scope.Prompt),
        new(CardVerb.RemoveQueued, true, RemoveQueuedAsync, Scope.Prompt),
    ];

    /// <summary>Gives a prompt to the group's session, or begins one. What waits of the person's files goes with it.</summary>
    /// <param name="attached">Files that came with it.</param>
    /// <exception cref="EntryRefusal">The machine refuses.</exception>
    public async Task PromptAsync(
        Person person, Place place, InboxItem item, string text, IReadOnlyList<Guid> attached, CancellationToken cancellationToken)
    {
        var waiting = await files.WaitingAsync(item, cancellationToken);
        await GiveAsync(person, place, item, text, [.. waiting.Union(attached).Take(AttachmentLimits.PerPrompt)], cancellationToken);
        await (waiting.Count > 0 ? files.WentAsync(item, cancellationToken) : Task.CompletedTask);
    }

    private async Task GiveAsync(
        Person person, Place place, InboxItem item, string text, IReadOnlyList<Guid> attached, CancellationToken cancellationToken)
    {
        var prompt = EventIds.Of(item, "prompt");
        await sender.Threads.KeepAsync(prompt, item, cancellationToken); // before its first event can come
        if (place.Session is { } session)
        {
            try
            {
                await person.AskAsync(
                    DeviceVerbs.AgentMessage, new AgentMessageRequest(session, prompt, text, attached), cancellationToken);
                await followers.FollowAsync(place, cancellationToken);
                return;
            }
            catch (EntryRefusal e) when (e.Error.Code == ErrorCode.SessionNotFound)
            {
                // It was deleted: this prompt begins another one.
            }
        }

        session = EventIds.Of(item, "session");
        var defaults = (await person.AskAsync(
            Verbs.ProjectDefaultsGet, new ProjectDefaultsGetRequest(place.Project), cancellationToken)).Defaults;
        var agent = place.Agent ?? defaults.Agent
            ?? (await WorkspaceActions.AgentsAsync(person, cancellationToken)).Select(a => a.Value).FirstOrDefault()
            ?? throw new NotDone(sender.Say(BotWord.NoAgent));
        var isUsual = agent == defaults.Agent;
        await person.AskAsync(
            DeviceVerbs.AgentSessionNew,
            new AgentSessionNewRequest(
                session, prompt, place.Project, agent, text, place.Mode ?? (isUsual ? defaults.Mode : null),
                place.Model ?? (isUsual ? defaults.Model : null), defaults.Sandbox, attached,
                Effort: place.Effort ?? (isUsual ? defaults.Effort : null), Folder: place.Folder),
            cancellationToken);
        var begun = await places.ChangeAsync(
            place, p => p with { Session = session, Account = person.Account, BoundBy = p.Owner, Since = item.At }, cancellationToken);
        await (begun is null ? Task.CompletedTask : followers.FollowAsync(begun, cancellationToken));
    }

    /// <summary>Stops what runs in a group.</summary>
    public async Task StopAsync(Person person, Place place, CancellationToken cancellationToken)
    {
        var turns = place.Session is { } session
            ? (await person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(session), cancellationToken)).Turns : [];
        var running = turns.FirstOrDefault(t => t.State is TurnState.Running or TurnState.Waiting)
            ?? throw new NotDone(sender.Say(BotWord.NothingRuns));
        await person.AskAsync(
            Verbs.AgentCancel, new AgentCancelRequest(place.Session!.Value, TurnId: running.TurnId), cancellationToken);
    }

    private async Task<CardView?> SubmitAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var place = await workspace.PlaceAsync(request, cancellationToken);
        await PromptAsync(request.Person, place, request.Item, request.Intent.Prompt!, [], cancellationToken);
        return await workspace.ViewAsync(
            request.Person, await places.OfProjectAsync(place.Project, cancellationToken) ?? place, cancellationToken);
    }

    private async Task<CardView?> StopAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, turn) = await TurnAsync(request, cancellationToken);
        await request.Person.AskAsync(Verbs.AgentCancel, new AgentCancelRequest(session, TurnId: turn), cancellationToken);
        return await RenewedAsync(request, session, turn, cancellationToken);
    }

    private async Task<CardView?> ContinueAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, turn) = await TurnAsync(request, cancellationToken);
        await sender.Threads.KeepAsync(request.Id("prompt"), request.Item, cancellationToken);
        await request.Person.AskAsync(
            DeviceVerbs.AgentContinue, new AgentContinueRequest(session, turn, request.Id("prompt")), cancellationToken);
        return null; // its own card shows it
    }

    private async Task<CardView?> SteerAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, turn) = await TurnAsync(request, cancellationToken);
        await SteerAsync(request, session, request.Id("prompt"), request.Intent.Prompt!, cancellationToken);
        return await RenewedAsync(request, session, turn, cancellationToken);
    }

    /// <summary>
    /// Done again after a failure in between, it is said though it waits no longer; what was begun meanwhile is not said a second time.
    /// </summary>
    private async Task<CardView?> SteerQueuedAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, waiting) = await QueuedAsync(request, cancellationToken);
        if (waiting.StartedAt is not null)
        {
            throw new NotDone(sender.Say(BotWord.UsedCard));
        }

        if (waiting.State == TurnState.Queued)
        {
            await request.Person.AskAsync(
                DeviceVerbs.AgentQueueRemove, new AgentQueueRemoveRequest(session, waiting.TurnId), cancellationToken);
        }

        await SteerAsync(request, session, request.Id("prompt"), waiting.Content, cancellationToken);
        return null;
    }

    private async Task<CardView?> RemoveQueuedAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, waiting) = await QueuedAsync(request, cancellationToken);
        await request.Person.AskAsync(
            DeviceVerbs.AgentQueueRemove, new AgentQueueRemoveRequest(session, waiting.TurnId), cancellationToken);
        return null;
    }

    /// <summary>Another page of a turn.</summary>
    private async Task<CardView?> OpenAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, turn) = await TurnAsync(request, cancellationToken);
        if (await followers.RenewAsync(session, turn, request.Intent.Page, request.Item.Id, cancellationToken)
            || await notes.FindAsync(Note.Turn, turn.ToString("N"), cancellationToken) is not { MessageId.Length: > 0 } note)
        {
            return null;
        }

        if (await people.VisitAsync(request.Person.Account, cancellationToken) is not { } visitor)
        {
            return null;
        }

        await using (visitor)
        {
            if (await TurnReader.ReadAsync(visitor, session, turn, request.Intent.Page, time, cancellationToken) is { } view)
            {
                await TurnCard.TurnPageAsync(sender, notes, time, note, view, request.Item.Id, cancellationToken);
            }
        }

        return null;
    }

    private async Task SteerAsync(CardRequest request, Guid session, Guid prompt, string text, CancellationToken cancellationToken)
    {
        await sender.Threads.KeepAsync(prompt, request.Item, cancellationToken); // it becomes a turn where the running one is over
        try
        {
            var said = await request.Person.AskAsync(
                DeviceVerbs.AgentSteer, new AgentSteerRequest(session, prompt, text), cancellationToken);
            await sender.TextAsync(
                request.Item, sender.Say(said.State == SteerState.Queued ? BotWord.SteerQueued : BotWord.Steered), "steered",
                cancellationToken);
        }
        catch (EntryRefusal e) when (e.Error.Code == ErrorCode.InvalidRequest)
        {
            // The agent can't be told anything now: it waits instead, and says so.
            await request.Person.AskAsync(DeviceVerbs.AgentMessage, new AgentMessageRequest(session, prompt, text), cancellationToken);
            await sender.TextAsync(request.Item, sender.Say(BotWord.SteerQueued), "steered", cancellationToken);
        }
    }

    private async Task<CardView?> RenewedAsync(CardRequest request, Guid session, Guid turn, CancellationToken cancellationToken)
    {
        await followers.RenewAsync(session, turn, null, request.Item.Id, cancellationToken);
        return null;
    }

    private async Task<(Guid Session, TurnInfo Waiting)> QueuedAsync(CardRequest request, CancellationToken cancellationToken)
    {
        var (session, turns) = await SessionAsync(request, cancellationToken);
        return Guid.TryParse(request.Intent.Queued, out var id) && turns.FirstOrDefault(t => t.TurnId == id) is { } waiting
            ? (session, waiting) : throw new NotDone(sender.Say(BotWord.OldCard));
    }

    private async Task<(Guid Session, Guid Turn)> TurnAsync(CardRequest request, CancellationToken cancellationToken)
        => (
            (await SessionAsync(request, cancellationToken)).Session,
            Guid.TryParse(request.Intent.Turn, out var turn) ? turn : throw new NotDone(sender.Say(BotWord.OldCard)));

    /// <summary>The session that a card means: one of the group's project, and of no other.</summary>
    private async Task<(Guid Session, IReadOnlyList<TurnInfo> Turns)> SessionAsync(CardRequest request, CancellationToken cancellationToken)
    {
        if (request.Place is { } place && Guid.TryParse(request.Intent.Session, out var session))
        {
            var got = await request.Person.AskAsync(DeviceVerbs.AgentSessionGet, new AgentSessionGetRequest(session), cancellationToken);
            if (got.Session.ProjectId == place.Project)
            {
                return (session, got.Turns);
            }
        }

        throw new NotDone(sender.Say(BotWord.OldCard));
    }
}
