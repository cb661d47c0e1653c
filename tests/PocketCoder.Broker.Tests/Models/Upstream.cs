using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Broker.Tests.Models;

/// <summary>A provider that answers what a test tells it to and keeps what it was asked.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Upstream(WebApplication app) => _app = app;

    public ConcurrentQueue<(string Target, Dictionary<string, string> Headers, string Body)> Requests { get; } = new();

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<Upstream> StartAsync(Func<HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var upstream = new Upstream(builder.Build());
        upstream._app.Run(async context =>
        {
            context.Request.EnableBuffering(); // the answer may depend on it
            using var reader = new StreamReader(context.Request.Body, leaveOpen: true);
            var body = await reader.ReadToEndAsync();
            upstream.Requests.Enqueue((context.Request.Path + context.Request.QueryString,
                context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body));
            await answer(context);
        });
        await upstream._app.StartAsync();
        return upstream;
    }

    public static Func<HttpContext, Task> Json(string json, int status = 200) => async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json);
    };

    public static Func<HttpContext, Task> Events(params string[] data) => async context =>
    {
        context.Response.ContentType = "text/event-stream";
        foreach (var piece in data)
        {
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"data: {piece}\n\n"));
            await context.Response.Body.FlushAsync();
        }
    };

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
