using System.Text;
using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Talking;
using PocketCoder.Feishu.Events;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Inbox;

/// <summary>
/// Takes what arrives: keeps it durably, and only then the platform hears that it was taken. It is done afterwards, in the order of its
/// chat; what could not be shown is tried again for a day, also after a restart. What comes twice is done once. What comes from people who
/// are not paired is neither kept nor done. Thread-safe.
/// </summary>
internal sealed partial class FeishuInbox : IFeishuHandler, IAsyncDisposable
{
    /// <summary>Things that wait to be done; more are not taken, and the platform sends them again later.</summary>
    private const int MostWaiting = 900;

    /// <summary>Answers that wait to be sent to somebody who is not paired; what they write beyond gets none.</summary>
    private const int MostOfStranger = 3;

    /// <summary>Bytes of a message's text that are kept.</summary>
    private const int LongestText = 50_000;

    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromDays(1);

    private readonly BotNotes _notes;
    private readonly PeopleHere _people;
    private readonly ChatHandler _handler;
    private readonly CardSender _sender;
    private readonly Strangers _strangers;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationToken _stop;
    private readonly string _bot;
    private readonly Lanes _lanes;
    private readonly Lock _gate = new(); // guards what waits
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private long _last; // so that keys are in the order of arrival

    private FeishuInbox(
        BotNotes notes, PeopleHere people, ChatHandler handler, CardSender sender, string bot, TimeProvider time, ILogger logger,
        CancellationToken stop)
    {
        (_notes, _people, _handler, _sender, _bot, _time, _logger, _stop) = (notes, people, handler, sender, bot, time, logger, stop);
        (_lanes, _strangers) = (new Lanes(stop), new Strangers(people, sender, time));
    }

    /// <summary>Opens it, with what an earlier run left.</summary>
    /// <param name="bot">The bot's own open id.</param>
    public static async Task<FeishuInbox> OpenAsync(
        BotNotes notes, PeopleHere people, ChatHandler handler, CardSender sender, string bot, TimeProvider time, ILogger logger,
        CancellationToken stop)
    {
        var inbox = new FeishuInbox(notes, people, handler, sender, bot, time, logger, stop);
        foreach (var (key, item) in await notes.ListAsync(Note.In, stop))
        {
            if (await notes.FindAsync(Note.Done, item.Id, stop) is not null)
            {
                await notes.TakeAsync(Note.In, key, stop); // the run before did it, and ended in between
                continue;
            }

            inbox._waiting.Add(item.Id);
            inbox.Enqueue(key, item);
        }

        return inbox;
    }

    public async Task<ReadOnlyMemory<byte>?> TakeAsync(FeishuDelivery delivery, CancellationToken cancellationToken)
    {
        if (Kept(ItemOf(delivery)) is not { } item)
        {
            return null; // from nobody, from nowhere, or more than any card of ours sends
        }

        try
        {
            return await TakeAsync(item, cancellationToken);
        }
        catch (Exception e)
        {
            LogNotTaken(_logger, item.Id, e.Message); // it comes again
            throw;
        }
    }

    public ValueTask DisposeAsync() => _lanes.DisposeAsync();

    /// <returns>What the platform shows at once; null: nothing.</returns>
    private async Task<ReadOnlyMemory<byte>?> TakeAsync(InboxItem item, CancellationToken cancellationToken)
    {
        if (await _people.FindAsync(item.Account, cancellationToken) is null || IsPairing(item))
        {
            var answer = _strangers.Answer(item);
            if (answer.Later is { } later)
            {
                _lanes.Add($"stranger {item.Account}", () => QuietlyAsync(later), MostOfStranger);
            }

            return answer.Now;
        }

        if (!TryWait(item.Id))
        {
            return null; // it is here already
        }

        try
        {
            if (await _notes.FindAsync(Note.Done, item.Id, cancellationToken) is not null)
            {
                Forget(item.Id);
                return null;
            }

            var key = FormattableString.Invariant($"{Tick():D19}-{item.Id}");
            await _notes.AddAsync(Note.In, key, item, cancellationToken);
            Enqueue(key, item);
            return null;
        }
        catch
        {
            Forget(item.Id);
            throw;
        }
    }

    /// <summary>What happened, as it is kept; null: nobody did it.</summary>
    private InboxItem? ItemOf(FeishuDelivery delivery) => delivery.Event switch
    {
        MessageReceived { SenderKind: FeishuSenderKind.Person, SenderOpenId: { } sender, ChatKind: not FeishuChatKind.Other } m
            => new InboxItem(EventIds.Key($"m-{m.MessageId}"), _time.GetUtcNow(), sender, m.ChatId, MessageOf(m), null),
        CardAction { OperatorOpenId: { } person, MessageId: { } message, ChatId: { } chat } c
            => new InboxItem(
                EventIds.Key($"e-{delivery.EventId}"), _time.GetUtcNow(), person, chat, null, new CardItem(message, c.Value, c.Form)),
        _ => null,
    };

    /// <summary>As much of it as can be kept: a text that is too long is told to be so.</summary>
    private static InboxItem? Kept(InboxItem? item)
        => item is null || BotNotes.Fits(Note.In, item) ? item
            : item.Message is { } message ? item with { Message = message with { Text = null } } : null;

    private MessageItem MessageOf(MessageReceived message)
    {
        var (text, files, other) = message.Content switch
        {
            TextContent t => (t.Text, [], null),
            PostContent p => (
                string.Join('\n', ((string[])[p.Title, p.Text]).Where(x => x.Length > 0)),
                p.ImageKeys.Select(k => new FileItem(k, "", IsImage: true)).ToList(), null),
            ImageContent i => ("", [new FileItem(i.ImageKey, "", IsImage: true)], null),
            FileContent f => ("", [new FileItem(f.FileKey, f.Name, IsImage: false)], null),
            OtherContent o => ("", [], o.Kind),
            _ => ("", (List<FileItem>)[], (string?)message.Content.GetType().Name),
        };
        text = Mentions.In(text, message.Mentions, _bot);
        return new MessageItem(
            message.MessageId, message.ChatKind == FeishuChatKind.Direct,
            Encoding.UTF8.GetByteCount(text) <= LongestText ? text : null, files, other, NamedIn(message),
            message.IsReply, message.IsInThread);
    }

    /// <summary>Whom a message names beside the bot. A name that is cut is not found in the text, so that nothing is done for it.</summary>
    private List<NamedItem>? NamedIn(MessageReceived message)
    {
        var named = message.Mentions.Where(m => m.OpenId is not null && m.OpenId != _bot).Take(MessageItem.MostNamed)
            .Select(m => new NamedItem(m.OpenId!, m.Name[..Math.Min(m.Name.Length, NamedItem.LongestName)])).ToList();
        return named.Count > 0 ? named : null;
    }

    private static bool IsPairing(InboxItem item)
        => item.Message is { IsDirect: true, Text: { } text } && Strangers.CodeIn(text) is not null;

    private void Enqueue(string key, InboxItem item) => _lanes.Add(item.Chat, () => DoAsync(key, item));

    private async Task DoAsync(string key, InboxItem item)
    {
        try
        {
            await TryAsync(item);
            await _notes.SetAsync(Note.Done, item.Id, new Mark(_time.GetUtcNow()), _stop);
            await _notes.TakeAsync(Note.In, key, _stop);
            Forget(item.Id);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Done after the next start.
        }
        catch (Exception e)
        {
            // It stays among the notes, and is done after the next start.
            LogKept(_logger, item.Id, e);
        }
    }

    private async Task TryAsync(InboxItem item)
    {
        for (var pause = s_shortest; ; pause = pause * 2 > s_longest ? s_longest : pause * 2)
        {
            try
            {
                await _handler.HandleAsync(item, _stop);
                return;
            }
            catch (FeishuException e) when (e.Retryable && _time.GetUtcNow() - item.At < s_patience)
            {
                await Task.Delay(e.RetryAfter ?? pause, _time, _stop);
            }
            catch (FeishuException e)
            {
                LogNotShown(_logger, item.Id, e.Message);
                return;
            }
            catch (OperationCanceledException) when (!_stop.IsCancellationRequested && _time.GetUtcNow() - item.At < s_patience)
            {
                await Task.Delay(pause, _time, _stop); // the person's connection ended in the middle
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogFailed(_logger, item.Id, e);
                await QuietlyAsync(() => _handler.FailedAsync(item, _stop));
                return;
            }
        }
    }

    private async Task QuietlyAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is FeishuException or EntryRefusal or OperationCanceledException)
        {
            LogNotShown(_logger, "an answer", e.Message);
        }
        catch (Exception e)
        {
            LogFailed(_logger, "an answer", e); // a lane's work must not throw
        }
    }

    private bool TryWait(string id)
    {
        lock (_gate)
        {
            return _waiting.Count >= MostWaiting
                ? throw new EntryRefusal(new WireError(ErrorCode.DaemonBusy, $"{MostWaiting} things wait to be done already."))
                : _waiting.Add(id);
        }
    }

    private void Forget(string id)
    {
        lock (_gate)
        {
            _waiting.Remove(id);
        }
    }

    private long Tick()
    {
        lock (_gate)
        {
            return _last = Math.Max(_last + 1, _time.GetUtcNow().UtcTicks);
        }
    }

    [LoggerMessage(EventId = 477, Level = LogLevel.Warning, Message = "{Item} was not taken, and comes again: {Reason}")]
    private static partial void LogNotTaken(ILogger logger, string item, string reason);

    [LoggerMessage(EventId = 473, Level = LogLevel.Error, Message = "{Item} is left until the next start: it could not be done")]
    private static partial void LogKept(ILogger logger, string item, Exception error);

    [LoggerMessage(EventId = 474, Level = LogLevel.Warning, Message = "what became of {Item} is not shown: {Reason}")]
    private static partial void LogNotShown(ILogger logger, string item, string reason);

    [LoggerMessage(EventId = 475, Level = LogLevel.Error, Message = "{Item} failed")]
    private static partial void LogFailed(ILogger logger, string item, Exception error);
}
