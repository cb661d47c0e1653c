using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Machine.Starting;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>Carries the owner's requests to the table of operations. Thread-safe.</summary>
internal interface IControlTransport : IDisposable
{
    /// <summary>Asks for one answer of the table.</summary>
    /// <param name="most">The longest it may take while the daemon lives; infinite: as long as that does; null: the usual.</param>
    /// <exception cref="ControlException">What the daemon said instead.</exception>
    Task<TOut> AskAsync<TIn, TOut>(Verb<TIn, TOut> operation, TIn request, TimeSpan? most, CancellationToken ct);
}

/// <summary>The control socket of a home, as the CLI opens it. Failures as <see cref="ControlClient"/>'s. Thread-safe.</summary>
internal sealed class ControlConnection : IControlTransport
{
    /// <summary>The header in which each side tells its version.</summary>
    public const string VersionHeader = "PocketCoder-Version";

    private readonly Home _home;
    private readonly HttpMessageInvoker _sockets;
    private readonly HttpClient _http;
    private readonly DaemonWatch _watch;
    private readonly ControlLimits _limits;

    public ControlConnection(Home home, ControlLimits limits)
    {
        var endpoint = new UnixDomainSocketEndPoint(home.ControlSocket);
        var handler = new SocketsHttpHandler
        { UseProxy = false, UseCookies = false, AllowAutoRedirect = false, ConnectCallback = (_, ct) => ConnectAsync(endpoint, ct) };
        (_home, _limits) = (home, limits);
        _watch = new DaemonWatch(home, limits, TimeProvider.System, (_, ct) => ConnectAsync(endpoint, ct));
        _sockets = new HttpMessageInvoker(handler, disposeHandler: false);
        // each step is watched
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://daemon/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    public async Task<TOut> AskAsync<TIn, TOut>(Verb<TIn, TOut> operation, TIn request, TimeSpan? most, CancellationToken ct)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(request, operation.Request()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return await _watch.WaitAsync(
            async token =>
            {
                using var response = await SendAsync(HttpMethod.Post, $"v1/{operation.Type}", content, token);
                return await ReadAsync(response, operation.Response(), token);
            },
            most ?? _limits.Request,
            ct);
    }

    /// <summary>Whether a daemon answers.</summary>
    public async Task<bool> IsHealthyAsync(CancellationToken ct)
    {
        try
        {
            using var response = await _watch.WaitAsync(token => SendAsync(HttpMethod.Get, "health", null, token), _limits.Request, ct);
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is DaemonNotRunning or DaemonNotAnswering { IsBetween: true })
        {
            return false;
        }
    }

    /// <summary>Stops a daemon that does not know the verb, as each version knew it: <c>POST /stop</c>.</summary>
    public Task StopOldAsync(string reason, CancellationToken ct) => _watch.WaitAsync(
        async token =>
        {
            using var content = new ByteArrayContent(
                JsonSerializer.SerializeToUtf8Bytes(new MachineStopRequest(reason), OwnerMachine.Stop.Request()));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await SendAsync(HttpMethod.Post, "stop", content, token);
            await ThrowIfRefusedAsync(response, token);
            return true;
        },
        _limits.Request,
        ct);

    /// <summary>Opens an answer that is read piece by piece.</summary>
    /// <param name="most">The longest that its beginning may take while the daemon lives; null: the usual.</param>
    public async Task<WatchedStream> OpenAsync(string path, TimeSpan? most, CancellationToken ct)
    {
        var response = await _watch.WaitAsync(token => SendAsync(HttpMethod.Get, path, null, token), most ?? _limits.Request, ct);
        try
        {
            await ThrowIfRefusedAsync(response, ct);
            return new WatchedStream(response, await response.Content.ReadAsStreamAsync(ct), _watch);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>Opens a WebSocket.</summary>
    public async Task<TerminalLink> LinkAsync(string path, CancellationToken ct)
    {
        var socket = new ClientWebSocket();
        try
        {
            await _watch.WaitAsync(
                async token =>
                {
                    await socket.ConnectAsync(new Uri($"ws://daemon/{path}"), _sockets, token);
                    return true;
                },
                _limits.Request,
                ct);
            return new TerminalLink(socket, _watch);
        }
        catch (Exception e) when (e is WebSocketException or DaemonNotAnswering)
        {
            socket.Dispose();
            throw e is WebSocketException ? NotThere(e) : e;
        }
    }

    public void Dispose()
    {
        _sockets.Dispose();
        _http.Dispose();
        _watch.Dispose();
    }

    private static async ValueTask<Stream> ConnectAsync(UnixDomainSocketEndPoint endpoint, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            while (true)
            {
                try
                {
                    await socket.ConnectAsync(endpoint, ct);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.TryAgain)
                {
                    // so many wait to be accepted already: a daemon is there, and it is slow or hangs
                    await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
                }
            }
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken ct)
    {
        if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Accepted)
        {
            return;
        }

        WireError? error = null;
        try
        {
            error = JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(ct), ProtocolJson.Default.WireError);
        }
        catch (JsonException)
        {
            // an answer of the web server itself
        }

        throw error switch
        {
            null => new ControlException(ErrorCode.UnknownError, $"The daemon answered {(int)response.StatusCode}."),
            { Code: ErrorCode.VersionUnsupported } => OtherVersion(response, null),
            _ => new ControlException(error.Code, error.Message),
        };
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken ct)
    {
        await ThrowIfRefusedAsync(response, ct);
        try
        {
            return JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(ct), type)
                ?? throw new ControlException(ErrorCode.UnknownError, "The daemon answered nothing.");
        }
        catch (JsonException e)
        {
            throw OtherVersion(response, e);
        }
    }

    /// <summary>What to do when the two don't understand each other.</summary>
    private static ControlException OtherVersion(HttpResponseMessage response, Exception? e)
    {
        var theirs = response.Headers.TryGetValues(VersionHeader, out var given) ? given.FirstOrDefault() : null;
        var which = theirs is null || theirs == DaemonOptions.ProductVersion
            ? "The daemon speaks another version of the control protocol."
            : $"This command is of version {DaemonOptions.ProductVersion}, and the daemon that runs is of version {theirs}.";
        return new ControlException(ErrorCode.VersionUnsupported, $"{which} Restart it: pocketcoder restart", e);
    }

    /// <summary>The beginning of an answer.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            throw new ControlException(ErrorCode.Unauthorized, "The daemon belongs to another user.", e);
        }
        catch (HttpRequestException e)
        {
            throw NotThere(e);
        }
    }

    /// <summary>Nothing listens: because nothing runs, or because it starts or stops just now.</summary>
    private Exception NotThere(Exception e)
    {
        if (DaemonLock.Holder(_home) is not { IsAlive: true } holder || !IsTaken())
        {
            return new DaemonNotRunning(e);
        }

        var does = StartProgress.Read(_home) is { } step
            && step.Pid == holder.Pid ? $"is starting ({step.Step})" : "starts or stops just now";
        return new DaemonNotAnswering(string.Create(CultureInfo.InvariantCulture,
            $"PocketCoder {does} (pid {holder.Pid}) and does not take requests yet. Try again in a moment, or stop it: pocketcoder stop"),
            e)
        { IsBetween = true };
    }

    private bool IsTaken()
    {
        try
        {
            return DaemonLock.IsTaken(_home);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // nobody can tell
        }
    }
}

/// <summary>No daemon answers in this home.</summary>
public sealed class DaemonNotRunning(Exception? inner = null) : Exception("PocketCoder is not running. Start it: pocketcoder start", inner);
