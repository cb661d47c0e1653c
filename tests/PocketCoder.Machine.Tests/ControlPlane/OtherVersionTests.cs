using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests.ControlPlane;

/// <summary>A command line and a daemon of different versions: each says what to do, and the daemon can be stopped.</summary>
public sealed class OtherVersionTests : IAsyncLifetime
{
    private readonly Home _home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync() => await HomeRemains.ClearAsync(_home.Sandboxes, _home.Root, _home.AgentFiles, _home.Attached);

    [Theory]
    [InlineData("0.0.1", "0.0.1")]
    [InlineData(null, "another version")]
    public async Task A_daemon_that_does_not_know_a_verb_is_named_with_what_to_do_and_can_be_stopped(string? version, string told)
    {
        var stopped = "";
        await using var old = Old(version, reason => stopped = reason);
        await old.StartAsync(TestContext.Current.CancellationToken);
        using var client = new ControlClient(_home);

        var refused = await Assert.ThrowsAsync<ControlException>(() => client.StatusAsync(CancellationToken.None)).WaitAsync(Wait.Limit);
        await client.StopAsync("an upgrade", CancellationToken.None).WaitAsync(Wait.Limit);

        Assert.Equal(ErrorCode.VersionUnsupported, refused.Code);
        Assert.Contains(told, refused.Message, StringComparison.Ordinal);
        Assert.EndsWith("Restart it: pocketcoder restart", refused.Message, StringComparison.Ordinal);
        Assert.Equal("an upgrade", stopped);
    }

    [Fact]
    public async Task An_older_command_line_is_told_to_restart_the_daemon_and_can_stop_it()
    {
        await using var host = (await DaemonHost.StartAsync(Options(), CancellationToken.None))!;
        using var http = Client();
        (HttpMethod, string)[] unknown =
        [
            (HttpMethod.Get, "status"), (HttpMethod.Post, "sessions/start"), (HttpMethod.Post, "v1/subscribe"),
            (HttpMethod.Post, "v1/nothing"), (HttpMethod.Get, "v1/owner_status"),
        ];
        foreach (var (method, path) in unknown)
        {
            var (status, body) = await AskAsync(http, method, path, "{}");
            Assert.Equal((HttpStatusCode.BadRequest, "VERSION_UNSUPPORTED"), (status, body.GetProperty("code").GetString()));
            Assert.Contains("restart the daemon", body.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        Assert.True((await AskAsync(http, HttpMethod.Post, "stop", """{"reason":"an upgrade"}""")).Body.GetProperty("ok").GetBoolean());
        Assert.Equal("an upgrade", await host.StopRequested.WaitAsync(Wait.Limit));
    }

    [Fact]
    public async Task The_socket_answers_json_of_its_size_that_no_page_sent()
    {
        await using var host = (await DaemonHost.StartAsync(Options(), CancellationToken.None))!;
        using var http = Client();
        Assert.Equal("box", (await AskAsync(http, HttpMethod.Post, "v1/machine_label_set", """{"label":" box "}""")).Body.GetProperty(
            "label").GetString());
        Assert.Equal(HttpStatusCode.Forbidden,
            (await AskAsync(http, HttpMethod.Post, "v1/machine_label_get", "{}", origin: "http://evil.example")).Status);
        Assert.Equal(HttpStatusCode.BadRequest,
            (await AskAsync(http, HttpMethod.Post, "v1/machine_label_get", "{}", type: "text/plain")).Status);
        foreach (var wrong in (string[])["{", "[]", """{"label":"a","label":"b"}""", """{"label":null}""", """{"label":""}""", "{}"])
        {
            var (status, body) = await AskAsync(http, HttpMethod.Post, "v1/machine_label_set", wrong);
            Assert.Equal((HttpStatusCode.BadRequest, "INVALID_REQUEST"), (status, body.GetProperty("code").GetString()));
        }

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await AskAsync(
            http, HttpMethod.Post, "v1/machine_label_set", $$"""{"label":"{{new string('a', Limits.RequestBytes)}}"}""")).Status);
        Assert.Equal(HttpStatusCode.NotFound,
            (await AskAsync(http, HttpMethod.Post, "v1/project_remove", $$"""{"projectId":"{{Guid.CreateVersion7()}}"}""")).Status);
        Assert.Equal("box", (await AskAsync(http, HttpMethod.Post, "v1/machine_label_get", "{}")).Body.GetProperty("label").GetString());
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(
        HttpClient http, HttpMethod method, string path, string body, string? origin = null, string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, $"http://daemon/{path}");
        if (method == HttpMethod.Post)
        {
            request.Content = new StringContent(body, Encoding.UTF8, type);
        }

        request.Headers.ExpectContinue = true; // a body that is too long is refused before it is sent
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        using var answer = await http.SendAsync(request).WaitAsync(Wait.Limit);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement);
    }

    private HttpClient Client() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        Expect100ContinueTimeout = Wait.Limit,
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_home.ControlSocket), ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    /// <summary>Knows <c>/health</c> and <c>/stop</c>, as every version does.</summary>
    private WebApplication Old(string? version, Action<string> stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.ListenUnixSocket(_home.ControlSocket));
        var app = builder.Build();
        app.Run(async context =>
        {
            if (version is not null)
            {
                context.Response.Headers["PocketCoder-Version"] = version;
            }

            if (context.Request.Path == "/stop")
            {
                stop((await JsonDocument.ParseAsync(context.Request.Body)).RootElement.GetProperty("reason").GetString()!);
                context.Response.StatusCode = StatusCodes.Status202Accepted;
                await context.Response.WriteAsync("""{"ok":true}""");
            }
            else if (context.Request.Path != "/health")
            {
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                await context.Response.WriteAsync("""{"code":"VERSION_UNSUPPORTED","message":"No such operation.","details":null}""");
            }
        });
        return app;
    }

    private DaemonOptions Options() => new()
    {
        Home = _home,
        Demo = true,
        Sandbox = SandboxKind.None,
        Gateway = PocketCoder.Gateway.GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
    };
}
