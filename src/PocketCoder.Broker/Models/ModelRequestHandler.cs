using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PocketCoder.Protocol;

namespace PocketCoder.Broker.Models;

/// <summary>One session's requests: checked, given the key, passed on and counted. Logs nothing: bodies are prompts.</summary>
internal sealed class ModelRequestHandler(ModelBroker broker, ModelEndpointOptions session, string? token)
{
    /// <summary>Of an answer: what belongs between neighbours only.</summary>
    private static readonly HashSet<string> s_dropped = new(StringComparer.OrdinalIgnoreCase)
    {
        "Set-Cookie", "Connection", "Proxy-Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "TE", "Trailer", "Upgrade",
        "Via", "Alt-Svc",
    };

    private static readonly HashSet<string> s_credentials = new(StringComparer.OrdinalIgnoreCase)
        { "Authorization", "x-api-key", "api-key", "x-goog-api-key", "chatgpt-account-id", "openai-organization", "openai-project" };

    private const int UsualAnswer = 2_000;

    private int _running;
    private int _forbidden; // answers with 403 since the last one that was an answer

    public async Task HandleAsync(HttpContext context)
    {
        var dialect = ModelDialect.Anthropic;
        try
        {
            var (path, hasToken) = SplitToken(Target(context.Request));
            (dialect, path) = SplitDialect(path);
            if (token is not null && !hasToken && !CarriesToken(context.Request))
            {
                await RefuseAsync(context, dialect, Refusal.NoToken,
                    "this endpoint belongs to a session, and the request does not carry its token");
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
            await RefuseAsync(context, dialect, e.StatusCode == StatusCodes.Status413PayloadTooLarge ? Refusal.TooLarge
                : Refusal.NotAllowed, "the request could not be read");
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
            throw new RefusedException(Refusal.NotAllowed, $"{method} {dialect.Prefix()}{path} is not a call that an agent may make");
        }

        var upstream = (session.Upstreams ?? broker.Options.Upstreams).FirstOrDefault(u => u.Dialect == dialect)
            ?? throw new RefusedException(Refusal.NoUpstream, $"no provider is set up for {dialect.Prefix()[1..]}");
        if (!upstream.IsCurrent())
        {
            throw new RefusedException(
                Refusal.NoUpstream, $"the provider '{upstream.Name}' was changed or removed on this machine; the next prompt takes that up");
        }

        if (path is "" or "/")
        {
            return; // Claude Code looks whether somebody is there; nobody else needs to know
        }

        var body = method == "POST" ? await ReadBodyAsync(context.Request, ct) : [];
        var asked = method == "POST" ? Look(dialect, body, path, upstream.AllowProviderTools) : default;
        if (method == "POST" && !upstream.AllowProviderTools && SearchModels.Has(asked.Model))
        {
            throw new RefusedException(
                Refusal.ProviderTools, "the requested model searches the web by itself, past the sandbox; choose another one");
        }

        if (method == "POST" && session.Models.Count > 0 && !session.Models.Contains(asked.Model, StringComparer.Ordinal))
        {
            throw new RefusedException(
                Refusal.ModelNotAllowed,
                $"the model '{asked.Model}' is none of {upstream.Name ?? "this session"}'s on this machine, and no other provider is asked in its place");
        }

        var counts = dialect.Generates(method, path);
        using var reservation = counts ? await ReserveAsync(upstream, asked, ct) : null;
        using var request = await ToUpstreamAsync(context.Request, upstream, dialect, path, body, ct);
        await ForwardAsync(context, upstream, request, body.Length, asked.Model ?? "", counts, ct);
    }

    private async Task ForwardAsync(HttpContext context, ModelUpstream upstream, HttpRequestMessage request, int requestBytes, string model,
        bool counts, CancellationToken ct)
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

            NoteKey(upstream, status, counts);
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

    /// <summary>Sees whether the provider takes the key. An agent's own login is its own matter: it may renew it and ask again.</summary>
    private void NoteKey(ModelUpstream upstream, int status, bool counts)
    {
        if (!counts || upstream.PassThrough)
        {
            return;
        }

        if (status is >= 200 and < 300)
        {
            Volatile.Write(ref _forbidden, 0);
        }
        else if (status == StatusCodes.Status401Unauthorized
            || (status == StatusCodes.Status403Forbidden && Interlocked.Increment(ref _forbidden) > 1))
        {
            broker.TellRefused(session.SessionId, status);
        }
    }

    private async Task<long> CopyAsync(
        HttpResponseMessage response, HttpResponse to, UsageTap? tap, Action<long> progress, CancellationToken ct)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await using var timer = broker.Time.CreateTimer(
            static s => ((CancellationTokenSource)s!).Cancel(), idle, broker.Options.IdleLimit, Timeout.InfiniteTimeSpan);
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
            tokens = tokens with
            {
                Input = tap.HasInput ? tokens.Input : requestBytes / 4,
                Output = Math.Max(tokens.Output, responseBytes / 4)
            };
        }

        var model = tap.Model.Length > 0 ? tap.Model : asked;
        var prices = PricesOf(upstream);
        broker.Record(new ModelUsage(
            session.SessionId, session.ProjectId, upstream.Dialect, upstream.Counted(model), status, tokens,
            prices.Cost(model, tokens) ?? prices.Cost(asked, tokens), tap.IsCounted, complete, upstream.PassThrough,
            broker.Time.GetUtcNow()));
    }

    /// <summary>
    /// Looks whether all budgets have room, and takes room for this request before it goes out. One that says that it may cost more than
    /// what is left does not go out. Where what is already under way could fill the rest of a budget, it waits for that: so near the limit
    /// requests go one after the other.
    /// </summary>
    private async Task<IDisposable?> ReserveAsync(ModelUpstream upstream, RequestBody asked, CancellationToken ct)
    {
        var budgets = broker.Options.BudgetsOf?.Invoke(session.SessionId, session.ProjectId) ?? broker.Options.Budgets;
        if (budgets.Count == 0)
        {
            return null;
        }

        // A request that names no longest answer takes room for one of usual length; a longer one is the overshoot that is left.
        var model = asked.Model ?? "";
        var prices = PricesOf(upstream);
        var needs = Spending(prices, model, asked.InputTokens, asked.MostOutput ?? 0);
        var size = Spending(prices, model, asked.InputTokens, asked.MostOutput ?? UsualAnswer);
        var granted = new HashSet<ModelBudget>();
        while (true)
        {
            var (reservation, full, spent, wait) = broker.Spendings.TryReserve(
                budgets.Where(b => !granted.Contains(b)), b => IsUnpriced(b, prices, model), session.SessionId, session.ProjectId,
                broker.Time.GetUtcNow(), needs, size);
            if (reservation is not null)
            {
                return reservation;
            }

            if (wait is not null)
            {
                await wait.WaitAsync(ct);
                continue;
            }

            var about = new BudgetSpent(full!, spent, session.SessionId, session.ProjectId)
            {
                UnpricedModel = IsUnpriced(full!, prices, model) ? upstream.Counted(model) : null,
                Needs = full!.IsReachedBy(spent) ? null : needs,
            };
            if (full.Action == BudgetAction.Ask && broker.Options.AskBudget is { } ask && await ask(about, ct))
            {
                granted.Add(full);
                continue;
            }

            throw new RefusedException(Refusal.BudgetSpent, Why(about));
        }
    }

    private static string Why(BudgetSpent about)
    {
        var scope = about.Budget.Scope switch { BudgetScope.Session => "session", BudgetScope.Project => "project", _ => "day" };
        var where = about.Budget.OfDevice ? "in the app or with 'pocketcoder budget'" : "with 'pocketcoder budget'";
        return about switch
        {
            { UnpricedModel: { } model } =>
                $"this {scope} has a budget in dollars, but there is no price for '{model}'; set a budget in tokens instead, or add the price (docs/models.md)",
            { Needs: { } needs } => string.Create(
                CultureInfo.InvariantCulture,
                $"this request may need {needs.Tokens} tokens (${needs.Dollars:0.00}) with the longest answer that it allows, and {about.Spent.Tokens} tokens (${about.Spent.Dollars:0.00}) of the budget of {about.Budget.Words} for this {scope} are used; raise it {where} to go on"),
            _ => $"the budget of {about.Budget.Words} for this {scope} is spent; raise it {where} to continue",
        };
    }

    /// <summary>On the high side: as if all of the prompt was new to the provider's cache.</summary>
    private static ModelSpending Spending(PriceTable prices, string model, long input, long output)
    {
        var plain = prices.Cost(model, new TokenCount(input, 0, 0, output)) ?? 0;
        var cached = prices.Cost(model, new TokenCount(0, 0, input, output)) ?? 0;
        return new ModelSpending(Math.Max(plain, cached), input + output, 0, 0);
    }

    private static bool IsUnpriced(ModelBudget budget, PriceTable prices, string model)
        => budget.Dollars is not null && !prices.Knows(model);

    private PriceTable PricesOf(ModelUpstream upstream) => upstream.Prices ?? broker.Options.Prices;

    private async Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken ct)
    {
        if (request.ContentLength > broker.Options.MaxRequestBytes)
        {
            throw new RefusedException(Refusal.TooLarge, $"the request is larger than {broker.Options.MaxRequestBytes} bytes");
        }

        if (request.Headers.ContentEncoding.Count > 0)
        {
            // nor would its model and tools be known
            throw new RefusedException(Refusal.NotAllowed, "a compressed request cannot be checked");
        }

        using var body = new MemoryStream((int)(request.ContentLength ?? 0));
        await request.Body.CopyToAsync(body, ct);
        return body.Length == body.GetBuffer().Length ? body.GetBuffer() : body.ToArray();
    }

    private static RequestBody Look(ModelDialect dialect, byte[] body, string path, bool providerTools)
    {
        try
        {
            return RequestBody.Read(dialect, body, path, providerTools);
        }
        catch (RequestShapeException e)
        {
            throw new RefusedException(
                Refusal.ProviderTools,
                $"'{e.Path}' in the request is not allowed: it is unknown here, or would make the provider run, fetch or keep something past the sandbox (docs/models.md)");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new RefusedException(Refusal.NotAllowed,
                "the request's body is not JSON with one meaning: not an object, not UTF-8, or with a duplicate member");
        }
    }

    private static async Task<HttpRequestMessage> ToUpstreamAsync(
        HttpRequest request, ModelUpstream upstream, ModelDialect dialect, string path, byte[] body, CancellationToken ct)
    {
        var message = new HttpRequestMessage(
            new HttpMethod(request.Method), upstream.Target(path) + UpstreamHead.Query(dialect, request.QueryString.Value))
        { Version = HttpVersion.Version11 };
        if (request.Method == "POST")
        {
            // Another type or character set than the one it was checked in would be another text.
            message.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        UpstreamHead.Copy(request.Headers, message.Headers);
        if (upstream.PassThrough)
        {
            foreach (var name in s_credentials.Where(request.Headers.ContainsKey))
            {
                message.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)request.Headers[name]);
            }
        }

        if (!upstream.PassThrough)
        {
            var key = upstream.Key is { } give ? await give(ct) : "";
            if (key.Length == 0 && !upstream.KeyOptional)
            {
                message.Dispose();
                throw new RefusedException(
                    Refusal.NoKey, $"there is no key for {dialect.Prefix()[1..]}; set one with 'pocketcoder secrets'");
            }

            if (key.Length > 0)
            {
                var (header, value) = upstream.Credential(key);
                message.Headers.TryAddWithoutValidation(header, value);
            }
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

    /// <summary>The path as it was sent. What would have to be decoded first is refused: two readings.</summary>
    private static string Target(HttpRequest request)
    {
        var raw = request.HttpContext.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var path = raw.Split('?', 2)[0];
        return path.StartsWith('/') && !path.Contains("//", StringComparison.Ordinal) && !path.Contains("..", StringComparison.Ordinal)
            && !path.AsSpan().ContainsAny("%\\;#")
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
        => s_credentials.Any(name => request.Headers[name].Any(
            v => v is not null && Same(v.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? v[7..] : v)))
            || (request.QueryString.Value ?? "").TrimStart('?').Split('&')
                .Any(p => p.StartsWith("key=", StringComparison.Ordinal) && Same(p[4..]));

    private bool Same(string given)
        => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(token!));

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
