using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PocketCoder.Feishu;

namespace PocketCoder.Testing.Feishu;

/// <summary>A request that arrived: without the query and the token.</summary>
public sealed record FakeRequest(string Method, string Path, string Query, JsonObject? Body);

/// <summary>What a message holds now, and held before.</summary>
public sealed class FakeMessage(string id, string receiver, string kind, string content, string? parent, string? thread = null)
{
    private volatile string? _thread = thread;

    public string Id { get; } = id;

    public string Receiver { get; } = receiver;

    public string Kind { get; } = kind;

    public string? Parent { get; } = parent;

    /// <summary>The thread that it is in, or began; null: none.</summary>
    public string? Thread => _thread;

    /// <summary>The first one as it was sent, then each replacement.</summary>
    public ConcurrentQueue<string> Versions { get; } = new([content]);

    public string Content => Versions.Last();

    /// <summary>The thread that an answer to it is in: an answer in a thread begins one.</summary>
    internal string? ThreadOf(bool begins, Func<string> make) => _thread ??= begins ? make() : null;
}

/// <summary>A card of CardKit.</summary>
public sealed class FakeCard(string data)
{
    public string Data { get; set; } = data;

    public long Sequence { get; set; }

    public bool Sent { get; set; }

    /// <summary>By element, its whole text.</summary>
    public ConcurrentDictionary<string, string> Elements { get; } = new(StringComparer.Ordinal);

    public ConcurrentQueue<string> Settings { get; } = new();
}

/// <summary>An answer in the place of what the server would do.</summary>
/// <param name="Hangs">It answers nothing until the client gives up.</param>
/// <param name="Does">What was asked is done all the same: the answer is lost, not the request.</param>
public sealed record FakeFault(
    int Status = 200, string Body = "{}", bool Hangs = false, bool Does = false, params (string Name, string Value)[] Headers);

/// <summary>
/// The part of the platform that the transport uses, on a free port of this computer: tokens, messages, chats, CardKit, cards, files,
/// discovery
/// and the long connection. It checks what the real one is known to check. The official SDK talks to it in <c>SdkTests</c>. Thread-safe.
/// </summary>
public sealed class FakeFeishu : IAsyncDisposable
{
    public const string AppId = "cli_a1b2c3d4e5f60718";
    public const string AppSecret = "s3cret-of-the-app";
    public const string BotOpenId = "ou_bot";
    private const int LongestCard = 30 * 1024;

    private readonly ConcurrentDictionary<FakeHold, bool> _holds = new();
    private readonly ConcurrentQueue<FakeRequest> _requests = new();
    private readonly ConcurrentDictionary<string, bool> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _byUuid = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(string Path, FakeFault Fault)> _faults = new();
    private readonly Lock _gate = new(); // guards the sequences of cards, and faults while one is looked for
    private WebApplication? _app; // null: it is down
    private int _ids;
    private int _hung;

    private FakeFeishu(TimeProvider time) => Connections = new FakeLongConnections(time, this);

    /// <summary>The same while it is down and when it is up again.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1:0");

    public FeishuApp App => new(AppId, AppSecret, Address);

    public FakeLongConnections Connections { get; }

    public IReadOnlyList<FakeRequest> Requests => [.. _requests];

    /// <summary>How many requests got no answer yet, or never did.</summary>
    public int Hung => Volatile.Read(ref _hung);

    public ConcurrentDictionary<string, FakeMessage> Messages { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<string, FakeCard> Cards { get; } = new(StringComparer.Ordinal);

    public ConcurrentDictionary<string, IReadOnlyList<string>> Chats { get; } = new(StringComparer.Ordinal);

    /// <summary>Tokens of cards that were used, and how often each was used since.</summary>
    public ConcurrentDictionary<string, int> CardTokens { get; } = new(StringComparer.Ordinal);

    /// <summary>Groups in which every message belongs to a topic.</summary>
    public ConcurrentDictionary<string, bool> Topics { get; } = new(StringComparer.Ordinal);

    /// <summary>By file key.</summary>
    public ConcurrentDictionary<string, byte[]> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>In seconds.</summary>
    public int TokenLife { get; set; } = 7200;

    /// <summary>How many are on a page of a list.</summary>
    public int PageSize { get; set; } = 2;

    /// <param name="time">For the three seconds that a callback has.</param>
    public static async Task<FakeFeishu> StartAsync(TimeProvider? time = null)
    {
        var fake = new FakeFeishu(time ?? TimeProvider.System);
        await fake.UpAsync();
        return fake;
    }

    /// <summary>It is gone as a server whose machine is off: connections end in the middle, and nobody listens any more.</summary>
    public async Task DownAsync()
    {
        if (Interlocked.Exchange(ref _app, null) is { } app)
        {
            await Connections.DropAsync(goodbye: false);
            using var soon = new CancellationTokenSource();
            await soon.CancelAsync();
            await app.StopAsync(soon.Token);
            await app.DisposeAsync();
        }
    }

    /// <summary>It listens where it did before, and knows what it knew.</summary>
    public async Task UpAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, Address.Port));
        var app = builder.Build();
        app.UseWebSockets();
        app.Run(ServeAsync);
        await app.StartAsync();
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        _app = app;
    }

    /// <summary>Requests of this kind wait, undone, until the hold is disposed of.</summary>
    /// <param name="path">Whole.</param>
    public FakeHold Hold(string method, string path)
    {
        var hold = new FakeHold(method, path, h => _holds.TryRemove(h, out _));
        _holds[hold] = true;
        return hold;
    }

    /// <summary>The next request whose path begins so gets this in the place of its answer.</summary>
    public void Next(string path, FakeFault fault) => _faults.Enqueue((path, fault));

    /// <summary>The next request is refused with a code.</summary>
    public void NextCode(string path, long code, int status = 200, params (string Name, string Value)[] headers)
        => Next(path, new FakeFault(status, $$"""{"code":{{code}},"msg":"as the test wishes"}""", Headers: headers));

    public void RevokeTokens() => _tokens.Clear();

    public int Count(string method, string path)
        => _requests.Count(r => r.Method == method && r.Path.StartsWith(path, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await Connections.DisposeAsync();
        await DownAsync();
    }

    internal string NewId(string prefix) => $"{prefix}_{Interlocked.Increment(ref _ids)}";

    internal FakeFault? FaultFor(string path)
    {
        lock (_gate)
        {
            for (var i = _faults.Count; i > 0 && _faults.TryDequeue(out var next); i--)
            {
                if (path.StartsWith(next.Path, StringComparison.Ordinal))
                {
                    return next.Fault;
                }

                _faults.Enqueue(next);
            }

            return null;
        }
    }

    private async Task ServeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (path == FakeLongConnections.Path)
        {
            await Connections.ServeAsync(context);
            return;
        }

        using var bytes = new MemoryStream();
        await context.Request.Body.CopyToAsync(bytes, context.RequestAborted);
        var body = bytes.Length == 0 ? null : JsonNode.Parse(Encoding.UTF8.GetString(bytes.ToArray())) as JsonObject;
        _requests.Enqueue(new FakeRequest(context.Request.Method, path, context.Request.QueryString.Value ?? "", body));
        context.Response.Headers["x-tt-logid"] = NewId("log");
        foreach (var hold in _holds.Keys.Where(h => h.Fits(context.Request.Method, path)))
        {
            if (!await hold.WaitAsync(context.RequestAborted))
            {
                return; // who asked is gone
            }
        }

        var fault = FaultFor(path);
        if (fault is { Does: true })
        {
            await AnswerAsync(context, path, body, silent: true);
        }

        if (fault is { Hangs: true })
        {
            Interlocked.Increment(ref _hung);
            await Wait.ForeverAsync(context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        if (fault is not null)
        {
            foreach (var (name, value) in fault.Headers)
            {
                context.Response.Headers[name] = value;
            }

            await WriteAsync(context, fault.Status, fault.Body);
            return;
        }

        await AnswerAsync(context, path, body, silent: false);
    }

    private async Task AnswerAsync(HttpContext context, string path, JsonObject? body, bool silent)
    {
        if (path.Contains("/resources/", StringComparison.Ordinal) && IsAllowed(context)
            && Files.TryGetValue(path[(path.LastIndexOf('/') + 1)..], out var file))
        {
            context.Response.ContentType = "application/octet-stream";
            await context.Response.Body.WriteAsync(file, context.RequestAborted);
            return;
        }

        JsonObject answer;
        try
        {
            answer = Answer(context, path, body);
        }
        catch (FakeRefusal e)
        {
            answer = new JsonObject { ["code"] = e.Code, ["msg"] = e.Message };
        }

        if (!silent)
        {
            answer.TryAdd("code", 0);
            answer.TryAdd("msg", "ok");
            await WriteAsync(context, 200, answer.ToJsonString());
        }
    }

    private static async Task WriteAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.WriteAsync(body, context.RequestAborted);
    }

    private JsonObject Answer(HttpContext context, string path, JsonObject? body)
    {
        switch (path)
        {
            case "/open-apis/auth/v3/tenant_access_token/internal":
                return Credentials(body, "app_id", "app_secret")
                    ? new JsonObject { ["tenant_access_token"] = NewToken(), ["expire"] = TokenLife }
                    : throw new FakeRefusal(10014, "app secret invalid");
            case "/callback/ws/endpoint":
                return Credentials(body, "AppID", "AppSecret")
                    ? new JsonObject { ["data"] = Connections.Discovered(Address) }
                    : throw new FakeRefusal(1000040344, "no credential");
        }

        if (!IsAllowed(context))
        {
            throw new FakeRefusal(99991663, "Invalid access token for authorization.");
        }

        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries)[1..];
        var data = (context.Request.Method, parts) switch
        {
            ("POST", ["im", "v1", "messages"]) => Send(Text(body, "receive_id"), body!, null),
            ("POST", ["im", "v1", "messages", var id, "reply"]) => Send(Known(id).Receiver, body!, id),
            ("PATCH", ["im", "v1", "messages", var id]) => Replace(id, Text(body, "content")),
            ("POST", ["im", "v1", "chats"]) => NewChat(context, body!),
            ("GET", ["im", "v1", "chats", var id, "members"]) => Members(id, context.Request.Query["page_token"]),
            ("POST", ["im", "v1", "chats", var id, "members"]) => Join(id, body!),
            ("POST", ["cardkit", "v1", "cards"]) => NewCard(body!),
            ("PUT", ["cardkit", "v1", "cards", var id, "elements", var element, "content"]) =>
                OnCard(id, body!, c => c.Elements[element] = Text(body, "content")),
            ("PATCH", ["cardkit", "v1", "cards", var id, "settings"]) => OnCard(id, body!, c => c.Settings.Enqueue(Text(body, "settings"))),
            ("PUT", ["cardkit", "v1", "cards", var id]) => OnCard(id, body!, c => c.Data = Checked(Text(body!["card"] as JsonObject, "data"))),
            ("POST", ["interactive", "v1", "card", "update"]) => UpdateUsed(Text(body, "token"), body!["card"]),
            ("GET", ["bot", "v3", "info"]) => null,
            _ => throw new FakeRefusal(230001, $"nothing is there: {context.Request.Method} {path}"),
        };
        return data is null
            ? new JsonObject { ["bot"] = new JsonObject { ["open_id"] = BotOpenId, ["app_name"] = "PocketCoder" } }
            : new JsonObject { ["data"] = data };
    }

    private static bool Credentials(JsonObject? body, string id, string secret)
        => (string?)body?[id] == AppId && (string?)body?[secret] == AppSecret;

    private string NewToken()
    {
        var token = NewId("t-token");
        _tokens[token] = true;
        return token;
    }

    private bool IsAllowed(HttpContext context)
        => context.Request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.Ordinal)
        && _tokens.ContainsKey(header["Bearer ".Length..]);

    private static string Text(JsonObject? body, string name)
        => body?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? (string)value! : throw new FakeRefusal(230001, $"{name} is missing");

    private FakeMessage Known(string id) => Messages.TryGetValue(id, out var message) ? message : throw new FakeRefusal(230011, "no such message");

    private JsonObject Send(string receiver, JsonObject body, string? parent)
    {
        var (kind, content) = (Text(body, "msg_type"), Text(body, "content"));
        var id = Once((string?)body["uuid"], () =>
        {
            Check(kind, content);
            var begins = (bool?)body["reply_in_thread"] == true;
            var thread = parent is not null ? Known(parent).ThreadOf(begins, () => NewId("omt"))
                : Topics.ContainsKey(receiver) ? NewId("omt") : null;
            var made = new FakeMessage(NewId("om"), receiver, kind, content, parent, thread);
            Messages[made.Id] = made;
            return made.Id;
        });
        var answer = new JsonObject { ["message_id"] = id, ["chat_id"] = receiver, ["msg_type"] = kind };
        if (parent is not null)
        {
            (answer["parent_id"], answer["root_id"]) = (parent, parent);
        }

        if (Known(id).Thread is { } its)
        {
            answer["thread_id"] = its;
        }

        return answer;
    }

    private void Check(string kind, string content)
    {
        JsonObject? parsed;
        try
        {
            parsed = JsonNode.Parse(content) as JsonObject;
        }
        catch (JsonException)
        {
            throw new FakeRefusal(230001, "content is no JSON");
        }

        if (kind == "interactive" && Encoding.UTF8.GetByteCount(content) > LongestCard)
        {
            throw new FakeRefusal(230025, "the length of the message content reaches its limit");
        }

        if (kind == "interactive" && (string?)parsed?["type"] == "card")
        {
            var card = Cards.GetValueOrDefault((string?)parsed["data"]?["card_id"] ?? "");
            if (card is null || card.Sent)
            {
                throw new FakeRefusal(230099, "the card is not there or was sent before");
            }

            card.Sent = true;
        }
        else if (kind == "interactive")
        {
            CheckCard(content);
        }
    }

    private static string Checked(string card)
    {
        CheckCard(card);
        return card;
    }

    private static void CheckCard(string card)
    {
        if (CardValidator.Faults(card) is [var fault, ..])
        {
            throw new FakeRefusal(CardValidator.Refused, $"Failed to create card content, ext={fault}");
        }
    }

    private string Once(string? uuid, Func<string> make)
    {
        lock (_gate)
        {
            return uuid is null ? make() : _byUuid.TryGetValue(uuid, out var made) ? made : _byUuid[uuid] = make();
        }
    }

    private JsonObject Replace(string id, string content)
    {
        var message = Known(id);
        Check("interactive", content);
        var can = message.Kind == "interactive" && Updatable(message.Content) && Updatable(content);
        message.Versions.Enqueue(can ? content : throw new FakeRefusal(230099, "update_multi must be true before and after"));
        return [];
    }

    private static bool Updatable(string card) => (bool?)JsonNode.Parse(card)?["config"]?["update_multi"] == true;

    private JsonObject NewChat(HttpContext context, JsonObject body)
    {
        var owner = Text(body, "owner_id");
        var id = Once(context.Request.Query["uuid"], () =>
        {
            var made = NewId("oc");
            Chats[made] = [owner];
            return made;
        });
        return new JsonObject { ["chat_id"] = id, ["name"] = Text(body, "name") };
    }

    private JsonObject Join(string id, JsonObject body)
    {
        var all = Chats.GetValueOrDefault(id) ?? throw new FakeRefusal(232006, "no such chat");
        Chats[id] = [.. all.Union(body["id_list"]!.AsArray().Select(m => (string)m!), StringComparer.Ordinal)];
        return [];
    }

    private JsonObject Members(string id, string? page)
    {
        var all = Chats.GetValueOrDefault(id) ?? throw new FakeRefusal(232006, "no such chat");
        var from = page is null ? 0 : int.Parse(page["page_".Length..]);
        var next = from + PageSize;
        var items = all.Skip(from).Take(PageSize)
            .Select(m => (JsonNode)new JsonObject { ["member_id"] = m, ["member_id_type"] = "open_id", ["name"] = $"Name of {m}", ["tenant_key"] = "tenant" });
        return new JsonObject { ["items"] = new JsonArray([.. items]), ["has_more"] = next < all.Count, ["page_token"] = next < all.Count ? $"page_{next}" : "" };
    }

    private JsonObject NewCard(JsonObject body)
    {
        CheckCard(Text(body, "data"));
        var id = NewId("7400");
        Cards[id] = new FakeCard(Text(body, "data"));
        return new JsonObject { ["card_id"] = id };
    }

    private JsonObject OnCard(string id, JsonObject body, Action<FakeCard> change)
    {
        var card = Cards.GetValueOrDefault(id) ?? throw new FakeRefusal(300309, "no such card");
        lock (_gate)
        {
            if ((string?)body["uuid"] is { } uuid && !_byUuid.TryAdd(uuid, id))
            {
                return []; // done already
            }

            if ((long?)body["sequence"] is not { } sequence || sequence <= card.Sequence)
            {
                throw new FakeRefusal(300317, "the sequence must grow");
            }

            card.Sequence = sequence;
            change(card);
        }

        return [];
    }

    private JsonObject UpdateUsed(string token, JsonNode? card)
    {
        const int Uses = 2;
        if (card is not JsonObject || !CardTokens.TryGetValue(token, out var used) || used >= Uses)
        {
            throw new FakeRefusal(11243, "the token is not known, used up, or its callback was not answered yet");
        }

        CheckCard(card.ToJsonString());
        CardTokens[token] = used + 1;
        return [];
    }

    private sealed class FakeRefusal(long code, string message) : Exception(message)
    {
        public long Code { get; } = code;
    }
}
