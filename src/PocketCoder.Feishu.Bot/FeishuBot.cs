using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Bot.Door;
using PocketCoder.Feishu.Bot.Inbox;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Places;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Talking;
using PocketCoder.Feishu.Bot.Turns;
using PocketCoder.Feishu.Bot.Workspaces;
using PocketCoder.Feishu.LongConnections;
using PocketCoder.Feishu.Webhooks;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot;

/// <summary>Feishu as a way into the machine: a bot in direct chats and in groups of projects (docs/feishu.md).</summary>
public sealed partial class FeishuBot(FeishuBotSettings settings, TimeProvider time, ILogger logger) : IEntryPoint
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private volatile LongConnection? _connection;
    private volatile EntryStatus? _before; // before there is a connection

    public string Platform => "feishu";

    /// <summary>What it did lately, for whoever looks for a fault.</summary>
    internal BotTrace Trace { get; } = new(time);

    public EntryStatus Status
    {
        get
        {
            if (_connection is not { } connection)
            {
                return _before ?? new EntryStatus(EntryState.Starting, time.GetUtcNow(), null);
            }

            var status = connection.Status;
            var state = status.State switch
            {
                FeishuConnectionState.Connected => EntryState.Ready,
                FeishuConnectionState.Waiting => EntryState.Waiting,
                FeishuConnectionState.Failed => EntryState.Failed,
                _ => EntryState.Starting,
            };
            return new EntryStatus(state, status.Since, state == EntryState.Ready ? null : status.Reason);
        }
    }

    public async Task<IReadOnlyList<string>> TestAsync(IEntryMachine machine, CancellationToken cancellationToken)
    {
        try
        {
            using var client = new FeishuClient(await AppAsync(machine, cancellationToken), time);
            var bot = await client.BotAsync(cancellationToken);
            return
            [
                $"{settings.Domain.Host} takes the app's id and secret.",
                $"The bot is {bot}.",
                Status is not { State: EntryState.Ready } ? $"Events don't arrive yet: {Status.Reason ?? "it is connecting."}"
                    : settings.Webhook is { } webhook ? $"Events are waited for at {webhook}; whether they get there, only one shows."
                    : "Events arrive.",
            ];
        }
        catch (FeishuException e)
        {
            throw new EntryRefusal(new WireError(ErrorCode.Unavailable, e.Message));
        }
    }

    public async Task RunAsync(IEntryMachine machine, CancellationToken stop)
    {
        try
        {
            var app = await AppAsync(machine, stop);
            using var client = new FeishuClient(app, time, Trace.Tried);
            var bot = await AgainAsync(() => client.BotAsync(stop), stop);
            await ServeAsync(app, client, bot, machine, stop);
        }
        catch (Exception e) when (e is FeishuException or EntryRefusal)
        {
            // Somebody must change something: it is told as the status, and the rest of the daemon goes on.
            _before = new EntryStatus(EntryState.Failed, time.GetUtcNow(), e.Message);
            LogFailed(logger, e.Message);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
        }
        finally
        {
            (_connection, _before) = (null, null);
        }
    }

    private async Task ServeAsync(FeishuApp app, FeishuClient client, string bot, IEntryMachine machine, CancellationToken stop)
    {
        var notes = new BotNotes(machine.Notes);
        var places = new PlaceBook(notes);
        var sender = new CardSender(
            client, new Nonces(notes), new Threads(notes), new WorkspaceMessages(notes), settings.Language, settings.App);
        await using var people = new PeopleHere(machine);
        var projects = new ProjectReader(notes, places, sender);
        var reader = new WorkspaceReader(projects);
        await using var followers = new Followers(people, places, reader, sender, notes, time, logger, stop);
        var workspace = new WorkspaceActions(places, projects, reader, sender, followers, time);
        var files = new FileActions(sender, notes);
        var handler = new ChatHandler(
            people, places, sender, new ProjectActions(notes, places, projects, sender, workspace, followers, time), workspace,
            new PromptActions(places, people, workspace, files, sender, notes, followers, time), new ApprovalActions(sender, notes),
            new RoleActions(places, sender), files, new FolderActions(places, projects, workspace, sender), new NoticeActions());
        foreach (var place in await places.AllAsync(stop))
        {
            await followers.FollowAsync(place, stop);
        }

        await using var inbox = await FeishuInbox.OpenAsync(notes, people, handler, sender, bot, time, logger, stop);
        var traced = new TracedHandler(inbox, Trace);
        if (settings.Webhook is { } webhook)
        {
            var key = await machine.SecretAsync(EntrySecretKind.Webhook, stop) ?? throw new EntryRefusal(new WireError(
                ErrorCode.Unavailable, "The webhook needs the app's Encrypt Key. Set it: pocketcoder secrets set feishu-webhook-key"));
            await using var door = await WebhookDoor.OpenAsync(webhook, new WebhookIntake(app, key, null), traced, time, logger, stop);
            _before = new EntryStatus(EntryState.Ready, time.GetUtcNow(), null);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, stop);
        }

        using var connection = new LongConnection(app, traced, time);
        _connection = connection;
        await connection.RunAsync(stop);
    }

    private async Task<FeishuApp> AppAsync(IEntryMachine machine, CancellationToken cancellationToken)
        => new(
            settings.AppId,
            await machine.SecretAsync(EntrySecretKind.App, cancellationToken) ?? throw new EntryRefusal(new WireError(
                ErrorCode.Unavailable, "The app's secret is not among the machine's secrets. Set it: pocketcoder feishu config")),
            settings.Domain);

    /// <summary>Until the platform answers: a machine may start before its network.</summary>
    private async Task<T> AgainAsync<T>(Func<Task<T>> ask, CancellationToken stop)
    {
        for (var pause = s_shortest; ; pause = pause * 2 > s_longest ? s_longest : pause * 2)
        {
            try
            {
                return await ask();
            }
            catch (FeishuException e) when (e.Retryable)
            {
                _before = new EntryStatus(EntryState.Waiting, time.GetUtcNow(), e.Message);
                await Task.Delay(e.RetryAfter ?? pause, time, stop);
            }
        }
    }

    [LoggerMessage(EventId = 476, Level = LogLevel.Error, Message = "Feishu is off until the next start: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
