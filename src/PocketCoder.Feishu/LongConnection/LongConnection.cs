using System.Collections.Concurrent;
using System.Threading.Channels;
using PocketCoder.Feishu.Api;
using PocketCoder.Feishu.Events;

namespace PocketCoder.Feishu.LongConnections;

public enum FeishuConnectionState
{
    /// <summary>Not begun, or ended because it was told to.</summary>
    Off,

    Connecting,

    /// <summary>Events arrive.</summary>
    Connected,

    /// <summary>The last try failed; the next comes by itself.</summary>
    Waiting,

    /// <summary>The platform refused for good: somebody must change something.</summary>
    Failed,
}

/// <param name="Reason">Why it is not connected, or was not before; null: nothing went wrong yet.</param>
/// <param name="Connections">How often it was connected.</param>
public sealed record FeishuConnectionStatus(
    FeishuConnectionState State, DateTimeOffset Since, string? Reason, long Connections, FeishuCounts Counts)
{
    public bool IsReady => State == FeishuConnectionState.Connected;
}

/// <summary>
/// Holds the one connection over which the platform sends events (docs/feishu.md). It finds out where to connect each time, gives signs of
/// life, ends a connection that gives none, and connects again by itself: after one second, then twice as long each time up to a minute,
/// each with jitter. Events go to the handler, one at a time. In this program an app has one such connection; the platform gives each
/// event to
/// only one of an app's connections, so no other program may hold one either. Thread-safe.
/// </summary>
public sealed class LongConnection : IDisposable
{
    private static readonly ConcurrentDictionary<string, LongConnection> s_running = new(StringComparer.Ordinal);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_usualPing = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_leastPing = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_mostPing = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);

    private readonly FeishuApp _app;
    private readonly TimeProvider _time;
    private readonly Func<double> _random;
    private readonly FeishuHttp _http;
    private readonly Discovery _discovery;
    private readonly Deliveries _deliveries;
    private readonly Lock _gate = new(); // guards the status
    private FeishuConnectionState _state;
    private DateTimeOffset _since;
    private string? _reason;
    private long _connections;
    private long _givenUp;
    private ServerPolicy _policy = ServerPolicy.None; // written by the one that reads

    public LongConnection(FeishuApp app, IFeishuHandler handler, TimeProvider time)
        : this(app, handler, time, Random.Shared.NextDouble)
    {
    }

    /// <param name="random">From 0 to 1, for the jitter.</param>
    internal LongConnection(FeishuApp app, IFeishuHandler handler, TimeProvider time, Func<double> random)
    {
        (_app, _time, _random, _since) = (app, time, random, time.GetUtcNow());
        _http = new FeishuHttp(app, time);
        _discovery = new Discovery(app, _http);
        _deliveries = new Deliveries(app, handler, time);
    }

    public FeishuConnectionStatus Status
    {
        get
        {
            lock (_gate)
            {
                return new FeishuConnectionStatus(
                    _state, _since, _reason, _connections, _deliveries.Counts(Interlocked.Read(ref _givenUp)));
            }
        }
    }

    /// <summary>Connects and stays connected until it is cancelled, which ends it in good order.</summary>
    /// <exception cref="FeishuException">The platform refused for good (<see cref="FeishuConnectionState.Failed"/>).</exception>
    /// <exception cref="InvalidOperationException">The app has a connection already.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var key = $"{_app.Domain.Authority}/{_app.Id}";
        if (!s_running.TryAdd(key, this))
        {
            throw new InvalidOperationException("This app has its long connection already.");
        }

        try
        {
            var failures = 0;
            while (true)
            {
                Become(FeishuConnectionState.Connecting, null);
                try
                {
                    if (await ConnectedAsync(cancellationToken))
                    {
                        failures = 0;
                    }

                    Become(FeishuConnectionState.Waiting, "The platform ended the connection.");
                }
                catch (ConnectionEnded e)
                {
                    failures = e.WasGood ? 0 : failures;
                    Become(FeishuConnectionState.Waiting, e.Why.Message);
                }
                catch (FeishuException e) when (e.Retryable)
                {
                    Become(FeishuConnectionState.Waiting, e.Message);
                }

                await Task.Delay(Pause(failures++), _time, cancellationToken);
            }
        }
        catch (FeishuException e)
        {
            Become(FeishuConnectionState.Failed, e.Message);
            throw;
        }
        catch (OperationCanceledException)
        {
            Become(FeishuConnectionState.Off, null);
            throw;
        }
        catch (Exception e)
        {
            // A defect of ours: what is not connected must not look as if it were.
            Become(FeishuConnectionState.Failed, $"It ended by a defect ({e.GetType().Name}).");
            throw;
        }
        finally
        {
            s_running.TryRemove(key, out _);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>
    /// Our own pace, which the server's wishes only make slower at first (so that not all come back at once after it was away), and when
    /// it has had as many tries as it wants.
    /// </summary>
    internal TimeSpan Pause(int failures)
    {
        var pause = s_firstPause * Math.Pow(2, Math.Min(failures, 6));
        pause = pause < s_longestPause ? pause : s_longestPause;
        if (failures == 0 && _policy.Spread is { } spread)
        {
            return s_firstPause + (spread < s_longestPause / 6 ? spread : s_longestPause / 6) * _random();
        }

        if (_policy.MostTries is { } most && failures >= most && _policy.Interval is { } interval && interval > pause)
        {
            pause = interval;
        }

        return pause * (0.75 + _random() / 2);
    }

    /// <returns>Whether the server showed that it is alive.</returns>
    /// <exception cref="ConnectionEnded">It broke after it was connected.</exception>
    private async Task<bool> ConnectedAsync(CancellationToken cancellationToken)
    {
        var endpoint = await _discovery.AskAsync(cancellationToken);
        _policy = _policy.With(endpoint.Policy);
        using var socket = await FeishuSocket.ConnectAsync(endpoint.Address, _time, cancellationToken);
        lock (_gate)
        {
            _connections++;
        }

        Become(FeishuConnectionState.Connected, null);
        using var stop = new CancellationTokenSource();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var end = cancellationToken.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), told);
        var life = new SignsOfLife(_time);
        var queue = Deliveries.NewQueue();
        var reading = ReadAsync(socket, queue.Writer, life, stop.Token);
        Task[] work =
        [
            reading, PingAsync(socket, endpoint.Service, life, stop.Token), _deliveries.ServeAsync(queue.Reader, socket, stop.Token),
        ];
        var first = await Task.WhenAny([.. work, told.Task]);
        if (first == told.Task)
        {
            await GoodbyeAsync(socket, reading);
        }

        await stop.CancelAsync();
        await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await first;
        }
        catch (FeishuException e)
        {
            throw new ConnectionEnded(e, life.Pongs > 0);
        }

        return life.Pongs > 0;
    }

    private async Task GoodbyeAsync(FeishuSocket socket, Task reading)
    {
        try
        {
            await socket.CloseAsync().WaitAsync(s_goodbye, _time);
            await reading.WaitAsync(s_goodbye, _time);
        }
        catch (Exception e) when (e is FeishuException or TimeoutException or OperationCanceledException)
        {
            // It is over anyway.
        }
    }

    private async Task ReadAsync(FeishuSocket socket, ChannelWriter<Arrived> queue, SignsOfLife life, CancellationToken cancellationToken)
    {
        var fragments = new FragmentBuffer(_time);
        while (await socket.ReceiveAsync(cancellationToken) is { } bytes)
        {
            life.Seen();
            var before = fragments.GivenUp;
            try
            {
                var frame = FrameCodec.Read(bytes);
                if (frame.Method == Frame.Control)
                {
                    Control(frame, life);
                }
                else if (frame.Method == Frame.Data && frame["type"] is "event" or "card" && fragments.Add(frame) is { } payload)
                {
                    var arrived = new Arrived(frame, payload, _time.GetTimestamp());
                    if (!queue.TryWrite(arrived))
                    {
                        await _deliveries.RefuseAsync(arrived, socket, cancellationToken);
                    }
                }
            }
            catch (FeishuException e) when (e.Error is FeishuError.Malformed or FeishuError.TooLarge)
            {
                // One message that can't be read costs that message, not the connection: it is not acknowledged.
                _deliveries.CountMalformed();
            }

            Interlocked.Add(ref _givenUp, fragments.GivenUp - before);
        }
    }

    private void Control(Frame frame, SignsOfLife life)
    {
        if (frame["type"] != "pong")
        {
            return;
        }

        life.Pong();
        if (frame.Payload is { Length: > 0 } config)
        {
            _policy = _policy.With(ServerPolicy.Of(WireJson.Object(config, "the server's wishes")));
        }
    }

    /// <summary>At once and then every interval; ends the connection when the server gave no sign of life for two of them.</summary>
    private async Task PingAsync(FeishuSocket socket, int service, SignsOfLife life, CancellationToken cancellationToken)
    {
        while (true)
        {
            await socket.SendAsync(Frame.Ping(service), cancellationToken);
            var wanted = _policy.Ping ?? s_usualPing;
            var interval = wanted < s_leastPing ? s_leastPing : wanted > s_mostPing ? s_mostPing : wanted;
            await Task.Delay(interval, _time, cancellationToken);
            if (life.SilentFor >= interval * 2)
            {
                throw new FeishuException(FeishuError.TooSlow, "The long connection gave no sign of life.") { Retryable = true };
            }
        }
    }

    private void Become(FeishuConnectionState state, string? reason)
    {
        lock (_gate)
        {
            (_state, _since, _reason) = (state, _time.GetUtcNow(), reason ?? _reason);
        }
    }

    private sealed class SignsOfLife(TimeProvider time)
    {
        private long _last = time.GetTimestamp();
        private long _pongs;

        public TimeSpan SilentFor => time.GetElapsedTime(Interlocked.Read(ref _last));

        public long Pongs => Interlocked.Read(ref _pongs);

        public void Seen() => Interlocked.Exchange(ref _last, time.GetTimestamp());

        public void Pong() => Interlocked.Increment(ref _pongs);
    }

    private sealed class ConnectionEnded(FeishuException why, bool wasGood) : Exception(why.Message, why)
    {
        public FeishuException Why { get; } = why;

        public bool WasGood { get; } = wasGood;
    }
}
