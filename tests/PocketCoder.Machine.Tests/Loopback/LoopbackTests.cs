using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Platform;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests.Loopback;

/// <summary>The HTTP control plane of a whole daemon, on a port of its own.</summary>
public sealed class LoopbackTests : IAsyncLifetime
{
    private readonly Home _home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private DaemonHost _host = null!;
    private Uri _url = null!;

    public async ValueTask InitializeAsync()
    {
        _host = (await DaemonHost.StartAsync(Options(), CancellationToken.None))!;
        _url = new Uri((await _host.StatusAsync(CancellationToken.None)).Control!);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _http.Dispose();
        Assert.False(File.Exists(_home.ControlToken));
        await HomeRemains.ClearAsync(_home.Sandboxes, _home.Root, _home.AgentFiles, _home.Attached);
    }

    [Fact]
    public async Task It_answers_in_the_shapes_of_the_seed_whoever_has_the_token()
    {
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(_home.ControlToken));
        }

        using (var health = await _http.GetAsync(new Uri(_url, "/health")))
        {
            Assert.Equal((HttpStatusCode.OK, ""), (health.StatusCode, await health.Content.ReadAsStringAsync()));
        }

        var (_, status) = await AskAsync(HttpMethod.Get, "/status");
        Assert.Equal(["version", "machineKey", "loggedIn", "relay", "capabilities", "projects"],
            status.EnumerateObject().Select(p => p.Name));
        Assert.Equal(["connected", "lastConnectedAt", "lastHeartbeatAt"],
            status.GetProperty("relay").EnumerateObject().Select(p => p.Name));
        Assert.Equal(["hasGit", "hasClaude", "claudeStoreFound", "warnings"],
            status.GetProperty("capabilities").EnumerateObject().Select(p => p.Name));
        Assert.Equal(["projectId", "name", "path", "watcherRunning", "lastFsSeq"],
            status.GetProperty("projects")[0].EnumerateObject().Select(p => p.Name));
        Assert.False(status.GetProperty("loggedIn").GetBoolean());
        Assert.Equal((false, 0), Watching(status));
        using (var owner = new ControlClient(_home))
        {
            var offer = await owner.PairAsync(new PairingRequest([PocketCoder.Protocol.Scope.View], null), CancellationToken.None);
            await using var device = await TestDevice.PairAsync(offer.Links[0], "phone");
            await device.SubscribeAsync($"files/{status.GetProperty("projects")[0].GetProperty("projectId").GetString()}");
            await File.WriteAllTextAsync(Path.Combine(status.GetProperty("projects")[0].GetProperty("path").GetString()!, "new.txt"), "");
            await device.NextAsync(e => e.Type == PocketCoder.Protocol.MessageTypes.FsChanged, "a change");
            Assert.Equal((true, 1), Watching((await AskAsync(HttpMethod.Get, "/status")).Body));
        }

        Assert.Equal("box", (await AskAsync(HttpMethod.Post, "/machine-label", """{"label":" box "}""")).Body.GetProperty("label")
            .GetString());
        Assert.Equal("box", (await AskAsync(HttpMethod.Get, "/machine-label")).Body.GetProperty("label").GetString());
        Assert.Equal(HttpStatusCode.NoContent, (await AskAsync(HttpMethod.Post, "/re-register")).Status);

        var folder = Directory.CreateTempSubdirectory("pc-p-").FullName;
        var body = JsonSerializer.Serialize(new Dictionary<string, string> { ["path"] = folder, ["name"] = "mine" });
        var (made, project) = await AskAsync(HttpMethod.Post, "/projects", body);
        Assert.Equal((HttpStatusCode.Created, "mine"), (made, project.GetProperty("name").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(HttpMethod.Post, "/projects", body)).Status);
        Assert.Contains((await AskAsync(HttpMethod.Get, "/projects")).Body.EnumerateArray(),
            p => p.GetProperty("path").GetString() == folder);
        Assert.Equal(HttpStatusCode.OK,
            (await AskAsync(HttpMethod.Delete, "/projects/" + project.GetProperty("projectId").GetString())).Status);
        Assert.Equal(HttpStatusCode.NotFound,
            (await AskAsync(HttpMethod.Delete, "/projects/" + project.GetProperty("projectId").GetString())).Status);
        Directory.Delete(folder);

        Assert.Equal(HttpStatusCode.Accepted, (await AskAsync(HttpMethod.Post, "/stop", """{"reason":"enough"}""")).Status);
        Assert.Equal("enough", await _host.StopRequested.WaitAsync(Wait.Limit));
    }

    [Theory]
    [InlineData("GET", "/status", "", null, null, 401)]
    [InlineData("GET", "/status", "Bearer wrong", null, null, 401)]
    [InlineData("POST", "/stop", "", "application/json", "{}", 401)]
    [InlineData("GET", "/status", "@ Origin=http://evil.example", null, null, 403)]
    [InlineData("GET", "/health", "@ Origin=null", null, null, 403)]
    [InlineData("GET", "/health", "@ Sec-Fetch-Site=cross-site", null, null, 403)]
    [InlineData("GET", "/health", "@ Host=evil.example", null, null, 421)]
    [InlineData("GET", "/status", "@ Host=127.0.0.1:1", null, null, 421)]
    [InlineData("POST", "/machine-label", "@", "text/plain", "{\"label\":\"x\"}", 415)]
    [InlineData("POST", "/machine-label", "@", "application/json", "{\"label\":\"\"}", 400)]
    [InlineData("POST", "/machine-label", "@", "application/json", "{", 400)]
    [InlineData("POST", "/machine-label", "@", "application/json", "null", 400)]
    [InlineData("POST", "/projects", "@", "application/json", "{\"path\":\"relative\"}", 400)]
    [InlineData("POST", "/projects", "@", "application/json", "{\"path\":\"/\"}", 400)]
    [InlineData("DELETE", "/status", "@", null, null, 405)]
    [InlineData("GET", "/stop", "@", null, null, 405)]
    [InlineData("GET", "/nothing", "@", null, null, 404)]
    public async Task Whoever_should_not_ask_or_asks_wrongly_gets_a_problem_and_nothing_happens(
        string method, string path, string who, string? type, string? body, int status)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(_url, path));
        var parts = who.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries);
        if (who.StartsWith('@'))
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await File.ReadAllTextAsync(_home.ControlToken));
            if (parts is [_, var header])
            {
                request.Headers.TryAddWithoutValidation(header.Split('=')[0], header.Split('=')[1]);
            }
        }
        else if (who.Length > 0)
        {
            request.Headers.TryAddWithoutValidation("Authorization", who);
        }

        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, type!);
        }

        using var answer = await _http.SendAsync(request);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.NotEqual("", problem.GetProperty("detail").GetString());
        Assert.False(_host.StopRequested.IsCompleted);
    }

    [Fact]
    public async Task What_floods_the_port_does_not_keep_the_owner_out_of_the_socket()
    {
        var flood = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 80; i++)
            {
                flood.Add(new TcpClient());
                await flood[^1].ConnectAsync(IPAddress.Loopback, _url.Port);
            }

            await Wait.UntilAsync(async () => await ClosedAsync(flood[^1]), "one too many is closed");
            using var owner = new ControlClient(_home);
            Assert.Equal(_url.ToString().TrimEnd('/'), (await owner.StatusAsync(CancellationToken.None)).Control);
        }
        finally
        {
            flood.ForEach(c => c.Dispose());
        }

        await Wait.UntilAsync(async () => (await AskAsync(HttpMethod.Get, "/machine-label")).Status == HttpStatusCode.OK,
            "the port again, when the flood is over");

        static async Task<bool> ClosedAsync(TcpClient client) => client.Client.Poll(0, SelectMode.SelectRead)
            && await client.Client.ReceiveAsync(new byte[1]) == 0;
    }

    [Fact]
    public async Task A_body_without_end_is_not_read()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_url, "/machine-label"))
        { Content = new ByteArrayContent(new byte[70 * 1024]) };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await File.ReadAllTextAsync(_home.ControlToken));
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task A_port_that_somebody_has_is_said_so_and_the_home_stays_free_for_the_next_try()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);

        var refused = await Assert.ThrowsAsync<IOException>(
            () => DaemonHost.StartAsync(Options() with { Home = home, ControlPort = port }, CancellationToken.None));

        Assert.Contains($"127.0.0.1:{port} can't be used", refused.Message, StringComparison.Ordinal);
        Assert.Contains("POCKETCODER_PORT", refused.Message, StringComparison.Ordinal);
        Assert.False(DaemonLock.IsTaken(home));
        Assert.Null(await DaemonHost.StartAsync(Options(), CancellationToken.None)); // of this home one runs already: no second
        await HomeRemains.ClearAsync(home.Sandboxes, home.Root, home.AgentFiles, home.Attached);
    }

    private static (bool Running, int Seq) Watching(JsonElement status) => (status.GetProperty("projects")[0].GetProperty("watcherRunning")
        .GetBoolean(), status.GetProperty("projects")[0].GetProperty("lastFsSeq").GetInt32());

    private DaemonOptions Options() => new()
    {
        Home = _home,
        Demo = true,
        Sandbox = PocketCoder.Protocol.SandboxKind.None,
        ControlPort = 0,
        Gateway = PocketCoder.Gateway.GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
    };

    private async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(_url, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await File.ReadAllTextAsync(_home.ControlToken));
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
    }
}
