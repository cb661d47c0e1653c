using System.Buffers;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace PocketCoder.Broker.Models;

/// <summary>One session's requests: checked, given the key, passed on and counted. Logs nothing: bodies are prompts.</summary>
internal sealed class ModelRequestHandler(ModelBroker broker, ModelEndpointOptions session, string? token)
{
    // Credentials, identities, and what belongs between neighbours only.
    private static readonly HashSet<string> s_dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "Authorization", "x-api-key", "api-key", "x-goog-api-key", "x-goog-user-project", "Proxy-Authorization", "Cookie", "Set-Cookie", "chatgpt-account-id", "openai-organization", "openai-project", "x-amz-security-token",
        "Host", "Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "TE", "Trailer", "Upgrade", "Expect", "Forwarded", "Via", "X-Real-IP", "Origin", "Referer", "Accept-Encoding", "Alt-Svc",
    };

    private static readonly HashSet<string> s_credentials = new(StringComparer.OrdinalIgnoreCase) { "Authorization", "x-api-key", "api-key", "x-goog-api-key", "chatgpt-account-id", "openai-organization", "openai-project" };

    private static readonly HashSet<string> s_droppedQuery = new(StringComparer.OrdinalIgnoreCase) { "key", "access_token", "api_key", "api-key", "token", "oauth_token" };

    private const int UsualAnswer = 2_000;

    private int _running;

    public async Task HandleAsync(HttpContext context)
    {
        var dialect = ModelDialect.Anthropic;
        try
        {
            var (path, hasToken) = SplitToken(Target(context.Request));
            (dialect, path) = SplitDialect(path);
            if (token is not null && !hasToken && !CarriesToken(context.Request))
            {
                await RefuseAsync(context, dialect, Refusal.NoToken, "this endpoint belongs to a session, and the request does not carry its token");
                return;
            }

            await ServeCountedAsync(context, dialect, path);
        }
        catch (RefusedException e)
        {
            await RefuseAsync(context, dialect, e.Refusal, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            await RefuseAsync(context, dialect, e.StatusCode == StatusCodes.Status413PayloadTooLarge ? Refusal.TooLarge : Refusal.NotAllowed, "the request could not be read");
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested)
        {
            context.Abort(); // the agent went away
        }
    }

    private async Task ServeCountedAsync(HttpContext context, ModelDialect dialect, string path)
    {
        try
        {
            if (Interlocked.Increment(ref _running) > broker.Options.MaxConcurrent)
            {
                throw new RefusedException(Refusal.TooMany, "too many requests at one time in this session");
            }

            await ServeAsync(context, dialect, path);
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task ServeAsync(HttpContext context, ModelDialect dialect, string path)
    {
        var ct = context.RequestAborted;
        var method = context.Request.Method;
        if (context.Request.Headers.Origin.Count > 0 || !dialect.Allows(method, path))
        {
            throw new RefusedException(Refusal.NotAllowed, $"{method} {dialect.Prefix()}{path} is not among the calls that an agent may make");
        }

        var upstream = (session.Upstreams ?? broker.Options.Upstreams).FirstOrDefault(u => u.Dialect == dialect)
            ?? throw new RefusedException(Refusal.NoUpstream, $"no provider is set up for {dialect.Prefix()[1..]}");
        if (path is "" or "/")
        {
            return; // Claude Code looks whether somebody is there; nobody else needs to know
        }

        var body = method == "POST" ? await ReadBodyAsync(context.Request, ct) : [];
        var asked = method == "POST" ? Look(dialect, body, path) : default;
        if (asked.ProviderTool is { } tool && !upstream.AllowProviderTools)
        {
            throw new RefusedException(Refusal.ProviderTools, $"the request asks the provider to use '{tool}', which would reach the network past the sandbox");
        }

        if (method == "POST" && session.Models.Count > 0 && !session.Models.Any(m => asked.Model.StartsWith(m, StringComparison.Ordinal)))
        {
            throw new RefusedException(Refusal.ModelNotAllowed, $"the model '{asked.Model}' is not allowed in this session");
        }

        var counts = dialect.Generates(method, path);
        using var reservation = counts ? await ReserveAsync(asked.Model ?? "", body.Length, ct) : null;
        using var request = await ToUpstreamAsync(context.Request, upstream, dialect, path, body, ct);
        await ForwardAsync(context, upstream, request, body.Length, asked.Model ?? "", counts, ct);
    }

    private async Task ForwardAsync(HttpContext context, ModelUpstream upstream, HttpRequestMessage request, int requestBytes, string model, bool counts, CancellationToken ct)
    {
        HttpResponseMessage response;
        try
        {
            response = await broker.SendAsync(request, ct);
        }
        catch (HttpRequestException)
        {
            throw new RefusedException(Refusal.Unreachable, "the model provider cannot be reached from this machine");
        }

        using (response)
        {
            var status = (int)response.StatusCode;
            if (status is >= 300 and < 400)
            {
                throw new RefusedException(Refusal.Unreachable, "the model provider answered with a redirect, which is not followed");
            }

            var events = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
            var tap = new UsageTap(upstream.Dialect, events);
            var readable = response.Content.Headers.ContentEncoding.Count == 0;
            CopyHead(response, context.Response);
            long bytes = 0;
            var complete = false;
            try
            {
                context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
                await context.Response.StartAsync(ct);
                bytes = await CopyAsync(response, context.Response, readable ? tap : null, n => bytes = n, ct);
                complete = true;
            }
            catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
            {
                context.Abort(); // a cut stream stays a cut stream
            }
            finally
            {
                tap.End();
                if (counts && (status is >= 200 and < 300))
                {
                    Count(upstream, tap, model, status, requestBytes, bytes, complete);
                }
            }
        }
    }

    private async Task<long> CopyAsync(HttpResponseMessage response, HttpResponse to, UsageTap? tap, Action<long> progress, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using var timer = broker.Time.CreateTimer(static s => ((CancellationTokenSource)s!).Cancel(), idle, broker.Options.IdleLimit, Timeout.InfiniteTimeSpan);
        try
        {
            await using var from = await response.Content.ReadAsStreamAsync(ct);
            long total = 0;
            while (await from.ReadAsync(buffer, idle.Token) is var read and > 0)
            {
                timer.Change(broker.Options.IdleLimit, Timeout.InfiniteTimeSpan);
                await to.Body.WriteAsync(buffer.AsMemory(0, read), ct);
                await to.Body.FlushAsync(ct);
                tap?.Feed(buffer.AsSpan(0, read));
                progress(total += read);
            }

            return total;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    private void Count(ModelUpstream upstream, UsageTap tap, string asked, int status, int requestBytes, long responseBytes, bool complete)
    {
        // Four bytes a token is less than text has; the answer's framing makes the estimate higher still. Better too much than free.
        var tokens = tap.Tokens;
        if (!tap.IsCounted)
        {
            tokens = tokens with { Input = tap.HasInput ? tokens.Input : requestBytes / 4, Output = Math.Max(tokens.Output, responseBytes / 4) };
        }

        var model = tap.Model.Length > 0 ? tap.Model : asked;
        broker.Record(new ModelUsage(
            session.SessionId, session.ProjectId, upstream.Dialect, model, status, tokens, broker.Options.Prices.Cost(model, tokens) ?? broker.Options.Prices.Cost(asked, tokens), tap.IsCounted, complete, upstream.PassThrough, broker.Time.GetUtcNow()));
    }

    /// <summary>
    /// Looks whether all budgets have room, and takes room for this request before it goes out. Where what is already under way could fill the rest of
    /// a budget, it waits for that: so near the limit requests go one after the other, and a budget is overshot by one request at most.
    /// </summary>
    private async Task<IDisposable?> ReserveAsync(string model, int requestBytes, CancellationToken ct)
    {
        var budgets = broker.Options.BudgetsOf?.Invoke(session.SessionId, session.ProjectId) ?? broker.Options.Budgets;
        if (budgets.Count == 0)
        {
            return null;
        }

        // What an answer of usual length costs; a longer one is the overshoot that is left.
        var tokens = new TokenCount(requestBytes / 4, 0, 0, UsualAnswer);
        var size = new ModelSpending(broker.Options.Prices.Cost(model, tokens) ?? 0, tokens.Total, 0, 0);
        var granted = new HashSet<ModelBudget>();
        while (true)
        {
            var (reservation, full, spent, wait) = broker.Spendings.TryReserve(budgets.Where(b => !granted.Contains(b)), b => IsUnpriced(b, model), session.SessionId, session.ProjectId, broker.Time.GetUtcNow(), size);
            if (reservation is not null)
            {
                return reservation;
            }

            if (wait is not null)
            {
                await wait.WaitAsync(ct);
                continue;
            }

            if (full!.Action == BudgetAction.Ask && broker.Options.AskBudget is { } ask && await ask(new BudgetSpent(full, spent, session.SessionId, session.ProjectId) { UnpricedModel = IsUnpriced(full, model) ? model : null }, ct))
            {
                granted.Add(full);
                continue;
            }

            throw new RefusedException(Refusal.BudgetSpent, IsUnpriced(full, model)
                ? $"there is a budget in dollars for this {Scope(full.Scope)} and no price for '{model}'; set a budget in tokens instead, or give the price (docs/models.md)"
                : $"the budget of {full.Words} for this {Scope(full.Scope)} is spent; raise it with 'pocketcoder budget' to go on");
        }

        static string Scope(BudgetScope scope) => scope switch { BudgetScope.Session => "session", BudgetScope.Project => "project", _ => "day" };
    }

    private bool IsUnpriced(ModelBudget budget, string model) => budget.Dollars is not null && !broker.Options.Prices.Knows(model);

    private async Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken ct)
    {
        if (request.ContentLength > broker.Options.MaxRequestBytes)
        {
            throw new RefusedException(Refusal.TooLarge, $"the request is larger than {broker.Options.MaxRequestBytes} bytes");
        }

        if (request.Headers.ContentEncoding.Count > 0)
        {
            throw new RefusedException(Refusal.NotAllowed, "a compressed request cannot be checked"); // nor would its model and tools be known
        }

        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        await request.Body.CopyToAsync(body, ct);
        return body.Length == body.GetBuffer().Length ? body.GetBuffer() : body.ToArray();
    }

    private static RequestBody Look(ModelDialect dialect, byte[] body, string path)
    {
        try
        {
            return RequestBody.Read(dialect, body, path);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RefusedException(Refusal.NotAllowed, "the request's body is not JSON of the kind that was expected");
        }
    }

    private static async Task<HttpRequestMessage> ToUpstreamAsync(HttpRequest request, ModelUpstream upstream, ModelDialect dialect, string path, byte[] body, CancellationToken ct)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), upstream.BaseUrl.ToString().TrimEnd('/') + path + Query(request.QueryString.Value)) { Version = HttpVersion.Version11 };
        if (request.Method == "POST")
        {
            message.Content = new ByteArrayContent(body);
        }

        var nominated = request.Headers.Connection.SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries)).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in request.Headers)
        {
            var keeps = upstream.PassThrough && s_credentials.Contains(name);
            if ((s_dropped.Contains(name) && !keeps) || nominated.Contains(name) || name.StartsWith("X-Forwarded", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (!message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        if (!upstream.PassThrough)
        {
            var key = upstream.Key is { } give ? await give(ct) : "";
            if (key.Length == 0)
            {
                message.Dispose();
                throw new RefusedException(Refusal.NoKey, $"there is no key for {dialect.Prefix()[1..]}; set one with 'pocketcoder secrets'");
            }

            var (header, value) = upstream.Bearer ? ("Authorization", $"Bearer {key}") : dialect.Credential(key);
            message.Headers.TryAddWithoutValidation(header, value);
        }

        return message;
    }

    private static void CopyHead(HttpResponseMessage from, HttpResponse to)
    {
        to.StatusCode = (int)from.StatusCode;
        foreach (var (name, values) in from.Headers.Concat(from.Content.Headers))
        {
            if (!s_dropped.Contains(name) || name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                to.Headers[name] = values.ToArray();
            }
        }
    }

    private static string Query(string? query)
    {
        if (string.IsNullOrEmpty(query))
        {
            return "";
        }

        var kept = string.Join('&', query[1..].Split('&').Where(p => !s_droppedQuery.Contains(Uri.UnescapeDataString(p.Split('=', 2)[0].Replace('+', ' ')))));
        return kept.Length == 0 ? "" : "?" + kept;
    }

    /// <summary>The path as it was sent. What would have to be decoded first is refused: two readings.</summary>
    private static string Target(HttpRequest request)
    {
        var raw = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var path = raw.Split('?', 2)[0];
        return path.StartsWith('/') && !path.Contains("//", StringComparison.Ordinal) && !path.Contains("..", StringComparison.Ordinal) && !path.AsSpan().ContainsAny("%\\;#")
            ? path
            : throw new RefusedException(Refusal.NotAllowed, "the path is malformed");
    }

    private (string Path, bool HasToken) SplitToken(string path)
    {
        if (token is null || !path.StartsWith("/s/", StringComparison.Ordinal))
        {
            return (path, false);
        }

        var end = path.IndexOf('/', 3);
        return end > 0 && Same(path[3..end]) ? (path[end..], true) : (path, false);
    }

    private static (ModelDialect, string) SplitDialect(string path)
    {
        foreach (var dialect in Enum.GetValues<ModelDialect>())
        {
            var prefix = dialect.Prefix();
            if (path.StartsWith(prefix, StringComparison.Ordinal) && (path.Length == prefix.Length || path[prefix.Length] == '/'))
            {
                return (dialect, path[prefix.Length..]);
            }
        }

        // Claude Code over ANTHROPIC_UNIX_SOCKET keeps the provider's own paths.
        return (ModelDialect.Anthropic, path);
    }

    private bool CarriesToken(HttpRequest request)
        => s_credentials.Any(name => request.Headers[name].Any(v => v is not null && Same(v.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? v[7..] : v)))
            || (request.QueryString.Value ?? "").TrimStart('?').Split('&').Any(p => p.StartsWith("key=", StringComparison.Ordinal) && Same(p[4..]));

    private bool Same(string given) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token!));

    private static async Task RefuseAsync(HttpContext context, ModelDialect dialect, Refusal refusal, string message)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        var body = dialect.Error(refusal, "PocketCoder: " + message);
        context.Response.StatusCode = refusal.Status();
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private sealed class RefusedException(Refusal refusal, string message) : Exception(message)
    {
        public Refusal Refusal { get; } = refusal;
    }
}
