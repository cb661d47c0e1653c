using PocketCoder.Machine;
using PocketCoder.Platform;

namespace PocketCoder.Cli.Tests;

/// <summary>Settings, autostart files, completion, updates: what needs no daemon, in this process.</summary>
public sealed class SettingsTests : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pcs-").FullName;
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);

    public SettingsTests() => _environment["POCKETCODER_HOME"] = Path.Combine(_root, "home");

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_setting_is_checked_as_its_option_is_and_counts_after_the_environment()
    {
        Assert.Equal("17333\n", (await RunAsync("config", "get", "control-port")).Succeeded().Out);
        (await RunAsync("config", "set", "control-port", "18000")).Succeeded();
        (await RunAsync("config", "set", "listen", "127.0.0.1:9000, [::1]:9000")).Succeeded();
        (await RunAsync("config", "set", "behind-proxy", "true")).Succeeded();
        (await RunAsync("config", "set", "log-level", "debug")).Succeeded();
        Assert.Equal("18000\n", (await RunAsync("config", "get", "control-port")).Succeeded().Out);
        _environment["POCKETCODER_PORT"] = "0";
        var shown = (await RunAsync("config", "list", "--json")).Succeeded().Json.EnumerateArray().ToDictionary(s => s.GetProperty("key")
            .GetString()!, s => (s.GetProperty("value").GetString(), s.GetProperty("from").GetString()), StringComparer.Ordinal);
        Assert.Equal(("0", "POCKETCODER_PORT"), shown["control-port"]);
        Assert.Equal(("127.0.0.1:9000, [::1]:9000", "file"), shown["listen"]);
        Assert.Equal(("10m", "default"), shown["approval-timeout"]);
        Assert.Equal((null, "default"), shown["turn-limit"]);
        (await RunAsync("config", "unset", "listen")).Succeeded();
        Assert.Equal("127.0.0.1:8090, [::1]:8090\n", (await RunAsync("config", "get", "listen")).Succeeded().Out);
        Assert.DoesNotContain("listen", await File.ReadAllTextAsync(Home.At(_environment["POCKETCODER_HOME"]).Config),
            StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(Home.At(_environment["POCKETCODER_HOME"]).Config));
        }
    }

    [Theory]
    [InlineData("control-port", "99999")]
    [InlineData("control-port", "seventeen")]
    [InlineData("listen", "8090")]
    [InlineData("listen", ",")]
    [InlineData("behind-proxy", "perhaps")]
    [InlineData("sandbox", "walls")]
    [InlineData("approval-timeout", "5s")]
    [InlineData("log-level", "loud")]
    [InlineData("update-url", "http://example.com/v.json")]
    [InlineData("nothing", "x")]
    public async Task What_the_daemon_would_refuse_is_not_set(string key, string value)
    {
        (await RunAsync("config", "set", key, value)).Ended(ExitCode.Usage);
        Assert.False(File.Exists(Home.At(_environment["POCKETCODER_HOME"]).Config));
    }

    [Fact]
    public async Task No_setting_takes_nonsense_from_the_command_line_the_file_or_the_environment()
    {
        var home = Home.At(_environment["POCKETCODER_HOME"]);
        home.Prepare();
        home.PrepareGateway();
        await RefusesNonsenseAsync(Configuration.Settings.OfDaemon, home, [], ["start"]);
        await RefusesNonsenseAsync(Configuration.Settings.OfGateway, home, ["gateway"], ["gateway", "run"]);
        await RefusesNonsenseAsync(Configuration.Settings.OfGateway, home, ["gateway"], ["gateway"]);
        Assert.False(File.Exists(home.Database));
    }

    [Fact]
    public async Task A_gateway_goes_by_its_own_settings_unless_something_is_typed()
    {
        var home = Home.At(_environment["POCKETCODER_HOME"]);
        (await RunAsync("config", "set", "name", "box.example.org")).Succeeded();
        (await RunAsync("gateway", "config", "set", "acme", "true")).Succeeded();
        Assert.Contains("--name", (await RunAsync("gateway")).Ended(ExitCode.Usage).Error, StringComparison.Ordinal); // the daemon's is not its own
        (await RunAsync("gateway", "config", "set", "name", "gateway.example.org,b.example.org")).Succeeded();
        (await RunAsync("gateway", "config", "set", "no-tls", "true")).Succeeded();
        Assert.Contains("--no-tls", (await RunAsync("gateway", "run")).Ended(ExitCode.Usage).Error, StringComparison.Ordinal);
        (await RunAsync("gateway", "config", "unset", "acme")).Succeeded();
        Assert.Contains(
            "--acme", (await RunAsync("gateway", "run", "--acme-email", "ada@example.org")).Ended(ExitCode.Usage).Error,
            StringComparison.Ordinal);
        Assert.Matches("name +gateway.example.org,b.example.org +file", (await RunAsync("gateway", "config", "list")).Succeeded().Out);
        Assert.Equal("{\"name\":\"gateway.example.org,b.example.org\",\"no-tls\":\"true\"}", await File.ReadAllTextAsync(home.GatewayConfig));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(home.GatewayConfig));
        }

        foreach (var wrong in (string[])["{", "[]", "{\"name\":1}", "{\"name\":\"a\",\"name\":\"b\"}", "{\"sandbox\":\"none\"}"])
        {
            await File.WriteAllTextAsync(home.GatewayConfig, wrong);
            Assert.Contains(home.GatewayConfig, (await RunAsync("gateway", "run")).Ended(ExitCode.Failure).Error, StringComparison.Ordinal);
        }
    }

    private async Task RefusesNonsenseAsync(
        Configuration.SettingsOf settings, Home home, IReadOnlyList<string> before, IReadOnlyList<string> start)
    {
        var file = settings.FileOf(home);
        foreach (var setting in settings.All)
        {
            foreach (var nonsense in (string[])["two words!", "", " ", "-1", "https://a b/", "loud\u202e"])
            {
                _environment.Remove("LOG_LEVEL");
                _environment.Remove("POCKETCODER_PORT");
                File.Delete(file);
                Assert.True((await RunAsync([.. before, "config", "set", setting.Key, nonsense])).Code == ExitCode.Usage,
                    $"{setting.Key} takes '{nonsense}'");
                Assert.False(File.Exists(file));
                if (!setting.AtStart || nonsense.Length == 0)
                {
                    continue; // an empty variable is none
                }

                await File.WriteAllTextAsync(file, System.Text.Json.JsonSerializer.Serialize(
                    new Dictionary<string, string>(StringComparer.Ordinal) { [setting.Key] = nonsense }));
                Assert.Contains(file, (await RunAsync([.. start])).Ended(ExitCode.Failure).Error, StringComparison.Ordinal);
                File.Delete(file);
                if (setting.Variable is { } variable)
                {
                    _environment[variable] = nonsense;
                    Assert.Contains($"(from {variable})", (await RunAsync([.. start])).Ended(ExitCode.Failure).Error,
                        StringComparison.Ordinal);
                }
            }
        }
    }

    [Fact]
    public async Task A_proxy_without_behind_proxy_is_refused_before_anything_starts()
    {
        Assert.Contains("--acme", (await RunAsync("start", "--acme-email", "ada@example.org")).Ended(ExitCode.Usage).Error,
            StringComparison.Ordinal);
        Assert.Contains("--name", (await RunAsync("start", "--acme")).Ended(ExitCode.Usage).Error, StringComparison.Ordinal);
        Assert.Contains("--no-tls", (await RunAsync("start", "--acme", "--name", "gateway.example.org", "--no-tls"))
            .Ended(ExitCode.Usage).Error, StringComparison.Ordinal);
        Assert.Contains("--behind-proxy", (await RunAsync("start", "--proxy", "10.0.0.1")).Ended(ExitCode.Usage).Error,
            StringComparison.Ordinal);
        (await RunAsync("config", "set", "proxy", "10.0.0.1")).Succeeded();
        Assert.Contains("--behind-proxy", (await RunAsync("start")).Ended(ExitCode.Usage).Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Home.At(_environment["POCKETCODER_HOME"]).Database));
    }

    [Fact]
    public async Task The_file_that_autostart_would_write_is_shown_as_JSON_too()
    {
        _environment["HOME"] = _root;
        var shown = (await RunAsync("enable-autostart", "--print", "--json")).Succeeded().Json;
        Assert.Equal((await RunAsync("enable-autostart", "--print")).Succeeded().Out, shown.GetProperty("content").GetString());
        Assert.True(Path.IsPathFullyQualified(shown.GetProperty("file").GetString()!));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"sandbox\":7}")]
    [InlineData("{\n\"sandbox\": nothing}")]
    public async Task A_spoilt_file_is_told_without_words_of_the_runtime(string text)
    {
        var home = Home.At(_environment["POCKETCODER_HOME"]);
        home.Prepare();
        await File.WriteAllTextAsync(home.Config, text);
        var said = (await RunAsync("config", "list")).Ended(ExitCode.Failure).Error;
        Assert.Contains("line ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", said, StringComparison.Ordinal);
        Assert.DoesNotContain("JsonException", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_was_spoilt_by_hand_is_told_with_its_name_and_nothing_is_started()
    {
        var home = Home.At(_environment["POCKETCODER_HOME"]);
        home.Prepare();
        foreach (var (text, told) in (IEnumerable<(string, string)>)[("{", "can't be read"),
            ("{\"sandbox\":\"walls\"}", "'walls' is not a sandbox"), ("{\"sandbx\":\"none\"}", "contains sandbx")])
        {
            await File.WriteAllTextAsync(home.Config, text);
            var refused = (await RunAsync("start")).Ended(ExitCode.Failure);
            Assert.Contains(told, refused.Error, StringComparison.Ordinal);
            Assert.Contains(home.Config, refused.Error, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(home.Database));
    }

    [Theory]
    [InlineData("update --check")]
    public async Task What_is_not_set_up_explains_itself_and_ends_with_8(string verb)
    {
        var said = (await RunAsync(verb.Split(' '))).Ended(ExitCode.NotSetUp);
        Assert.Contains("pocketcoder ", said.Error, StringComparison.Ordinal);
        Assert.Equal("", said.Out);
        Assert.Equal("NOT_SET_UP",
            (await RunAsync([.. verb.Split(' '), "--json"])).Ended(ExitCode.NotSetUp).ErrorJson.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("1.2.3", "1.2.3", 0)]
    [InlineData("1.2.10", "1.2.9", 1)]
    [InlineData("2.0.0", "1.99.99", 1)]
    [InlineData("1.0.0-alpha", "1.0.0", -1)]
    [InlineData("1.0.0-alpha.2", "1.0.0-alpha.10", -1)]
    [InlineData("1.0.0-alpha", "1.0.0-1", 1)]
    [InlineData("1.0.0-alpha.1", "1.0.0-alpha", 1)]
    [InlineData("v1.0.0+abc", "1.0.0", 0)]
    public void Versions_are_ordered_as_they_should_be(string one, string other, int order)
    {
        Assert.Equal(order, Math.Sign(Commands.VersionOrder.Compare(one, other)));
        Assert.Equal(-order, Math.Sign(Commands.VersionOrder.Compare(other, one)));
    }

    [Theory]
    [InlineData("{\"version\":\"999.0.0\",\"notes\":\"much\\u202eevil\"}", 0, "999.0.0")]
    [InlineData("{\"version\":\"0.0.0\"}", 0, "latest version")]
    [InlineData("{\"version\":\"latest\"}", 1, "does not name a version")]
    [InlineData("[]", 1, "did not return a version manifest")]
    [InlineData("", 1, "did not return a version manifest")]
    public async Task A_manifest_is_asked_and_what_it_says_is_not_trusted(string manifest, int code, string told)
    {
        using var server = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        server.Start();
        var answering = AnswerAsync(server, manifest);
        (await RunAsync("config", "set", "update-url",
            $"http://127.0.0.1:{((System.Net.IPEndPoint)server.LocalEndpoint).Port}/v.json")).Succeeded();

        var said = (await RunAsync("update", "--check")).Ended(code);

        await answering;
        Assert.Contains(told, said.Out + said.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\u202e", said.Out, StringComparison.Ordinal);
    }

    private static async Task AnswerAsync(System.Net.Sockets.TcpListener server, string body)
    {
        using var client = await server.AcceptTcpClientAsync();
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
            // the request's head
        }

        await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(
            $"HTTP/1.1 200 OK\r\nContent-Length: {System.Text.Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}"));
    }

    private async Task<Ran> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(
            arguments, new Terminal(output, error, _environment.GetValueOrDefault), CancellationToken.None);
        return new Ran(code, output.ToString(), error.ToString());
    }
}
