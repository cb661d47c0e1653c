using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Cards;
using PocketCoder.Feishu.Events;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Talking;

/// <summary>
/// Does what a paired person wants: finds out who and where from the platform's word and our own notes, and hands it on. Doing the same
/// item once more does nothing twice. What the machine refuses is told in the chat.
/// </summary>
internal sealed class ChatHandler(
    PeopleHere people, PlaceBook places, CardSender sender, ProjectActions projects, WorkspaceActions workspace, PromptActions prompts,
    ApprovalActions approvals, RoleActions roles, FileActions files, FolderActions folders, NoticeActions notices)
{
    private readonly Dictionary<CardVerb, CardRoute> _routes
        = projects.Routes.Concat(workspace.Routes).Concat(prompts.Routes).Concat(approvals.Routes).Concat(folders.Routes)
            .Concat(notices.Routes)
            .ToDictionary(r => r.Verb);

    /// <summary>What there is a way for, to be held against the cards.</summary>
    public IReadOnlyCollection<CardRoute> Routes => _routes.Values;

    /// <exception cref="FeishuException">What became of it could not be shown: to be done again.</exception>
    public async Task HandleAsync(InboxItem item, CancellationToken cancellationToken)
    {
        if (await people.FindAsync(item.Account, cancellationToken) is not { } person)
        {
            return; // revoked since
        }

        try
        {
            await (item.Message is { } message ? MessageAsync(item, message, person, cancellationToken)
                : CardAsync(item, item.Card!, person, cancellationToken));
        }
        catch (Exception e) when (e is EntryRefusal or NotDone)
        {
            await TellAsync(item, $"⚠ {e.Message}", cancellationToken);
        }
    }

    /// <summary>Says why something failed that nobody foresaw.</summary>
    public Task FailedAsync(InboxItem item, CancellationToken cancellationToken)
        => TellAsync(item, $"⚠ {sender.Say(BotWord.Failed)}", cancellationToken);

    private Task TellAsync(InboxItem item, string text, CancellationToken cancellationToken)
        => sender.ReplyAsync(item, text, "told", cancellationToken);

    private async Task MessageAsync(InboxItem item, MessageItem message, Person person, CancellationToken cancellationToken)
    {
        var text = message.Text?.Trim();
        if (message.IsDirect)
        {
            await sender.AnswerAsync(
                item, text is "/help" ? new HelpView() : await projects.HomeAsync(person, 0, cancellationToken), "home", cancellationToken);
            return;
        }

        if (await places.OfChatAsync(item.Chat, cancellationToken) is not { } place)
        {
            await projects.BindHereAsync(person, item, text, cancellationToken);
            return;
        }

        person = person.Within(place.ScopesOf(person.Account));
        if (message.Other is not null || text is null)
        {
            throw new NotDone(sender.Say(message.Other is null ? BotWord.TooLong : BotWord.OtherKind));
        }

        if (message.Files.Count == 0)
        {
            await GroupAsync(item, text, person, place, cancellationToken);
            return;
        }

        var fetched = await files.FetchAsync(person, item, message.Files, cancellationToken);
        if (text.Length > 0)
        {
            await prompts.PromptAsync(person, place, item, text, fetched, cancellationToken);
            return;
        }

        await files.WaitAsync(item, fetched, cancellationToken);
        await sender.ReplyAsync(item, sender.Say(BotWord.FilesWait), "files", cancellationToken);
    }

    /// <summary>In a group every text is a prompt, but for the few commands; what else begins with a slash is the agent's.</summary>
    private async Task GroupAsync(InboxItem item, string text, Person person, Place place, CancellationToken cancellationToken)
    {
        var (word, rest) = text.IndexOfAny([' ', '\n']) is var end and > 0 ? (text[..end], text[end..].Trim()) : (text, "");
        switch (word)
        {
            case "/bind" when !await projects.IsAsync(person, place, rest, cancellationToken):
                throw new NotDone(sender.Say(BotWord.HasGroup));
            case "" or "/status" or "/bind":
                await sender.AnswerAsync(item, await workspace.ViewAsync(person, place, cancellationToken), "workspace", cancellationToken);
                break;
            case "/help":
                await sender.AnswerAsync(item, new HelpView(), "help", cancellationToken);
                await sender.TextAsync(item, sender.Say(BotWord.Commands), "commands", cancellationToken);
                break;
            case "/stop":
                await prompts.StopAsync(person, place, cancellationToken);
                break;
            case "/approve" or "/reject":
                await approvals.DecideAsync(
                    person, place, item, rest, word == "/approve" ? DecisionVerdict.Allow : DecisionVerdict.Deny, cancellationToken);
                break;
            case "/role":
                await roles.ChangeAsync(person, place, item, rest, cancellationToken);
                break;
            case "/unbind":
                await projects.UnbindAsync(person, place, item, cancellationToken);
                break;
            case "/run" when rest.Length > 0:
                await prompts.PromptAsync(person, place, item, rest, [], cancellationToken);
                break;
            default:
                await prompts.PromptAsync(person, place, item, text, [], cancellationToken);
                break;
        }
    }

    private async Task CardAsync(InboxItem item, CardItem card, Person person, CancellationToken cancellationToken)
    {
        var intent = Intent(card);
        if (!_routes.TryGetValue(intent.Verb, out var route)
            || await sender.Nonces.FindAsync(intent, item, cancellationToken) is not { } nonce)
        {
            throw new NotDone(sender.Say(BotWord.OldCard));
        }

        var place = await places.OfChatAsync(item.Chat, cancellationToken);
        person = person.Within((place ?? await MeantAsync(intent, cancellationToken))?.ScopesOf(person.Account));
        if (route.Needs is { } needed && !person.Scopes.Contains(needed))
        {
            throw NotDone.Needs(needed);
        }

        if (route.Changes && !await sender.Nonces.UseAsync(intent, nonce, item, cancellationToken))
        {
            throw new NotDone(sender.Say(BotWord.UsedCard));
        }

        var request = new CardRequest(item, person, intent, nonce, place);
        if (await AnswerAsync(route, request, cancellationToken) is { } view)
        {
            await ShowAsync(request, view, cancellationToken);
        }
    }

    /// <summary>The group of the project that a card of a direct chat is about: its roles count there, too.</summary>
    private async Task<Place?> MeantAsync(CardIntent intent, CancellationToken cancellationToken)
        => Guid.TryParse(intent.Project, out var project) ? await places.OfProjectAsync(project, cancellationToken) : null;

    /// <summary>A card whose button was used up and did nothing gets new buttons, so that one can try again.</summary>
    private async Task<CardView?> AnswerAsync(CardRoute route, CardRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return await route.Answer(request, cancellationToken);
        }
        catch (EntryRefusal e) when (route.Changes && request.Place is null)
        {
            await TellAsync(request.Item, $"⚠ {e.Message}", cancellationToken);
            return await projects.HomeAsync(request.Person, 0, cancellationToken);
        }
    }

    /// <summary>The used card shows the next view; where it can't be changed, a new one does.</summary>
    private async Task ShowAsync(CardRequest request, CardView view, CancellationToken cancellationToken)
    {
        var (item, digest) = (request.Item, view is ApprovalView { Outcome: ApprovalOutcome.Pending } ? request.Nonce.Digest : null);
        try
        {
            await sender.ReplaceAsync(item.Card!.MessageId, item.Chat, view, item.Id, "next", cancellationToken, digest);
        }
        catch (FeishuException e) when (!e.Retryable)
        {
            await sender.AnswerAsync(item, view, "next anew", cancellationToken, digest);
        }
    }

    private CardIntent Intent(CardItem card)
    {
        try
        {
            return CardIntent.Read(new CardAction(
                null, null, card.MessageId, null, "button", null, card.Value, card.Form, null, null, [], null));
        }
        catch (FeishuException)
        {
            throw new NotDone(sender.Say(BotWord.OldCard));
        }
    }
}
