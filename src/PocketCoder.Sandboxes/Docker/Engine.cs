using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PocketCoder.Sandboxes.Docker;

/// <summary>The engine's HTTP API over its Unix socket (Docker Engine API 1.41; Podman speaks it too). Thread-safe.</summary>
internal sealed class Engine(string socket) : IDisposable
{
    private const string Version = "/v1.41";
    private const int LongestAnswer = 16 << 20;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly HttpClient _client = Client(socket, null);

    /// <exception cref="SandboxException">Code <see cref="SandboxError.Engine"/>: it does not answer, or refuses with a reason.</exception>
    public async Task<JsonNode?> CallAsync(
        HttpMethod method, string path, JsonObject? body, CancellationToken cancellationToken, bool missingIsNull = false)
    {
        using var content = body is null ? null : Json(body);
        return await SendAsync(method, path, content, missingIsNull, cancellationToken);
    }

    /// <summary>Makes an image of a tar archive; nothing is pulled.</summary>
    public async Task ImportAsync(string repository, string tag, Stream archive, CancellationToken cancellationToken)
    {
        using var content = new StreamContent(archive);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-tar");
        await SendAsync(HttpMethod.Post,
            $"/images/create?fromSrc=-&repo={Uri.EscapeDataString(repository)}&tag={Uri.EscapeDataString(tag)}", content, false,
            cancellationToken);
    }

    /// <summary>Starts a prepared command and takes over its connection, on a socket of its own.</summary>
    public async Task<(Stream Stream, Socket Socket, IDisposable Client)> AttachAsync(string exec, CancellationToken cancellationToken)
    {
        Socket? own = null;
        var attached = Client(socket, s => own = s);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"http://engine{Version}/exec/{exec}/start")
            {
                Content = Json(new JsonObject { ["Detach"] = false, ["Tty"] = false }),
            };
            request.Headers.Connection.Add("Upgrade");
            request.Headers.Upgrade.Add(new ProductHeaderValue("tcp"));
            var response = await attached.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.StatusCode != HttpStatusCode.SwitchingProtocols)
            {
                throw new SandboxException(SandboxError.Engine, await ReasonAsync(response, cancellationToken));
            }

            return (await response.Content.ReadAsStreamAsync(cancellationToken), own!, attached);
        }
        catch (Exception e)
        {
            attached.Dispose();
            if (e is HttpRequestException or IOException)
            {
                throw Unreachable(e);
            }

            throw;
        }
    }

    public void Dispose() => _client.Dispose();

    private static HttpClient Client(string path, Action<Socket>? onConnect)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = async (_, cancellationToken) =>
            {
                var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                }
                catch
                {
                    connection.Dispose();
                    throw;
                }

                onConnect?.Invoke(connection);
                return new NetworkStream(connection, ownsSocket: true);
            },
        };
        return new HttpClient(handler, disposeHandler: true) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private static StringContent Json(JsonObject body) => new(body.ToJsonString(), Encoding.UTF8, "application/json");

    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            return $"The container engine answered {(int)response.StatusCode}: {JsonNode.Parse(text)?["message"]?.GetValue<string>() ?? text}";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"The container engine answered {(int)response.StatusCode}.";
        }
    }

    private async Task<JsonNode?> SendAsync(
        HttpMethod method, string path, HttpContent? content, bool missingIsNull, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(s_limit);
        try
        {
            using var request = new HttpRequestMessage(method, $"http://engine{Version}{path}") { Content = content };
            using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limited.Token);
            if (missingIsNull && response.StatusCode == HttpStatusCode.NotFound)
            {
                return null;
            }

            if (!response.IsSuccessStatusCode && response.StatusCode != HttpStatusCode.NotModified)
            {
                throw new SandboxException(SandboxError.Engine, await ReasonAsync(response, limited.Token));
            }

            await response.Content.LoadIntoBufferAsync(LongestAnswer, limited.Token);
            var text = await response.Content.ReadAsStringAsync(limited.Token);
            return text.Length == 0 || response.Content.Headers.ContentType?.MediaType != "application/json"
                || path.StartsWith("/images/create", StringComparison.Ordinal)
                ? new JsonObject()
                : JsonNode.Parse(text);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw Unreachable(e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SandboxException(SandboxError.Timeout, $"The container engine did not answer within {s_limit.TotalSeconds:0} s.", e);
        }
    }

    private SandboxException Unreachable(Exception e)
        => new(SandboxError.Engine, $"The container engine at {socket} could not be reached: {e.Message}", e);
}
