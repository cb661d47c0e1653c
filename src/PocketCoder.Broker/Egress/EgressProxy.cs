using System.Collections.Concurrent;
using System.Net.Sockets;

namespace PocketCoder.Broker.Egress;

/// <summary>
/// The sandbox's only way out: an HTTP proxy (CONNECT, and absolute addresses with <c>http:</c>) on a Unix socket. Lets through what a rule
/// or a decision allows, resolves names itself and connects to the very address it checked. Thread-safe.
/// </summary>
public sealed class EgressProxy : IAsyncDisposable
{
    private readonly EgressOptions _options;
    private readonly TimeProvider _time;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Task, byte> _connections = new();
    private readonly PendingDecisions? _decisions;
    private readonly Task _accepting;

    private EgressProxy(EgressOptions options, TimeProvider time, Socket listener)
    {
        _options = options;
        _time = time;
        _listener = listener;
        _decisions = options.Decide is { } decide ? new PendingDecisions(decide) : null;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Starts listening; when this returns, the socket takes connections.</summary>
    /// <exception cref="IOException">The path is taken by something that is no socket, or can't be bound.</exception>
    public static EgressProxy Start(EgressOptions options, TimeProvider time)
    {
        var listener = UnixSockets.Listen(options.SocketPath, options.SocketMode);
        return new EgressProxy(options, time, listener);
    }

    /// <summary>Stops listening and cuts every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Keys);
        File.Delete(_options.SocketPath);
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(_stopping.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // No descriptors left, or the client went away in between: the next one may do better.
                await Task.Delay(TimeSpan.FromMilliseconds(50), _time, CancellationToken.None);
                continue;
            }

            if (_connections.Count >= _options.MaxConnections)
            {
                client.Dispose();
                continue;
            }

            var serving = new TaskCompletionSource();
            _connections.TryAdd(serving.Task, 0);
            _ = Task.Run(async () =>
            {
                try
                {
                    await new EgressConnection(_options, _time, _decisions, client).ServeAsync(_stopping.Token);
                }
                finally
                {
                    _connections.TryRemove(serving.Task, out _);
                    serving.SetResult();
                }
            });
        }
    }
}
