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
/// A model provider on a free loopback port that does what the prompt says (<see cref="Script"/>), for real agent programs under test. The script knows no
/// dialect; each dialect is a class of its own that maps its routes.
/// </summary>
public sealed class ScriptedModelServer : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentQueue<ModelRequest> requests = new();
    private readonly ConcurrentQueue<string> others = new();
    private readonly ConcurrentDictionary<string, int> failures = new(StringComparer.Ordinal);

    private ScriptedModelServer(WebApplication app) => this.app = app;

    /// <summary>Where it listens: <c>http://127.0.0.1:port</c>.</summary>
    public string Address => app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

    /// <summary>All model requests so far, in order.</summary>
    public IReadOnlyList<ModelRequest> Requests => [.. requests];

    /// <summary>What a prompt in plain words stands for: words → script. For stories and pictures that should read like life.</summary>
    public ConcurrentDictionary<string, string> Scripts { get; } = new(StringComparer.Ordinal);

    /// <summary>Method and path of requests nobody expected; empty in a good test.</summary>
    public IReadOnlyList<string> Unexpected => [.. others];

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
        built.MapFallback((HttpContext context) =>
        {
            server.others.Enqueue($"{context.Request.Method} {context.Request.Path}");
            return Results.NotFound();
        });
        await built.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    internal void Record(ModelRequest request) => requests.Enqueue(request);

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
        => fail.Times == 0 || failures.AddOrUpdate($"{fail.Status} {prompt}", 1, (_, n) => n + 1) <= fail.Times;
}
