using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Relay;
using PocketCoder.Gateway.Throttling;

namespace PocketCoder.Gateway.Hosting.Accounts;

/// <summary>
/// What all requests about accounts have in common: an origin of ours, a small JSON body, a proof of the browser's key, the role that the
/// table names. There are no cookies, so no page of another site can act for anybody. Thread-safe.
/// </summary>
internal sealed partial class AccountDoor(
    SignIns signIns, SignInServices services, RelayAdmissions admissions, ClientAddress client, TimeProvider time,
    ILogger<AccountDoor> log)
{
    public const string ProofHeader = "Account-Proof";
    public const string NonceHeader = "Account-Nonce";
    private const string TokenScheme = "PocketCoder ";

    /// <summary>Of a body, in bytes, where the table says nothing else.</summary>
    public const int MostBytes = 8 * 1024;

    private static readonly TimeSpan s_bodyLimit = TimeSpan.FromSeconds(10);

    /// <summary><c>GET /v1/accounts</c>: how one signs in here.</summary>
    public Task OfferAsync(HttpContext context) => WriteAsync(context, StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(
        new AccountsOffered(HasPasskeys(context.Request) ? ["passkey", "password"] : ["password"], signIns.Nonce, Services()),
        AccountMessages.Default.AccountsOffered));

    /// <summary>Those without are told of none where their file can't be read: passwords and passkeys are to go on.</summary>
    private IReadOnlyList<ServiceOffer> Services()
    {
        try
        {
            return services.Offered;
        }
        catch (AccountRefusal e)
        {
            LogUnavailable(log, AccountTable.Path, e.InnerException?.Message ?? e.Message);
            return [];
        }
    }

    /// <summary>By the name in the address, which the doorkeeper let in: but for localhost only with TLS, ours or a proxy's.</summary>
    private static bool HasPasskeys(HttpRequest request)
        => Authority.TryParse(request.Host.Value, out var authority)
            && Passkeys.HostOf(authority.IsLoopback ? $"http://{authority}" : $"https://{authority}") is not null;

    /// <summary>One request of the table.</summary>
    public async Task HandleAsync(HttpContext context, AccountRoute route)
    {
        try
        {
            var proof = await ProofAsync(context, route);
            var person = route.Least is null ? null : signIns.Authenticate(proof, TokenOf(context));
            if (person is not null && person.Role < route.Least)
            {
                throw new AccountRefusal(AccountError.Forbidden, "Your role does not allow that.");
            }

            var answer = await AnswerAsync(route, new AccountCall(proof, person), context.RequestAborted);
            var (name, remote) = (person?.Name ?? "-", client.Of(context));
            LogDone(log, route.Path, name, remote);
            await WriteAsync(context, StatusCodes.Status200OK, answer);
        }
        catch (AccountRefusal e)
        {
            LogRefusal(context, route, e);
            await RefuseAsync(context, e);
        }
        catch (OperationCanceledException)
        {
            // The browser left: the usual end.
        }
    }

    /// <summary>Connections end before anybody is told that they may not be: not after an answer that nobody takes.</summary>
    private async Task<byte[]> AnswerAsync(AccountRoute route, AccountCall call, CancellationToken ct)
    {
        try
        {
            return await route.Answer(call, ct);
        }
        finally
        {
            if (route.Ends)
            {
                admissions.EndForbidden();
            }
        }
    }

    private async Task<Proof> ProofAsync(HttpContext context, AccountRoute route)
    {
        var headers = context.Request.Headers;
        // The doorkeeper let only origins of ours in. Without one it is no page of ours, and a proof needs one.
        if (headers.Origin is not [{ } origin])
        {
            throw new AccountRefusal(AccountError.Malformed, "Name the origin of the gateway.");
        }

        if (headers.ContentType is not [{ } type]
            || !type.Split(';')[0].Trim().Equals("application/json", StringComparison.OrdinalIgnoreCase))
        {
            throw new AccountRefusal(AccountError.Malformed, "The body has to be JSON: application/json");
        }

        var body = await BodyAsync(context, route.MostBytes);
        var caller = new Caller(client.Of(context), context.Features.Get<LocalUser>()?.Id).Counted;
        return new Proof(
            origin, HttpMethods.Post, route.Path, body, headers[ProofHeader] is [{ } text] ? text : null, $"{caller.Address} {caller.User}");
    }

    private async Task<byte[]> BodyAsync(HttpContext context, int mostBytes)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } most)
        {
            most.MaxRequestBodySize = mostBytes; // nothing else here takes a body
        }

        using var limit = new CancellationTokenSource(s_bodyLimit, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        try
        {
            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, ends.Token);
            return body.ToArray();
        }
        catch (BadHttpRequestException e)
        {
            throw new AccountRefusal(AccountError.Malformed, $"A body has at most {mostBytes} bytes, which come at once.", inner: e);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested)
        {
            throw new AccountRefusal(AccountError.Malformed, "The body did not come in time.", inner: e);
        }
        catch (IOException e)
        {
            throw new OperationCanceledException("The browser left.", e, context.RequestAborted);
        }
    }

    private static string? TokenOf(HttpContext context)
        => context.Request.Headers.Authorization is [{ } text] && text.StartsWith(TokenScheme, StringComparison.Ordinal)
            ? text[TokenScheme.Length..] : null;

    private Task RefuseAsync(HttpContext context, AccountRefusal e)
    {
        var (status, code) = Told(e.Error);
        if (e.Wait is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString();
        }

        if (e.Error is AccountError.Malformed)
        {
            context.Response.Headers.Connection = "close"; // its body may not have been read
        }

        return WriteAsync(context, status, JsonSerializer.SerializeToUtf8Bytes(
            new ErrorAnswer(new ErrorBody(code, e.Message)), AccountMessages.Default.ErrorAnswer));
    }

    private Task WriteAsync(HttpContext context, int status, byte[] body)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        response.Headers[NonceHeader] = signIns.Nonce;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static (int Status, string Code) Told(AccountError error) => error switch
    {
        AccountError.Malformed => (StatusCodes.Status400BadRequest, "malformed"),
        AccountError.WrongNameOrPassword => (StatusCodes.Status401Unauthorized, "wrong_name_or_password"),
        AccountError.NotSignedIn => (StatusCodes.Status401Unauthorized, "not_signed_in"),
        AccountError.BadProof => (StatusCodes.Status401Unauthorized, "bad_proof"),
        AccountError.StaleProof => (StatusCodes.Status401Unauthorized, "stale_proof"),
        AccountError.BadLink => (StatusCodes.Status403Forbidden, "bad_link"),
        AccountError.Forbidden => (StatusCodes.Status403Forbidden, "forbidden"),
        AccountError.NotFound => (StatusCodes.Status404NotFound, "not_found"),
        AccountError.NameTaken => (StatusCodes.Status409Conflict, "name_taken"),
        AccountError.WeakPassword => (StatusCodes.Status400BadRequest, "weak_password"),
        AccountError.BadPasskey => (StatusCodes.Status401Unauthorized, "bad_passkey"),
        AccountError.CopiedPasskey => (StatusCodes.Status401Unauthorized, "copied_passkey"),
        AccountError.BadService => (StatusCodes.Status401Unauthorized, "bad_service"),
        AccountError.ServiceTaken => (StatusCodes.Status409Conflict, "service_taken"),
        AccountError.ServiceUnreachable => (StatusCodes.Status503ServiceUnavailable, "service_unreachable"),
        AccountError.LastWayIn => (StatusCodes.Status409Conflict, "last_way_in"),
        AccountError.TooMany => (StatusCodes.Status409Conflict, "too_many"),
        AccountError.TooFast => (StatusCodes.Status429TooManyRequests, "too_fast"),
        AccountError.Unavailable => (StatusCodes.Status503ServiceUnavailable, "unavailable"),
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, null),
    };

    private void LogRefusal(HttpContext context, AccountRoute route, AccountRefusal e)
    {
        var (why, remote) = (e.InnerException?.Message ?? e.Message, client.Of(context));
        if (e.Error is AccountError.Unavailable)
        {
            LogUnavailable(log, route.Path, why);
        }
        else if (e.Error is AccountError.CopiedPasskey)
        {
            LogCopied(log, route.Path, why, remote);
        }
        else if (e.Error is not AccountError.StaleProof)
        {
            LogRefused(log, route.Path, e.Error, remote);
        }
    }

    [LoggerMessage(EventId = 2060, Level = LogLevel.Information, Message = "{Path} for {Name} from {Remote}")]
    private static partial void LogDone(ILogger log, string path, string name, System.Net.IPAddress? remote);

    [LoggerMessage(EventId = 2061, Level = LogLevel.Warning, Message = "Refused {Path} ({Error}) from {Remote}")]
    private static partial void LogRefused(ILogger log, string path, AccountError error, System.Net.IPAddress? remote);

    [LoggerMessage(EventId = 2066, Level = LogLevel.Warning, Message = "Refused {Path}: {Why}, from {Remote}")]
    private static partial void LogCopied(ILogger log, string path, string why, System.Net.IPAddress? remote);

    [LoggerMessage(EventId = 2062, Level = LogLevel.Error, Message = "{Path} could not be answered: {Why}")]
    private static partial void LogUnavailable(ILogger log, string path, string why);
}
