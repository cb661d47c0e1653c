using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Events;
using PocketCoder.Feishu.Webhooks;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Door;

/// <summary>
/// The address at which events arrive where there is no long connection: two routes for what the platform signed and encrypted, and nothing
/// else. Who asks may be anybody, so a refusal says nothing, and the log tells of refusals once a minute. At most 64 connections and 32
/// requests at once; more are closed, or answered 503, and the platform sends them again. Plain HTTP: TLS is a proxy's before it. Disposal
/// ends it. Thread-safe.
/// </summary>
internal sealed partial class WebhookDoor : IAsyncDisposable
{
    public const string Events = "/feishu/events";
    public const string Cards = "/feishu/cards";

    private const int MostConnections = 64;
    private const int MostWaiting = 32;
    private const int BodyTooLong = StatusCodes.Status413PayloadTooLarge;

    private static readonly TimeSpan s_bodyLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_takeLimit = TimeSpan.FromMilliseconds(2500); // the platform waits for three seconds

    private readonly WebhookIntake _intake;
    private readonly IFeishuHandler _handler;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WebApplication _app;
    private readonly SemaphoreSlim _order = new(1, 1); // the handler takes one after the other
    private readonly Refusals _refusals;
    private int _inside;

    private WebhookDoor(IPEndPoint endpoint, WebhookIntake intake, IFeishuHandler handler, TimeProvider time, ILogger logger)
    {
        (_intake, _handler, _time, _logger, _refusals) = (intake, handler, time, logger, new Refusals(time));
        _app = DoorHost.Build("webhook", endpoint, new DoorBounds(MostConnections, WebhookIntake.LongestBody), AnswerAsync);
    }

    /// <exception cref="EntryRefusal">UNAVAILABLE: it can't listen there; the message says what to do.</exception>
    public static async Task<WebhookDoor> OpenAsync(
        IPEndPoint endpoint, WebhookIntake intake, IFeishuHandler handler, TimeProvider time, ILogger logger,
        CancellationToken cancellationToken)
    {
        var door = new WebhookDoor(endpoint, intake, handler, time, logger);
        await DoorHost.StartAsync(
            door._app,
            $"Can't listen at {endpoint} for the webhook. Choose another address: pocketcoder feishu config --webhook ADDRESS:PORT",
            cancellationToken);
        return door;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        if (!HttpMethods.IsPost(context.Request.Method) || context.Request.Path.Value is not (Events or Cards))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        try
        {
            if (Interlocked.Increment(ref _inside) > MostWaiting)
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            }
            else if (await BodyAsync(context) is { } body)
            {
                await AnswerAsync(context, body);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    private async Task AnswerAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        switch (_intake.Read(name => context.Request.Headers[name] is [var one] ? one : null, body, _time.GetUtcNow()))
        {
            case WebhookRequest.Challenge challenge:
                await JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(
                    new JsonObject { ["challenge"] = challenge.Text }, WebhookJson.Default.JsonObject));
                break;
            case WebhookRequest.Refused refused:
                Tell(refused.Reason);
                context.Response.StatusCode = refused.Status;
                break;
            case WebhookRequest.Event { Delivery.Event: UnknownEvent }:
                await JsonAsync(context, "{}"u8.ToArray());
                break;
            case WebhookRequest.Event happened:
                await TakeAsync(context, happened);
                break;
        }
    }

    private async Task TakeAsync(HttpContext context, WebhookRequest.Event happened)
    {
        ReadOnlyMemory<byte> answer;
        using var limit = new CancellationTokenSource(s_takeLimit, _time);
        try
        {
            await _order.WaitAsync(limit.Token);
            try
            {
                answer = await _handler.TakeAsync(happened.Delivery, limit.Token) ?? "{}"u8.ToArray();
            }
            finally
            {
                _order.Release();
            }
        }
        catch (Exception)
        {
            // Whatever it was, the handler does not have it, and says itself why: the platform sends it again.
            _intake.GiveBack(happened);
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return;
        }

        await JsonAsync(context, answer);
    }

    /// <returns>Null: there is none, and the status says why.</returns>
    private async Task<ReadOnlyMemory<byte>?> BodyAsync(HttpContext context)
    {
        using var limit = new CancellationTokenSource(s_bodyLimit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, both.Token);
            return body.ToArray();
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            Tell(e.StatusCode == BodyTooLong ? "its body is too long" : "its body is broken");
            context.Response.StatusCode = e.StatusCode;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            Tell("its body did not arrive");
            context.Abort();
        }

        return null;
    }

    private static async Task JsonAsync(HttpContext context, ReadOnlyMemory<byte> body)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>Anybody can be refused, so the log is not filled by it.</summary>
    private void Tell(string reason)
    {
        if (_refusals.Count() is { } many)
        {
            LogRefused(_logger, many, reason);
        }
    }

    [LoggerMessage(EventId = 478, Level = LogLevel.Warning,
        Message = "{Many} requests to the webhook were refused since the last such line; the last one: {Reason}")]
    private static partial void LogRefused(ILogger logger, int many, string reason);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonObject))]
internal sealed partial class WebhookJson : System.Text.Json.Serialization.JsonSerializerContext;
