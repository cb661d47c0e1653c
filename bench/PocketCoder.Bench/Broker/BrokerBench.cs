using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PocketCoder.Bench.Results;
using PocketCoder.Broker.Models;

namespace PocketCoder.Bench.Brokers;

/// <summary>
/// What the model broker adds: the same answers straight from an upstream and through a session's Unix socket, in turns, in this process.
/// </summary>
internal static class BrokerBench
{
    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        var deltas = options.Quick ? 100 : 500;
        await using var upstream = await UpstreamAsync(deltas);
        var address = new Uri(upstream.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await using var broker = new ModelBroker(new ModelBrokerOptions
        { Upstreams = [new ModelUpstream(ModelDialect.Anthropic, address, _ => ValueTask.FromResult("key"))] }, TimeProvider.System);
        var socket = Path.Combine(options.Folder, $"b{Guid.CreateVersion7():N}"[..16]);
        await using var endpoint = await broker.OpenAsync(
            new ModelEndpointOptions(Guid.CreateVersion7(), Guid.CreateVersion7(), socket), CancellationToken.None);
        using var direct = new HttpClient { BaseAddress = address };
        using var through = new HttpClient(new SocketsHttpHandler { ConnectCallback = (_, ct) => ConnectAsync(socket, ct) })
        { BaseAddress = new Uri("http://model/anthropic/") };
        await StreamAsync(direct); // the JIT's cost is not the broker's
        await StreamAsync(through);
        for (var run = 0; run < options.Runs; run++)
        {
            var (straight, brokered) = (await StreamAsync(direct), await StreamAsync(through));
            measured.Add(Claims.BrokerDirect, P50(straight));
            measured.Add(Claims.BrokerAdded, P50(brokered) - P50(straight));
            List<double> plain = [], added = [];
            for (var i = 0; i < deltas / 2; i++)
            {
                plain.Add(await RequestAsync(direct));
                added.Add(await RequestAsync(through));
            }

            measured.Add(Claims.BrokerRequest, P50(added) - P50(plain));
        }
    }

    /// <summary>Milliseconds from the upstream's write of each delta until it was read here. One process, so one clock.</summary>
    private static async Task<List<double>> StreamAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "v1/messages")
        { Content = new StringContent("""{"model":"m","stream":true}""", Encoding.UTF8, "application/json") };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var took = new List<double>();
        while (await lines.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                took.Add(Stopwatch.GetElapsedTime(long.Parse(line.AsSpan(6), CultureInfo.InvariantCulture)).TotalMilliseconds);
            }
        }

        return took;
    }

    private static async Task<double> RequestAsync(HttpClient client)
    {
        var start = Stopwatch.GetTimestamp();
        using var response = await client.PostAsync(
            "v1/messages", new StringContent("""{"model":"m"}""", Encoding.UTF8, "application/json"));
        await response.Content.ReadAsByteArrayAsync();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken ct)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private static double P50(List<double> samples) => Measured.Median(samples);

    private static async Task<WebApplication> UpstreamAsync(int deltas)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            if (!(await body.ReadToEndAsync()).Contains("stream", StringComparison.Ordinal))
            {
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync("""{"usage":{"input_tokens":1,"output_tokens":1}}""");
                return;
            }

            context.Response.ContentType = "text/event-stream";
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(2));
            for (var i = 0; i < deltas; i++)
            {
                await pace.WaitForNextTickAsync();
                await context.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"data: {Stopwatch.GetTimestamp()}\n\n"));
                await context.Response.Body.FlushAsync();
            }
        });
        await app.StartAsync();
        return app;
    }
}
