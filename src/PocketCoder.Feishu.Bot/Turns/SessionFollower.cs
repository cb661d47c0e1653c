using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Keeping;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Feishu.Bot.Sending;
using PocketCoder.Feishu.Bot.Workspaces;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>
/// Shows a session in its group: a card for each turn, which follows it, and one for each approval. It reads the session's events with the
/// rights of whoever bound the group, from where it had come: what was shown is kept, so that nothing is shown twice or left out
/// over a restart. What can't be sent now is tried again until it can; the stream waits meanwhile, not the machine. Owns its work.
/// </summary>
internal sealed partial class SessionFollower : IAsyncDisposable
{
    /// <summary>Events between two looks, so that much at once is shown on the way, too.</summary>
    private const int MostAtOnce = 200;

    /// <summary>Between two looks of a turn that goes on.</summary>
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1);

    private readonly Place _place;
    private readonly Guid _session;
    private readonly PeopleHere _people;
    private readonly WorkspaceBoard _workspace;
    private readonly CardSender _sender;
    private readonly BotNotes _notes;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop;
    private readonly SemaphoreSlim _gate = new(1, 1); // guards the board
    private readonly ApprovalCards _approvals;
    private readonly Task _running;
    private TurnBoard? _board;

    public SessionFollower(
        Place place, PeopleHere people, WorkspaceBoard workspace, CardSender sender, BotNotes notes, TimeProvider time, ILogger logger,
        CancellationToken stop)
    {
        (_place, _session, _people, _workspace, _sender, _notes) = (place, place.Session!.Value, people, workspace, sender, notes);
        (_time, _logger, LastUse) = (time, logger, time.GetTimestamp());
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stop);
        _approvals = new ApprovalCards(place.Chat, sender, notes);
        _running = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>When something last happened in it, to tell which is followed longest for nothing.</summary>
    public long LastUse { get; private set; }

    public bool IsBusy => _board?.IsBusy == true;

    public Place Place => _place;

    /// <summary>It gave up: nobody may follow the session, or it is gone.</summary>
    public bool HasEnded => _running.IsCompleted;

    /// <summary>A button of a turn's card was used: shows a page of it, with new buttons.</summary>
    /// <returns>Whether the turn is one that goes on.</returns>
    public async Task<bool> RenewAsync(Guid turn, int? page, string eventId, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            return _board is { } board && await board.RenewAsync(turn, page, eventId, cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = s_shortest;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (await _people.FindAsync(_place.Account, _stop.Token) is not { } person)
                {
                    LogNobody(_logger, _session);
                    return;
                }

                await FollowAsync(person);
                pause = s_shortest;
            }
            catch (EntryRefusal e) when (e.Error.Code is ErrorCode.SessionNotFound or ErrorCode.ProjectNotFound)
            {
                return;
            }
            catch (Exception e) when (e is EntryRefusal or OperationCanceledException or FeishuException or ChannelClosedException)
            {
                // Revoked, paired anew, or nothing can be kept just now: once more from where it had come.
            }
            catch (Exception e)
            {
                LogFailed(_logger, _session, e);
            }

            await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 > s_longest ? s_longest : pause * 2;
        }
    }

    private async Task FollowAsync(ConnectedPerson person)
    {
        var mark = await _notes.FindAsync(Note.Follow, _session.ToString("N"), _stop.Token);
        var facts = await SessionFacts.ReadAsync(person, _session, _stop.Token);
        await using var followed = await person.FollowAsync($"session/{_session}", mark?.Epoch, mark?.After ?? 0, _stop.Token);
        await using var board = new TurnBoard(_place, facts, _sender, _notes, _time);
        _board = board;
        _workspace.Touch(); // whatever happened while nobody looked
        try
        {
            await ReadAsync(followed.Events, board, person);
        }
        finally
        {
            _board = null;
        }
    }

    private async Task ReadAsync(ChannelReader<EntryEvent> events, TurnBoard board, Person person)
    {
        Task<bool>? more = null;
        while (true)
        {
            more ??= events.WaitToReadAsync(_stop.Token).AsTask();
            if (board.IsDirty || _workspace.IsDirty)
            {
                await Task.WhenAny(more, Task.Delay(s_pace, _time, _stop.Token));
                _stop.Token.ThrowIfCancellationRequested();
            }

            if (more.IsCompleted || !(board.IsDirty || _workspace.IsDirty))
            {
                if (!await more)
                {
                    return;
                }

                more = null;
            }

            await _gate.WaitAsync(_stop.Token);
            try
            {
                for (var many = 0; many < MostAtOnce && events.TryRead(out var happened); many++)
                {
                    LastUse = _time.GetTimestamp();
                    await HappenedAsync(happened, board);
                }

                if (board.IsDue)
                {
                    await AgainAsync(() => board.ShowAsync(_stop.Token));
                }

                if (_workspace.IsDue)
                {
                    await _workspace.ShowAsync(person, board.IsBusy, _stop.Token);
                }
            }
            finally
            {
                _gate.Release();
            }
        }
    }

    private async Task HappenedAsync(EntryEvent happened, TurnBoard board)
    {
        try
        {
            if (happened.Type == MessageTypes.AgentDelta)
            {
                if (happened.Payload.Deserialize(ProtocolJson.Default.AgentDeltaPayload) is { } delta)
                {
                    board.Apply(delta);
                }
            }
            else if (happened is { Type: MessageTypes.AgentEvent, Seq: { } seq }
                && happened.Payload.Deserialize(ProtocolJson.Default.AgentEventPayload) is { } payload)
            {
                await AgainAsync(() => board.ApplyAsync(payload, seq, _stop.Token));
                if (payload is TurnEvent or QueueOrderEvent or DoneEvent or ApprovalEvent)
                {
                    _workspace.Touch();
                }

                if (payload is ApprovalEvent { Approval: var asked } && await board.IsShownAsync(asked.TurnId, _stop.Token))
                {
                    await AgainAsync(() => _approvals.ShowAsync(asked, _stop.Token));
                }

                await KeepAsync(happened.Epoch, seq, board, payload is DoneEvent);
            }
        }
        catch (JsonException)
        {
            // A kind of a newer machine.
        }
    }

    /// <summary>Keeps how far everything was shown.</summary>
    private async Task KeepAsync(string epoch, long seq, TurnBoard board, bool isEnd)
    {
        if (isEnd || seq % 100 == 0)
        {
            await _notes.SetAsync(
                Note.Follow, _session.ToString("N"), new FollowMark(epoch, board.FirstNeeded is { } first ? first - 1 : seq), _stop.Token);
        }
    }

    /// <summary>Tries until the platform takes it. What it refuses for good is left out, and logged.</summary>
    private async Task AgainAsync(Func<Task> work)
    {
        for (var pause = s_shortest; ; pause = pause * 2 > s_longest ? s_longest : pause * 2)
        {
            try
            {
                await work();
                return;
            }
            catch (FeishuException e) when (e.Retryable)
            {
                await Task.Delay(e.RetryAfter ?? pause, _time, _stop.Token);
            }
            catch (FeishuException e)
            {
                LogRefused(_logger, _session, e.Message);
                return;
            }
        }
    }

    [LoggerMessage(EventId = 470, Level = LogLevel.Information, Message = "session {Session} is shown in no group: nobody there may see it")]
    private static partial void LogNobody(ILogger logger, Guid session);

    [LoggerMessage(EventId = 471, Level = LogLevel.Error, Message = "showing session {Session} in its group failed")]
    private static partial void LogFailed(ILogger logger, Guid session, Exception error);

    [LoggerMessage(EventId = 472, Level = LogLevel.Warning, Message = "something of session {Session} is not shown in its group: {Reason}")]
    private static partial void LogRefused(ILogger logger, Guid session, string reason);
}
