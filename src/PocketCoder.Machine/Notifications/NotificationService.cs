using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>
/// Tells devices whose app is closed, and the owner's own receivers, what waits for a person, and what is over. It looks at what is, not at
/// what happened: what waits and was not told to one of them yet is told as soon as nobody looks there any more, its quiet hours are over
/// and its digest is due; what was told and waits no more is taken back. One task looks; nothing else waits for it. Thread-safe.
/// </summary>
internal sealed partial class NotificationService : IAsyncDisposable
{
    /// <summary>Between two digests.</summary>
    internal static readonly TimeSpan DigestEvery = TimeSpan.FromMinutes(15);

    /// <summary>How often it looks again while something is owed and may not be sent yet.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan s_endLife = TimeSpan.FromHours(4);
    private static readonly TimeSpan s_settledLife = TimeSpan.FromMinutes(10);

    private readonly NotificationRows _rows;
    private readonly Store _store;
    private readonly DeviceStore _devices;
    private readonly ConnectionRegistry _connections;
    private readonly NoticeWriter _writer;
    private readonly PushDoor _door;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PushQueue _queue;
    private readonly CancellationTokenSource _end = new();
    private readonly AsyncSemaphore _changing = new(); // one device turns them on or off at a time
    private readonly Subscribers _subscribers;
    private readonly Lock _gate = new(); // guards the three below, and what each subscriber was told
    private readonly Dictionary<Guid, ApprovalInfo> _waiting = [];
    private readonly HashSet<Guid> _working = [];
    private readonly List<Guid> _ended = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;

    public NotificationService(
        NotificationRows rows, Store store, DeviceStore devices, ConnectionRegistry connections, NoticeWriter writer, PushDoor door,
        TimeProvider time, ILogger logger)
    {
        (_rows, _store, _devices, _connections) = (rows, store, devices, connections);
        (_writer, _door, _time, _logger) = (writer, door, time, logger);
        _queue = new PushQueue(door.SendAsync, OnSent, time);
        _subscribers = new Subscribers(_queue);
        store.Announced += OnAnnounced;
        connections.PresenceChanged += Signal;
    }

    /// <summary>Reads who is subscribed, and begins to look.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        foreach (var row in await _rows.ListAsync(cancellationToken))
        {
            try
            {
                _subscribers.Put(row.DeviceId, new Subscriber(_door.Take(row.Endpoint, row.P256dh, row.Auth), row.Settings));
            }
            catch (RequestFailure refused)
            {
                LogNotTaken(_logger, row.DeviceId, refused.Message);
            }
        }

        _running = Task.WhenAll(LookAsync(_end.Token), _queue.RunAsync(_end.Token));
        _running.Observed(_logger, "sending notifications");
    }

    /// <summary>How they are for a device.</summary>
    /// <exception cref="RequestFailure">UNAVAILABLE</exception>
    public PushState StateOf(Device device) => _subscribers.TryFind(device.DeviceId, out var one)
        ? new PushState(_door.Key, one.To.Origin, one.Settings, one.Last)
        : new PushState(_door.Key, null, NotificationSettings.Usual, null);

    /// <exception cref="RequestFailure">INVALID_REQUEST, UNAVAILABLE</exception>
    public async Task<PushState> SubscribeAsync(Device device, PushSubscribeRequest request)
    {
        var to = _door.Take(request.Endpoint, CanonicalBase64.FromUrl(request.P256dh), CanonicalBase64.FromUrl(request.Auth));
        await _changing.WaitAsync();
        try
        {
            var old = _subscribers.Find(device.DeviceId);
            var settings = request.Settings is { } given
                ? NotificationSettings.Require(given) : old?.Settings ?? NotificationSettings.Usual;
            var row = new NotificationRow(device.DeviceId, request.Endpoint, to.PublicKey, to.Auth, settings);
            await _rows.PutAsync(device, row, to.Origin, old?.To.Origin);
            _subscribers.Put(device.DeviceId, new Subscriber(to, settings));
        }
        finally
        {
            _changing.Release();
        }

        if (_devices.Find(device.DeviceId) is not { RevokedAt: null })
        {
            await DropAsync(device.DeviceId, null); // revoked in between: its row came after
        }

        Signal();
        return StateOf(device);
    }

    public async Task<PushState> UnsubscribeAsync(Device device)
    {
        await DropAsync(device.DeviceId, device);
        return StateOf(device);
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST; CONFLICT while they are off</exception>
    public async Task<PushState> SetAsync(Device device, PushSettings settings)
    {
        NotificationSettings.Require(settings);
        await _changing.WaitAsync();
        try
        {
            var one = Require(device);
            await _rows.SetAsync(device.DeviceId, settings);
            one.Settings = settings;
        }
        finally
        {
            _changing.Release();
        }

        Signal();
        return StateOf(device);
    }

    /// <summary>Sends one now, past queue and quiet hours.</summary>
    /// <exception cref="RequestFailure">CONFLICT while they are off; RATE_LIMITED: one was sent a moment ago</exception>
    public async Task<PushTestResponse> TestAsync(Device device, CancellationToken cancellationToken)
    {
        var one = Require(device);
        if (!one.MayTest(_time))
        {
            throw new RequestFailure(ErrorCode.RateLimited, "A test was sent a moment ago. Wait ten seconds.");
        }

        var notice = _writer.Start(PushNoticeKind.Test, "test");
        Told(device.DeviceId, one, await _door.SendAsync(
            one.To, _writer.MessageOf(one, notice, TimeSpan.FromMinutes(1), PushUrgency.High), cancellationToken));
        return new PushTestResponse(one.Last!, notice);
    }

    /// <summary>From now on a receiver of the owner's is told. What was told to the one before it of its name is not told again.</summary>
    /// <param name="id">No device's.</param>
    public void Put(string id, PushTarget to, PushSettings settings)
    {
        var one = new Subscriber(to, settings);
        lock (_gate)
        {
            if (_subscribers.TryFind(id, out var old))
            {
                foreach (var (approval, ended) in old.Told)
                {
                    one.Told[approval] = ended;
                }
            }

            _subscribers.Put(id, one);
        }

        Signal();
    }

    /// <summary>It is told nothing more.</summary>
    public void Remove(string id) => _subscribers.Remove(id);

    /// <summary>What became of the last one; null: none was sent since the start.</summary>
    public PushReport? LastOf(string id) => _subscribers.Find(id)?.Last;

    /// <summary>Sends one now, past queue and quiet hours. The caller knows that there is such a receiver.</summary>
    public async Task<PushReport> TestAsync(string id, CancellationToken cancellationToken)
    {
        var one = _subscribers.Find(id)!;
        var notice = _writer.Start(PushNoticeKind.Test, "test");
        Told(id, one, await _door.SendAsync(
            one.To, _writer.MessageOf(one, notice, TimeSpan.FromMinutes(1), PushUrgency.High), cancellationToken));
        return one.Last!;
    }

    public async ValueTask DisposeAsync()
    {
        _store.Announced -= OnAnnounced;
        _connections.PresenceChanged -= Signal;
        await _end.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _door.Dispose();
        _end.Dispose();
    }

    private Subscriber Require(Device device) => _subscribers.Find(device.DeviceId)
        ?? throw new RequestFailure(ErrorCode.Conflict, "Notifications are off for this device. Turn them on first.");

    private async Task DropAsync(string deviceId, Device? by, PushTarget? only = null)
    {
        await _changing.WaitAsync();
        try
        {
            if (_subscribers.TryFind(deviceId, out var one) && (only is null || one.To == only))
            {
                await _rows.RemoveAsync(deviceId, by, one.To.Origin, (only as PushSubscription)?.Endpoint.OriginalString);
                _subscribers.Remove(deviceId);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    private void OnAnnounced(MachineEvent change)
    {
        lock (_gate)
        {
            switch (change)
            {
                case ApprovalChanged { Approval: var approval }:
                    if (approval.State == ApprovalState.Pending)
                    {
                        _waiting[approval.ApprovalId] = approval;
                    }
                    else if (_waiting.Remove(approval.ApprovalId))
                    {
                        foreach (var one in _subscribers.All.Select(s => s.Value).Where(s => s.Told.ContainsKey(approval.ApprovalId)))
                        {
                            one.Told[approval.ApprovalId] = approval;
                        }
                    }
                    else
                    {
                        return;
                    }

                    break;
                case SessionChanged { Session: { State: SessionState.Working or SessionState.NeedsYou } session }:
                    _working.Add(session.AgentSessionId);
                    return;
                case SessionChanged { Session: var session } when _working.Remove(session.AgentSessionId):
                    _ended.Add(session.AgentSessionId);
                    break;
                case SessionRemoved removed:
                    _working.Remove(removed.AgentSessionId);
                    return;
                case DeviceChanged { Device: { RevokedAt: not null } device }:
                    _subscribers.Remove(device.DeviceId); // its row went with the revocation
                    return;
                default:
                    return;
            }
        }

        Signal();
    }

    private void Signal()
    {
        lock (_gate)
        {
            var changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            changed.SetResult();
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            Task changed;
            lock (_gate)
            {
                changed = _changed.Task;
            }

            try
            {
                var owed = await LookOnceAsync(cancellationToken);
                await changed.WaitAsync(owed ? s_again : Timeout.InfiniteTimeSpan, _time, cancellationToken);
            }
            catch (TimeoutException)
            {
                // Time to look again.
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                LogLook(_logger, e);
                await changed.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <returns>Whether something may not be sent yet.</returns>
    private async Task<bool> LookOnceAsync(CancellationToken cancellationToken)
    {
        List<Guid> ended;
        lock (_gate)
        {
            ended = [.. _ended];
            _ended.Clear();
        }

        if (_subscribers.None)
        {
            return false;
        }

        var ends = new List<TurnEnd>();
        foreach (var session in ended)
        {
            if (await _writer.EndOfAsync(session, cancellationToken) is { } end)
            {
                ends.Add(end);
            }
        }

        var owed = false;
        foreach (var (id, one) in _subscribers.All)
        {
            if (one.To is not PushSubscription)
            {
                // Whoever looks at any device is the owner, or was let in by the owner.
                owed |= await TellAsync(
                    new Recipient(id, Decides: false, _connections.IsLooking(null, _time)), one, ends, cancellationToken);
            }
            else if (_devices.Find(id) is { RevokedAt: null } device)
            {
                var decides = device.Scopes.Contains(Scope.Decide);
                owed |= await TellAsync(new Recipient(id, decides, _connections.IsLooking(id, _time)), one, ends, cancellationToken);
            }
        }

        return owed;
    }

    private async Task<bool> TellAsync(Recipient recipient, Subscriber one, List<TurnEnd> ends, CancellationToken cancellationToken)
    {
        var settings = one.Settings;
        List<ApprovalInfo> fresh, settled;
        int waiting;
        lock (_gate)
        {
            waiting = _waiting.Count;
            fresh = [.. _waiting.Values.Where(a => !one.Told.ContainsKey(a.ApprovalId) && settings.Kinds.Contains(Notices.KindOf(a.Kind)))
                .OrderBy(a => a.RequestedAt)];
            settled = [.. one.Told.Values.OfType<ApprovalInfo>()];
            settled.ForEach(a => one.Told.Remove(a.ApprovalId));
        }

        // Taken back in quiet hours too: that makes no sound. Not on the device that decided: its own app took it away.
        foreach (var approval in settled.Where(a => !one.InDigest.Remove(a.ApprovalId) && a.Decision?.DeviceId != recipient.Id
            && one.To is not NtfyTopic)) // a topic can't take anything back
        {
            Offer(
                recipient, one, Notices.Settled(_writer.Start(PushNoticeKind.Settled, "", waiting), approval), s_settledLife, PushUrgency.Normal, false);
        }

        var quiet = NotificationSettings.IsQuiet(settings, _time.GetUtcNow());
        if (!recipient.Looks && !quiet)
        {
            foreach (var end in ends.Where(e => settings.Kinds.Contains(e.Kind) && e.Took >= TimeSpan.FromSeconds(settings.AfterSeconds)))
            {
                Offer(recipient, one, await _writer.OfEndAsync(end, waiting, cancellationToken), s_endLife, PushUrgency.Normal, true);
            }
        }

        if (fresh.Count == 0)
        {
            return false;
        }

        if (recipient.Looks || quiet || (settings.Digest && !one.DigestIsDue(_time, DigestEvery)))
        {
            return true;
        }

        if (settings.Digest)
        {
            var life = fresh[^1].ExpiresAt - _time.GetUtcNow();
            Offer(recipient, one, _writer.Start(PushNoticeKind.Digest, "digest", waiting), life, PushUrgency.High, false);
            fresh.ForEach(a => one.InDigest.Add(a.ApprovalId));
        }
        else
        {
            foreach (var approval in fresh)
            {
                var start = await _writer.NamedAsync(
                    _writer.Start(PushNoticeKind.Permission, "", waiting), approval.AgentSessionId, approval.ProjectId, cancellationToken);
                Offer(recipient, one, Notices.Waits(start, approval, settings.Details, recipient.Decides),
                    approval.ExpiresAt - _time.GetUtcNow(), PushUrgency.High, false);
            }
        }

        lock (_gate)
        {
            // What was decided meanwhile is told, and taken back at the next look.
            fresh.ForEach(a => one.Told[a.ApprovalId] = null);
            var gone = fresh.Where(a => !_waiting.ContainsKey(a.ApprovalId)).ToList();
            gone.ForEach(a => one.Told[a.ApprovalId] = a with { State = ApprovalState.Withdrawn });
            return gone.Count > 0;
        }
    }

    private void Offer(Recipient recipient, Subscriber one, PushNotice notice, TimeSpan life, PushUrgency urgency, bool spare)
    {
        if (life <= TimeSpan.Zero)
        {
            return;
        }

        if (_subscribers.Offer(
            recipient.Id, one, _writer.MessageOf(one, notice, life, urgency), _time.GetUtcNow() + life, spare) is { } gone)
        {
            LogNoRoom(_logger, gone.Receiver);
        }
    }

    private void OnSent(PushJob job, PushOutcome outcome)
    {
        if (_subscribers.TryFind(job.Receiver, out var one) && one.To == job.To)
        {
            Told(job.Receiver, one, outcome);
        }
    }

    private void Told(string deviceId, Subscriber one, PushOutcome outcome)
    {
        one.Last = new PushReport(_store.Now, outcome.Result == PushResult.Accepted, outcome.Words);
        if (outcome.Result == PushResult.Gone)
        {
            DropAsync(deviceId, null, one.To).Observed(_logger, "forgetting a subscription that is over");
        }
        else if (outcome.Result == PushResult.Refused)
        {
            LogRefused(_logger, deviceId, outcome.Words);
        }
    }

    [LoggerMessage(EventId = 241, Level = LogLevel.Warning, Message = "the notifications of device {Device} are off: {Why}")]
    private static partial void LogNotTaken(ILogger logger, string device, string why);

    [LoggerMessage(EventId = 242, Level = LogLevel.Warning, Message = "too many notifications wait; one for device {Device} was dropped")]
    private static partial void LogNoRoom(ILogger logger, string device);

    [LoggerMessage(EventId = 243, Level = LogLevel.Warning, Message = "a notification for device {Device} was not sent: {Why}")]
    private static partial void LogRefused(ILogger logger, string device, string why);

    [LoggerMessage(EventId = 244, Level = LogLevel.Error, Message = "looking for what to notify of failed")]
    private static partial void LogLook(ILogger logger, Exception error);

    /// <param name="Id">A device's, or a receiver's.</param>
    /// <param name="Decides">It may decide.</param>
    /// <param name="Looks">A person looks there now.</param>
    private readonly record struct Recipient(string Id, bool Decides, bool Looks);
}
