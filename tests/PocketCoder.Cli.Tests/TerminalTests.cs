using System.Text;
using PocketCoder.Cli.Attaching;
using PocketCoder.Machine;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Cli.Tests;

/// <summary><c>attach</c> and <c>terminals</c>, in a real terminal: a tmux of our own.</summary>
public sealed class TerminalTests
{
    [Fact]
    public async Task Attach_joins_a_real_terminal_follows_its_size_and_gives_it_back_as_it_was()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var phone = await home.PairAsync();
        var session = await SessionAsync(phone);
        await using var tty = await RealTerminal.StartAsync(home, 100, 30);
        await tty.TypeAsync($"stty -g > before; '{home.Program}' attach {session}; echo attach-ended-$?; stty -g > after; echo do''ne");
        await tty.UntilAsync("bash-", "the shell inside");
        await tty.TypeAsync("echo in-$((6*7)); stty size; hostname");
        await tty.UntilAsync("in-42");
        await tty.UntilAsync("30 100");
        await tty.UntilAsync("hands");

        await tty.RunAsync("resize-window", "-x", "90", "-y", "20");
        await tty.TypeAsync("until [ \"$(stty size)\" = '20 90' ]; do sleep 0.05; done; echo new''size");
        await tty.UntilAsync("newsize");

        var listed = (await home.AskAsync("terminals"))[0];
        Assert.Equal("main", listed.GetProperty("name").GetString());
        Assert.Equal(1, listed.GetProperty("viewers").GetInt32());
        Assert.Contains("main", (await home.RunAsync("terminals")).Succeeded().Out, StringComparison.Ordinal);

        await tty.RunAsync("send-keys", "-t", "t", "C-\\");
        await tty.UntilAsync("attach-ended-0");
        await tty.UntilAsync("done");
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(home.Work, "before")),
            await File.ReadAllTextAsync(Path.Combine(home.Work, "after")));
        Assert.Contains("keeps running", await tty.ScreenAsync(), StringComparison.Ordinal);

        // Again, with everything where it was; and away with the other key.
        await tty.TypeAsync($"clear; '{home.Program}' attach {session} --terminal main; echo second-ended-$?");
        await InsideAsync(tty, "again");
        Assert.Contains("newsize", await tty.ScreenAsync(), StringComparison.Ordinal);
        await tty.RunAsync("send-keys", "-t", "t", "-l", "~.");
        await tty.UntilAsync("second-ended-0");

        var rows = await phone.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 50, AgentSessionId: session),
            ProtocolJson.Default.LedgerListRequest, ProtocolJson.Default.LedgerListResponse);
        Assert.Contains(rows.Rows, r => r.Body.Contains("echo in-$((6*7)); stty size; hostname", StringComparison.Ordinal)
            && r.Body.Contains("\"actor\":\"cli\"", StringComparison.Ordinal));
        (await home.RunAsync("terminals", "close", session.ToString(), "main")).Succeeded();
        Assert.Empty((await home.AskAsync("terminals")).EnumerateArray());
    }

    [Fact]
    public async Task Attach_says_why_the_terminal_ended_and_what_goes_on()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var phone = await home.PairAsync();
        var session = await SessionAsync(phone);
        await using var tty = await RealTerminal.StartAsync(home, 100, 30);
        for (var i = 0; i < 4; i++)
        {
            await tty.TypeAsync($"clear; '{home.Program}' attach {session}; echo attach-{i}-$?");
            await InsideAsync(tty, $"{i}");
            if (i % 2 == 0)
            {
                await tty.TypeAsync("seq 1 2000; exit");
            }
            else
            {
                (await home.RunAsync("terminals", "close", session.ToString(), "main")).Succeeded();
            }

            await tty.UntilAsync($"[main] {(i % 2 == 0 ? "Its shell ended." : "Closed by the owner.")}\nattach-{i}-0");
            Assert.DoesNotContain("keeps running", await tty.ScreenAsync(), StringComparison.Ordinal);
        }

        await tty.TypeAsync($"clear; '{home.Program}' attach {session}; echo attach-ended-$?");
        await InsideAsync(tty, "last");
        (await home.RunAsync("stop")).Succeeded();
        await tty.UntilAsync("[main] The daemon stopped; the terminal keeps running.\nattach-ended-0");
        await home.StartAsync();
        (await home.RunAsync("terminals", "close", session.ToString(), "main")).Succeeded();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // it has the home and takes no requests yet: somebody started it again at once
    public async Task Attach_says_that_the_daemon_stopped_when_it_was_killed(bool nextHasTheHome)
    {
        await using var home = new CliHome();
        var daemon = await home.StartAsync();
        await using var phone = await home.PairAsync();
        var session = await SessionAsync(phone);
        await using var tty = await RealTerminal.StartAsync(home, 100, 30);
        // Without job control: a shell with it would take the terminal back from a program that is stopped.
        await tty.TypeAsync($"set +m; sh -c 'echo $$ > pid; exec \"{home.Program}\" attach {session}'; echo attach-ended-$?");
        await InsideAsync(tty, "killed");
        var attach = int.Parse(
            await File.ReadAllTextAsync(Path.Combine(home.Work, "pid")), System.Globalization.CultureInfo.InvariantCulture);
        await RunningProgram.SignalAsync(attach, "STOP"); // it looks for the daemon when all is as the case wants it
        await RunningProgram.SignalAsync(daemon, "KILL");
        await Wait.UntilAsync(() => !DaemonLock.IsTaken(home.Home), "the killed daemon's lock is free");
        using (nextHasTheHome ? DaemonLock.TryTake(home.Home, TimeProvider.System) : null)
        {
            Assert.Equal(nextHasTheHome, DaemonLock.IsTaken(home.Home));
            await RunningProgram.SignalAsync(attach, "CONT");
            await tty.UntilAsync("[main] The daemon stopped; the terminal keeps running.\nattach-ended-0");
        }

        await home.StartAsync();
        (await home.RunAsync("terminals", "close", session.ToString(), "main")).Succeeded();
    }

    [Fact]
    public async Task A_signal_ends_attach_and_the_terminal_is_as_it_was()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        await using var phone = await home.PairAsync();
        var session = await SessionAsync(phone);
        await using var tty = await RealTerminal.StartAsync(home, 80, 24);
        await tty.TypeAsync(
            $"stty -g > before; sh -c 'echo $$ > pid; exec \"{home.Program}\" attach {session}'; stty -g > after; echo do''ne");
        await tty.UntilAsync("bash-", "the shell inside");
        await RunningProgram.SignalAsync(int.Parse(
            await File.ReadAllTextAsync(Path.Combine(home.Work, "pid")), System.Globalization.CultureInfo.InvariantCulture), "TERM");
        await tty.UntilAsync("done");
        Assert.Equal(await File.ReadAllTextAsync(Path.Combine(home.Work, "before")),
            await File.ReadAllTextAsync(Path.Combine(home.Work, "after")));
        (await home.RunAsync("terminals", "close", session.ToString(), "main")).Succeeded();
    }

    [Fact]
    public async Task Without_a_terminal_or_a_sandbox_it_says_what_to_do()
    {
        await using var home = new CliHome();
        await home.StartAsync();
        // going without a sandbox needs manage
        await using var phone = await TestDevice.PairAsync(await home.LinkAsync("view", "prompt", "decide", "manage"));
        var session = await SessionAsync(phone, SandboxKind.None);
        var refused = (await home.RunAsync("attach", session.ToString())).Ended(1);
        Assert.Contains("pipe", refused.Error, StringComparison.Ordinal);
        Assert.Contains("no sandboxed session", (await home.RunAsync("terminals")).Succeeded().Out, StringComparison.Ordinal);
        Assert.Empty((await home.AskAsync("terminals")).EnumerateArray());

        await using var tty = await RealTerminal.StartAsync(home, 100, 30);
        await tty.TypeAsync($"'{home.Program}' attach {session}; echo attach-ended-$?");
        await tty.UntilAsync("attach-ended-1");
        Assert.Contains("no sandbox", await tty.ScreenAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ls\r", "ls\r", false)]
    [InlineData("ls\u001cnever", "ls", true)]
    [InlineData("~.", "", true)]
    [InlineData("ls\r~.never", "ls\r", true)]
    [InlineData("cd ~.\r", "cd ~.\r", false)]
    [InlineData("~~.x\r", "~.x\r", false)]
    [InlineData("~x\r", "~x\r", false)]
    [InlineData("~\r~.", "~\r", true)]
    public void Detach_keys_are_found_and_nothing_else_is_lost(string keys, string typed, bool detaches)
    {
        var whole = new DetachKeys();
        Assert.Equal(typed, Encoding.UTF8.GetString(whole.Take(Encoding.UTF8.GetBytes(keys), out var detached)));
        Assert.Equal(detaches, detached);

        var single = new DetachKeys();
        var pieces = new List<byte>();
        detached = false;
        foreach (var key in Encoding.UTF8.GetBytes(keys))
        {
            if (!detached)
            {
                pieces.AddRange(single.Take([key], out detached));
            }
        }

        Assert.Equal((typed, detaches), (Encoding.UTF8.GetString([.. pieces]), detached));
    }

    /// <summary>
    /// Waits until keys reach the shell inside: it writes its host's name and <paramref name="mark"/>, which no line that was typed shows.
    /// The prompt would not do: the screen of the attach before may still show it.
    /// </summary>
    private static async Task InsideAsync(RealTerminal tty, string mark)
    {
        await tty.TypeAsync($"echo $(hostname)-{mark}");
        await tty.UntilAsync($"hands-{mark}", "the shell inside");
    }

    private static async Task<Guid> SessionAsync(TestDevice phone, SandboxKind sandbox = SandboxKind.Bubblewrap)
    {
        var state = await phone.AskAsync(MessageTypes.MachineState, new MachineStateRequest(), ProtocolJson.Default.MachineStateRequest,
            ProtocolJson.Default.MachineStateResponse);
        var session = Guid.CreateVersion7();
        await phone.AskAsync(
            MessageTypes.AgentSessionNew,
            new AgentSessionNewRequest(session, Guid.CreateVersion7(), state.Projects[0].ProjectId, "stub", "hello", Sandbox: sandbox),
            ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse);
        return session;
    }
}
