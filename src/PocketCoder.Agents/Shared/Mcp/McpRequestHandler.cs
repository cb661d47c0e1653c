using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using PocketCoder.Agents.Shared.Rpc;

namespace PocketCoder.Agents.Shared.Mcp;

/// <summary>
/// One HTTP request to the endpoint: who may ask, what it is, and its answer. Everything that is not understood is refused. Thread-safe.
/// </summary>
internal sealed class McpRequestHandler(
    string serverName, IReadOnlyList<HostTool> tools, string path, string token, IMcpCalls driver, TimeProvider time)
{
    /// <summary>A command or a file's text is the longest that makes sense.</summary>
    public const int MaxBodyBytes = 4 << 20;

    /// <summary>Clients give up after a minute without a byte (Gemini CLI, Claude Code) or five (OpenCode).</summary>
    public static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(8);

    private const int ParseError = -32700;
    private const int TooMany = -32000;
    private const int LongestSession = 64;
    private const string SessionHeader = "Mcp-Session-Id";

    private readonly byte[] _credential = Encoding.ASCII.GetBytes($"Bearer {token}");
    private readonly TaskCompletionSource _listed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public McpPendingCalls Calls { get; } = new();

    public Task ToolsListed => _listed.Task;

    /// <summary>
    /// What <c>Host</c> must be: another name for this address is a web page's way to it (DNS rebinding). Set before anybody knows the
    /// token.
    /// </summary>
    public string Host { get; set; } = "";

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            if (Refusal(context.Request) is { } status)
            {
                context.Response.StatusCode = status;
                if (status == StatusCodes.Status405MethodNotAllowed)
                {
                    context.Response.Headers.Allow = "POST"; // there is nothing to listen to, and no session to end
                }

                return;
            }

            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            await AnswerAsync(context, McpMessage.Read(body.GetBuffer().AsMemory(0, (int)body.Length)));
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            context.Response.StatusCode = e.StatusCode; // too long, too slow, broken
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or BadHttpRequestException)
        {
            // the connection is gone: nobody reads an answer
        }
    }

    private int? Refusal(HttpRequest request)
    {
        if (request.Headers.Host.Count != 1 || request.Headers.Host != Host || request.Headers.Origin.Count > 0)
        {
            return StatusCodes.Status403Forbidden; // agents send no Origin, web pages do
        }

        if (request.Headers.Authorization is not [{ } shown]
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown), _credential))
        {
            return StatusCodes.Status401Unauthorized;
        }

        return request.Path.Value != path || request.QueryString.HasValue ? StatusCodes.Status404NotFound
            : !HttpMethods.IsPost(request.Method) ? StatusCodes.Status405MethodNotAllowed
            : request.ContentType?.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase) != true
            ? StatusCodes.Status415UnsupportedMediaType
            : null;
    }

    private async Task AnswerAsync(HttpContext context, McpMessage message)
    {
        var session = Session(context.Request);
        switch (message.Kind, message.Method)
        {
            case (McpMessageKind.NotUnderstood, _):
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                await SendAsync(context, RpcMessages.Error("null", ParseError, "This is no single JSON-RPC message."));
                break;
            case (McpMessageKind.Notification, "notifications/cancelled") when message.Parameters.Member("requestId") is { } id
                && McpMessage.Key(id) is { } key:
                Calls.Withdraw(session, key);
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                break;
            case (McpMessageKind.Notification, _):
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                break;
            case (_, "initialize"):
                // Only tells clients apart whose ids are the same; it gives no right, so none is remembered.
                context.Response.Headers[SessionHeader] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
                await SendAsync(context, McpAnswers.Initialized(message.RawId, serverName, message.Parameters.Text("protocolVersion")));
                break;
            case (_, "ping"):
                await SendAsync(context, McpAnswers.Empty(message.RawId));
                break;
            case (_, "tools/list"):
                _listed.TrySetResult();
                await SendAsync(context, McpAnswers.Tools(message.RawId, tools));
                break;
            case (_, "tools/call"):
                await CallAsync(context, message, session);
                break;
            default:
                await SendAsync(context, RpcMessages.Error(message.RawId, RpcMessages.MethodNotFound, "There is no such method."));
                break;
        }
    }

    private async Task CallAsync(HttpContext context, McpMessage message, string session)
    {
        var input = message.Parameters.Member("arguments");
        if (message.Parameters.Text("name") is not { } name || !tools.Any(t => t.Name == name)
            || input is { ValueKind: not JsonValueKind.Object })
        {
            await SendAsync(context,
                RpcMessages.Error(message.RawId, RpcMessages.InvalidParams, "There is no such tool, or its arguments are no object."));
            return;
        }

        using var id = JsonDocument.Parse(message.RawId);
        var key = McpMessage.Key(id.RootElement)!;
        var meta = message.Parameters.Object("_meta");
        if (Calls.Add(session, key, name, input?.GetRawText() ?? "{}", meta?.GetRawText()) is not { } call)
        {
            await SendAsync(context, RpcMessages.Error(
                message.RawId, TooMany, $"At most {McpPendingCalls.Most} calls can wait at one time, each with an id of its own."));
            return;
        }

        var said = false;
        try
        {
            await using var lost = context.RequestAborted.Register(static c => ((McpCall)c!).TryEnd(new McpCallEnd.Withdrawn()), call);
            await BeginEventsAsync(context);
            said = await driver.CalledAsync(call, context.RequestAborted);
            if (!said)
            {
                call.TryEnd(new McpCallEnd.Dropped());
            }

            await WaitAsync(context, call, RpcMessages.RawId(meta ?? default, "progressToken"));
            await EndAsync(context, message.RawId, await call.Ended);
        }
        finally
        {
            call.TryEnd(new McpCallEnd.Withdrawn()); // by an exception: the connection broke while we wrote
            Calls.Remove(session, key, call);
            if (said && await call.Ended is McpCallEnd.Withdrawn)
            {
                await driver.WithdrawnAsync(call, CancellationToken.None);
            }
        }
    }

    private static async Task BeginEventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-cache";
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>
    /// Keeps the connection from looking dead while somebody thinks. Clients that gave a token for progress also count from it.
    /// </summary>
    private async Task WaitAsync(HttpContext context, McpCall call, string? progressToken)
    {
        for (long step = 1; call.IsPending; step++)
        {
            using var over = new CancellationTokenSource();
            await Task.WhenAny(call.Ended, Task.Delay(PingEvery, time, over.Token));
            await over.CancelAsync();
            if (call.IsPending)
            {
                await WriteAsync(context,
                    progressToken is null ? McpAnswers.Ping : McpAnswers.Event(McpAnswers.Progress(progressToken, step)));
            }
        }
    }

    private static Task EndAsync(HttpContext context, string rawId, McpCallEnd end) => end switch
    {
        McpCallEnd.Answered answer => WriteAsync(context, McpAnswers.Event(McpAnswers.Called(rawId, answer.Text, answer.IsError))),
        McpCallEnd.Dropped => WriteAsync(context, McpAnswers.Event(McpAnswers.Called(rawId, "The turn was stopped.", isError: true))),
        _ => Task.CompletedTask, // who cancelled does not wait for an answer
    };

    private static async Task WriteAsync(HttpContext context, byte[] bytes)
    {
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static async Task SendAsync(HttpContext context, byte[] message)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = message.Length;
        await context.Response.Body.WriteAsync(message, context.RequestAborted);
    }

    private static string Session(HttpRequest request)
        => request.Headers.TryGetValue(SessionHeader, out var values) && values is [{ Length: <= LongestSession } session] ? session : "";
}
