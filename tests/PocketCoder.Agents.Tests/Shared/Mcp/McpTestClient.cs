using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using PocketCoder.Agents;
using PocketCoder.Agents.Shared.Mcp;

namespace PocketCoder.Agents.Tests.Shared.Mcp;

/// <summary>An endpoint with what its driver would hear, and a client of it.</summary>
internal sealed class McpTestClient : IMcpCalls, IAsyncDisposable
{
    public static readonly HostTool Bash = new(
        "bash", "Runs a command.", """{"type":"object","properties":{"command":{"type":"string"}}}""");

    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly List<McpCall> _called = []; // guarded by itself, like the next
    private readonly List<string> _withdrawn = [];

    private McpTestClient(TimeProvider time) => Endpoint = new McpToolEndpoint([Bash], this, time);

    public McpToolEndpoint Endpoint { get; }

    public Uri Url { get; private set; } = null!;

    /// <summary>Whether calls are passed on, as in a turn that runs.</summary>
    public bool Takes { get; set; } = true;

    public IReadOnlyList<McpCall> Called
    {
        get
        {
            lock (_called)
            {
                return [.. _called];
            }
        }
    }

    public IReadOnlyList<string> Withdrawn
    {
        get
        {
            lock (_withdrawn)
            {
                return [.. _withdrawn];
            }
        }
    }

    public static async Task<McpTestClient> StartAsync(TimeProvider? time = null)
    {
        var client = new McpTestClient(time ?? TimeProvider.System);
        client.Url = await client.Endpoint.ListenAsync(CancellationToken.None);
        return client;
    }

    public ValueTask<bool> CalledAsync(McpCall call, CancellationToken cancellationToken)
    {
        lock (_called)
        {
            _called.Add(call);
        }

        return ValueTask.FromResult(Takes);
    }

    public ValueTask WithdrawnAsync(McpCall call, CancellationToken cancellationToken)
    {
        lock (_withdrawn)
        {
            _withdrawn.Add(call.RequestId);
        }

        return ValueTask.CompletedTask;
    }

    public HttpRequestMessage Request(string body, string? session = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Endpoint.Token);
        if (session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", session);
        }

        return request;
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken = default)
        => _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

    public async Task<(HttpStatusCode Status, string Body)> PostAsync(string body, string? session = null)
    {
        using var response = await SendAsync(Request(body, session));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Begins a call; its headers are there already.</summary>
    public async Task<Stream> CallAsync(string id, string command, string? session = null, CancellationToken cancellationToken = default)
    {
        var response = await SendAsync(Request(CallBody(id, command), session), cancellationToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsStreamAsync(CancellationToken.None);
    }

    public static string CallBody(string id, string command, string meta = "{}")
        => $$"""{"jsonrpc":"2.0","id":{{id}},"method":"tools/call","params":{"name":"bash","arguments":{"command":{{JsonSerializer.Serialize(command)}} },"_meta":{{meta}} } }""";

    public async ValueTask DisposeAsync()
    {
        await Endpoint.DisposeAsync();
        _http.Dispose();
    }
}
