using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Feishu.Bot.Door;
using PocketCoder.Feishu.Bot.People;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Local;

/// <summary>
/// The port at which programs on this computer ask: a list of routes, for whoever has the token, as the one person that it stands for. 16
/// connections and 8 requests at once, 64 KiB a request, which must be there within 5 s; 25 s an answer. Disposal ends it. Thread-safe.
/// </summary>
internal sealed partial class LocalDoor : IAsyncDisposable
{
    internal const int LongestBody = 64 * 1024;

    private const int MostConnections = 16;
    private const int MostAtOnce = 8;

    private static readonly TimeSpan s_bodyLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(25);

    private readonly IReadOnlyList<LocalRoute> _routes;
    private readonly Func<CancellationToken, Task<string?>> _token;
    private readonly PeopleHere _people;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WebApplication _app;
    private readonly Refusals _refusals;
    private readonly int _port;
    private int _inside;

    private LocalDoor(
        IPEndPoint endpoint, IReadOnlyList<LocalRoute> routes, Func<CancellationToken, Task<string?>> token, PeopleHere people,
        TimeProvider time, ILogger logger)
    {
        (_routes, _token, _people, _time, _logger, _port) = (routes, token, people, time, logger, endpoint.Port);
        _refusals = new Refusals(time);
        _app = DoorHost.Build("local", endpoint, new DoorBounds(MostConnections, LongestBody), AnswerAsync);
    }

    /// <param name="token">As it is now; null: there is none, and everybody is refused.</param>
    /// <exception cref="EntryRefusal">UNAVAILABLE: it can't listen there; the message says what to do.</exception>
    public static async Task<LocalDoor> OpenAsync(
        IPEndPoint endpoint, IReadOnlyList<LocalRoute> routes, Func<CancellationToken, Task<string?>> token, PeopleHere people,
        TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        if (!IPAddress.IsLoopback(endpoint.Address))
        {
            throw new ArgumentException($"{endpoint} is reached from elsewhere.", nameof(endpoint));
        }

        var door = new LocalDoor(endpoint, routes, token, people, time, logger);
        await DoorHost.StartAsync(
            door._app,
            $"Can't listen at {endpoint} for local requests. Choose another port: pocketcoder feishu config --local-http PORT",
            cancellationToken);
        return door;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        using var limit = new CancellationTokenSource(s_limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            var answer = Interlocked.Increment(ref _inside) <= MostAtOnce ? await AskedAsync(context, either.Token)
                : throw new LocalFailure(
                    StatusCodes.Status503ServiceUnavailable, ErrorCode.DaemonBusy, $"{MostAtOnce} requests are being answered already.");
            await JsonAsync(context, answer, StatusCodes.Status200OK);
        }
        catch (LocalFailure e)
        {
            await RefuseAsync(context, e);
        }
        catch (EntryRefusal e)
        {
            await RefuseAsync(context, LocalFailure.Of(e.Error));
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            await RefuseAsync(context, new LocalFailure(
                StatusCodes.Status503ServiceUnavailable, ErrorCode.Unavailable, "It took too long, or the machine stops. Ask again."));
        }
        catch (Exception e)
        {
            LogFailed(_logger, e);
            await RefuseAsync(context, new LocalFailure(
                StatusCodes.Status500InternalServerError, ErrorCode.UnknownError, "That failed on the machine. Its log says why."));
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    private async Task<byte[]> AskedAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        LocalGuard.Require(request, _port, await _token(cancellationToken));
        var path = request.Path.Value ?? "";
        var here = _routes.Select(r => (Route: r, Id: r.Match(path))).Where(r => r.Id is not null).ToList();
        if (here.Count == 0)
        {
            throw new LocalFailure(StatusCodes.Status404NotFound, ErrorCode.InvalidRequest, "There is no such route.");
        }

        if (here.Find(r => r.Route.Method == request.Method) is not { Route: { } route, Id: { } id })
        {
            context.Response.Headers.Allow = string.Join(", ", here.Select(r => r.Route.Method));
            throw new LocalFailure(StatusCodes.Status405MethodNotAllowed, ErrorCode.InvalidRequest, "This route has no such method.");
        }

        var body = await BodyAsync(context, cancellationToken);
        return await _people.FindAsync(EntryLocalHttp.Account, cancellationToken) is { } person
            ? await route.Answer(new LocalRequest(person, id, body), cancellationToken)
            : throw new LocalFailure(
                StatusCodes.Status401Unauthorized, ErrorCode.Unauthorized,
                "The token was revoked. Make a new one: pocketcoder feishu config --local-http PORT");
    }

    private async Task<ReadOnlyMemory<byte>> BodyAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var request = context.Request;
        if (request.ContentLength is null or 0 && request.Headers.TransferEncoding.Count == 0)
        {
            return default;
        }

        if (!request.HasJsonContentType())
        {
            throw new LocalFailure(
                StatusCodes.Status415UnsupportedMediaType, ErrorCode.InvalidRequest, "The body must be application/json.");
        }

        using var limit = new CancellationTokenSource(s_bodyLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body, either.Token);
            return body.ToArray();
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            throw new LocalFailure(
                e.StatusCode, ErrorCode.InvalidRequest,
                e.StatusCode == StatusCodes.Status413PayloadTooLarge ? $"A body has at most {LongestBody} bytes." : "The body is broken.");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            throw new LocalFailure(
                StatusCodes.Status408RequestTimeout, ErrorCode.InvalidRequest, $"The body was not there after {s_bodyLimit.TotalSeconds:0} s.");
        }
    }

    private async Task RefuseAsync(HttpContext context, LocalFailure failure)
    {
        if (failure.Status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden or StatusCodes.Status421MisdirectedRequest
            && _refusals.Count() is { } many)
        {
            LogRefused(_logger, many, failure.Message);
        }

        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            context.Abort(); // half an answer must not look like a whole one
            return;
        }

        if (failure.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        context.Response.Headers.Connection = "close"; // what may still come of it is not waited for
        var problem = new LocalProblem(failure.Message, failure.Code, failure.Status);
        await JsonAsync(context, JsonSerializer.SerializeToUtf8Bytes(problem, LocalJson.Default.LocalProblem), failure.Status);
    }

    private static async Task JsonAsync(HttpContext context, ReadOnlyMemory<byte> body, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }

    [LoggerMessage(EventId = 482, Level = LogLevel.Warning,
        Message = "{Many} requests to the local port were refused since the last such line; the last one: {Reason}")]
    private static partial void LogRefused(ILogger logger, int many, string reason);

    [LoggerMessage(EventId = 483, Level = LogLevel.Error, Message = "a request to the local port failed")]
    private static partial void LogFailed(ILogger logger, Exception error);
}
