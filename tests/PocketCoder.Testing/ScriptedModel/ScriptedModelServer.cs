using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Testing.ScriptedModel;

/// <summary>
/// A model provider on a free loopback port that does what the prompt says (<see cref="Script"/>), for real agent programs under test. The
/// script knows no dialect; each dialect is a class of its own that maps its routes.
/// </summary>
public sealed class ScriptedModelServer : IAsyncDisposable
{
    /// <summary>
    /// What a test asks of every port of this machine, to see that no OpenCode server listens there. A model may be one of them, also that
    /// of another test, so it is not unexpected; no agent asks a model for it.
    /// </summary>
    public const string OpenCodeProbe = "/session";

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ModelRequest> _requests = new();
    private readonly ConcurrentQueue<string> _others = new();
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);

    private ScriptedModelServer(WebApplication app) => _app = app;

    /// <summary>Where it listens: <c>http://127.0.0.1:port</c>.</summary>
    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>All model requests so far, in order.</summary>
    public IReadOnlyList<ModelRequest> Requests => [.. _requests];

    /// <summary>What a prompt in plain words stands for: words → script. For stories and pictures that should read like life.</summary>
    public ConcurrentDictionary<string, string> Scripts { get; } = new(StringComparer.Ordinal);

    /// <summary>Method and path of requests nobody expected; empty in a good test.</summary>
    public IReadOnlyList<string> Unexpected => [.. _others];

    /// <summary>Awaited before a stream breaks, after its last piece was sent: lets a test break it once that piece was seen.</summary>
    public Func<Task> Breaking { get; set; } = static () => Task.CompletedTask;

    public static async Task<ScriptedModelServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0);
            k.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
        });
        var built = builder.Build();
        var server = new ScriptedModelServer(built);
        AnthropicDialect.Map(built, server);
        ResponsesDialect.Map(built, server);
        GeminiDialect.Map(built, server);
        ChatDialect.Map(built, server);
        built.MapGet(OpenCodeProbe, () => Results.NotFound());
        built.MapFallback((HttpContext context) =>
        {
            server._others.Enqueue($"{context.Request.Method} {context.Request.Path}");
            return Results.NotFound();
        });
        await built.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    internal void Record(ModelRequest request) => _requests.Enqueue(request);

    internal async Task BreakAsync(HttpContext context, BreakKind kind, Func<Task> writeMalformed)
    {
        await Breaking();
        switch (kind)
        {
            case BreakKind.Malformed:
                await writeMalformed();
                break;
            case BreakKind.Hung:
                await Wait.ForeverAsync(context.RequestAborted);
                break;
            default:
                context.Abort();
                break;
        }
    }

    /// <summary>The round of the script this request is for: by the tool calls made since the prompt.</summary>
    internal IReadOnlyList<ScriptStep> Round(string prompt, int callsMade, string? lastResult)
    {
        var rounds = Script.Rounds(Scripts.GetValueOrDefault(prompt, prompt));
        if (callsMade >= rounds.Count || (callsMade == rounds.Count - 1 && rounds[callsMade].Count == 0))
        {
            return [new ScriptStep.Say(["Done. ", "Last tool result: ", lastResult ?? ""])];
        }

        return rounds[callsMade];
    }

    /// <summary>Whether a failing step fails this time too.</summary>
    internal bool FailsNow(string prompt, ScriptStep.Fail fail)
        => fail.Times == 0 || _failures.AddOrUpdate($"{fail.Status} {prompt}", 1, (_, n) => n + 1) <= fail.Times;
}
