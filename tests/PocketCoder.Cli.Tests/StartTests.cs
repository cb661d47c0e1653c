using System.Net;
using System.Net.Sockets;
using PocketCoder.Machine;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>The daemon's life as seen from the command line.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task It_starts_in_the_background_says_where_it_is_and_stops()
    {
        await using var home = new CliHome();

        var started = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Succeeded();

        Assert.Contains($"Open   {home.Url}", started.Out, StringComparison.Ordinal);
        Assert.Contains("Pair   pocketcoder pair", started.Out, StringComparison.Ordinal);
        using (var http = new HttpClient())
        {
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(home.Url + "/healthz")).StatusCode);
        }

        var pid = DaemonLock.Holder(home.Home)!.Pid;
        var again = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Succeeded();
        Assert.Contains($"is already running (pid {pid})", again.Out, StringComparison.Ordinal);
        Assert.Equal(pid, (await home.AskAsync("status")).GetProperty("pid").GetInt32());

        Assert.Equal("PocketCoder stopped.\n", (await home.RunAsync("stop")).Succeeded().Out);
        Assert.Equal("PocketCoder is not running.\n", (await home.RunAsync("shutdown")).Succeeded().Out); // as an older bot calls it
        Assert.False(File.Exists(home.Home.PidFile));
        Assert.False(File.Exists(home.Home.ControlSocket));
        Assert.Contains("not running", (await home.RunAsync("status")).Ended(3).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_starts_at_once_give_one_daemon_and_both_succeed()
    {
        await using var home = new CliHome();

        var both = await Task.WhenAll(home.RunAsync("start", "--demo", "--listen", home.Listen, "--json"),
            home.RunAsync("start", "--demo", "--listen", home.Listen, "--json"));

        Assert.Single(both.Select(r => r.Succeeded().Json.GetProperty("pid").GetInt32()).Distinct());
    }

    [Fact]
    public async Task The_daemon_keeps_nothing_that_the_shell_had_open()
    {
        await using var home = new CliHome();
        // Descriptor 3 is this test's pipe: a daemon that kept it would keep the test from seeing the end.
        await using var shell = RunningProgram.Start(
            "/bin/sh", ["-c", "exec \"$@\" 3>&1 >/dev/null 2>&1", "sh", CliHome.Built, "start", "--demo", "--listen", home.Listen],
            home.Environment, home.Work);

        (await shell.EndAsync()).Succeeded();

        (await home.RunAsync("status")).Succeeded();
    }

    [Fact]
    public async Task Looking_whether_it_runs_never_keeps_it_from_starting()
    {
        await using var home = new CliHome();
        home.Home.Prepare();
        using var looking = new CancellationTokenSource();
        var lookers = Task.Run(async () =>
        {
            while (!looking.IsCancellationRequested)
            {
                _ = DaemonLock.IsTaken(home.Home);
                await Wait.PauseAsync(1, CancellationToken.None);
            }
        });

        (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Succeeded();

        await looking.CancelAsync();
        await lookers;
    }

    [Fact]
    public async Task The_demonstration_gets_a_home_of_its_own_when_none_is_named()
    {
        await using var home = new CliHome();
        var settings = Path.Combine(home.Folder, "settings");
        home.Environment["POCKETCODER_HOME"] = null;
        home.Environment["XDG_CONFIG_HOME"] = settings;
        await using var demo = new CliHome { Root = Path.Combine(settings, "pocketcoder-demo") };
        demo.Environment["POCKETCODER_HOME"] = demo.Root;

        var started = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Succeeded();

        Assert.Contains($"POCKETCODER_HOME='{demo.Root}' pocketcoder pair", started.Out, StringComparison.Ordinal);
        Assert.True((await demo.AskAsync("status")).GetProperty("demo").GetBoolean());
        (await home.RunAsync("status")).Ended(3);
        Assert.False(Directory.Exists(Path.Combine(settings, "pocketcoder", "demo")));
        (await demo.RunAsync("stop")).Succeeded();
    }

    [Fact]
    public async Task Demonstration_and_real_data_never_share_a_home()
    {
        await using var demo = new CliHome();
        await demo.StartDetachedAsync();
        (await demo.RunAsync("stop")).Succeeded();
        Assert.Contains("belongs to the demo", (await demo.RunAsync("start", "--listen", demo.Listen)).Ended(1).Error,
            StringComparison.Ordinal);

        await using var real = new CliHome();
        (await real.RunAsync("start", "--listen", real.Listen)).Succeeded();
        (await real.RunAsync("stop")).Succeeded();
        Assert.Contains("holds real data", (await real.RunAsync("start", "--demo", "--listen", real.Listen)).Ended(1).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_public_address_without_TLS_is_refused_with_what_to_do()
    {
        await using var home = new CliHome();

        var refused = (await home.RunAsync("start", "--demo", "--listen", $"0.0.0.0:{home.Port}")).Ended(1);

        Assert.Contains("pocketcoder tls init", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--behind-proxy", refused.Error, StringComparison.Ordinal);
        (await home.RunAsync("status")).Ended(3);
    }

    [Fact]
    public async Task A_taken_port_is_told_with_who_has_it_and_leaves_nothing_running()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        await using var home = new CliHome();

        var refused = (await home.RunAsync("start", "--demo", "--listen", $"127.0.0.1:{port}")).Ended(1);

        Assert.Contains($"Port {port} is taken by", refused.Error, StringComparison.Ordinal);
        Assert.Contains($"--listen 127.0.0.1:{port + 1}", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", refused.Error, StringComparison.Ordinal);
        Assert.False(DaemonLock.IsTaken(home.Home));
        (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Succeeded(); // and the next try works
    }

    [Fact]
    public async Task After_a_kill_the_next_start_takes_over_and_the_ledger_holds()
    {
        await using var home = new CliHome();
        var pid = await home.StartDetachedAsync();
        await using (var phone = await home.PairAsync())
        {
            await phone.PromptAsync("hello");
        }

        await RunningProgram.SignalAsync(pid, "KILL");
        await Wait.UntilAsync(() => !DaemonLock.IsTaken(home.Home), "the kernel dropped the lock");
        Assert.True(File.Exists(home.Home.ControlSocket));
        (await home.RunAsync("status")).Ended(3);
        Assert.Equal("PocketCoder is not running.\n", (await home.RunAsync("stop")).Succeeded().Out);

        Assert.NotEqual(pid, await home.StartDetachedAsync());
        Assert.True((await home.AskAsync("ledger", "verify")).GetProperty("intact").GetBoolean());
        Assert.Equal(1, (await home.AskAsync("status")).GetProperty("devicesPaired").GetInt32());
    }

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task A_signal_stops_it_in_good_order(string signal)
    {
        await using var home = new CliHome();
        await using var daemon = home.Begin("start", "--foreground", "--demo", "--listen", home.Listen);
        await Wait.UntilAsync(() => daemon.Out.Contains("Stop   ", StringComparison.Ordinal), "it runs");
        await using var phone = await home.PairAsync();
        await phone.SubscribeAsync("machine", phone.Hello.Instance);

        await daemon.SignalAsync(signal);

        (await daemon.EndAsync()).Succeeded();
        await phone.NextAsync(e => e.Payload?.ToString().Contains("stopping", StringComparison.Ordinal) ?? false,
            "the phone is told that the machine stops");
        Assert.False(File.Exists(home.Home.PidFile));
        Assert.Contains("Stopped", (await home.RunAsync("logs")).Out, StringComparison.Ordinal);
        await home.StartDetachedAsync();
        var kinds = (await home.RunAsync("ledger", "show")).Succeeded().Out;
        Assert.Contains("machine stopped", kinds, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_signal_ends_a_stop_that_takes_long()
    {
        await using var home = new CliHome();
        await using var daemon = home.Begin("start", "--foreground", "--demo", "--listen", home.Listen);
        await Wait.UntilAsync(() => daemon.Out.Contains("Stop   ", StringComparison.Ordinal), "it runs");

        // A device that does not read keeps the gateway from closing for some seconds.
        using var deaf = new TcpClient();
        await deaf.ConnectAsync(IPAddress.Loopback, home.Port);
        var upgrade = $"GET /v1/relay?machine={(await home.AskAsync("status")).GetProperty("machineId").GetString()} HTTP/1.1\r\nHost: {home.Listen}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: pocketcoder.v1\r\n\r\n";
        await deaf.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(upgrade));
        var answer = new byte[12];
        await deaf.GetStream().ReadExactlyAsync(answer);
        Assert.Equal("HTTP/1.1 101", System.Text.Encoding.ASCII.GetString(answer));
        await daemon.SignalAsync("TERM");
        await Wait.UntilAsync(() => daemon.Error.Contains("Stopping", StringComparison.Ordinal), "the first signal arrived");

        await daemon.SignalAsync("TERM");

        var ended = await daemon.EndAsync();
        Assert.NotEqual(0, ended.Code);
        Assert.DoesNotContain("Stopped\n", ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", ended.Error, StringComparison.Ordinal);
        Assert.NotEqual(0, await home.StartDetachedAsync());
    }

    [Fact]
    public async Task In_the_foreground_it_shows_its_log_and_answers_JSON_when_asked()
    {
        await using var home = new CliHome();
        await using var daemon = home.Begin("start", "--foreground", "--demo", "--listen", home.Listen, "--json");
        await Wait.UntilAsync(() => daemon.Out.EndsWith('\n'), "it said so");

        Assert.Equal(daemon.Pid, new Ran(0, daemon.Out, "").Json.GetProperty("pid").GetInt32());
        await Wait.UntilAsync(() => daemon.Error.Contains("started as machine", StringComparison.Ordinal), "the log is shown");

        Assert.True((await home.AskAsync("stop")).GetProperty("wasRunning").GetBoolean());
        (await daemon.EndAsync()).Succeeded();
    }

    [Fact]
    public async Task A_home_that_others_may_write_to_is_refused_with_the_chmod_to_type()
    {
        await using var home = new CliHome();
        Directory.CreateDirectory(home.Root);
        File.SetUnixFileMode(home.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead
            | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute);

        var refused = (await home.RunAsync("start", "--demo", "--listen", home.Listen)).Ended(1);

        Assert.Contains($"chmod 700 '{home.Root}'", refused.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Root));
        Assert.Contains("chmod 700", (await home.RunAsync("doctor")).Ended(1).Out, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(home.Root));
    }
}
