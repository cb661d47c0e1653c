using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// Nothing leaves the computer by itself: the kernel tells of every connection that the program, or a program that it starts, begins.
/// </summary>
public sealed class NoTelemetryTests
{
    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_daemon_without_work_connects_to_nothing()
    {
        await using var home = new CliHome();
        var calls = Path.Combine(home.Folder, "calls");
        await using (var daemon = Traced(home, calls, "start", "--foreground", "--listen", home.Listen, "--json"))
        {
            await Wait.UntilAsync(() => daemon.HasExited || daemon.Out.EndsWith('\n'), "the daemon to start");
            (await home.RunAsync("status")).Succeeded();
            (await home.RunAsync("doctor", "--json")).Succeeded();
            (await home.RunAsync("stop")).Succeeded();
            (await daemon.EndAsync()).Succeeded();
        }

        AssertNone(calls);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_gateway_without_machines_connects_to_nothing()
    {
        await using var home = new CliHome();
        var calls = Path.Combine(home.Folder, "calls");
        await using (var gateway = Traced(home, calls, "gateway", "run", "--listen", home.Listen))
        {
            await Wait.UntilAsync(
                () => gateway.HasExited || gateway.Out.Contains("none yet", StringComparison.Ordinal), "the gateway to listen");
            (await home.RunAsync("gateway", "invite")).Succeeded();
            using var http = new HttpClient();
            (await http.GetAsync(new Uri(home.Url + "/healthz"))).EnsureSuccessStatusCode();
            await gateway.SignalAsync("TERM");
            await gateway.EndAsync();
        }

        AssertNone(calls);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_connection_would_be_seen()
    {
        await using var home = new CliHome();
        var calls = Path.Combine(home.Folder, "calls");
        (await home.RunAsync("config", "set", "update-url", "https://127.0.0.1:1/")).Succeeded();
        await using (var update = Traced(home, calls, "update", "--check"))
        {
            (await update.EndAsync()).Ended(1);
        }

        Assert.NotEmpty(Connections(calls));
    }

    /// <summary>The agents that are looked for are those of the distribution: none.</summary>
    private static RunningProgram Traced(CliHome home, string calls, params IEnumerable<string> arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/strace"), "strace is not installed");
        home.Environment["PATH"] = "/usr/bin:/bin";
        return RunningProgram.Start( // -D: signals go to the program, not to strace
            "/usr/bin/strace",
            ["-D", "-f", "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", calls, home.Program, .. arguments],
            home.Environment, home.Work);
    }

    private static void AssertNone(string calls)
    {
        var connections = Connections(calls);
        Assert.True(connections.Count == 0, string.Join('\n', connections));
    }

    private static List<string> Connections(string calls)
        => [.. File.ReadAllLines(calls).Where(l => l.Contains("AF_INET", StringComparison.Ordinal))];
}
