using System.Text;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Terminals;

/// <summary>One sandbox for all terminals.</summary>
public sealed class TerminalSandbox : IAsyncLifetime
{
    private readonly Ground _ground = new();

    public ISandbox Sandbox { get; private set; } = null!;

    /// <summary>Where what begins finds its options.</summary>
    public string Options => Path.Combine(_ground.Options.StateDirectory, Sandbox.Id, "options");

    public async ValueTask InitializeAsync() => Sandbox = await _ground.CreateAsync();

    public async ValueTask DisposeAsync() => await _ground.DisposeAsync();
}

public sealed class TerminalTests(TerminalSandbox fixture) : IClassFixture<TerminalSandbox>
{
    [Fact]
    public async Task What_is_typed_is_echoed_and_answered_in_any_script()
    {
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "utf8");
        await screen.TypeAsync("printf '<%s>\\n' 'Zażółć 漢字 👩‍💻 é'\r");
        await screen.UntilAsync("<Zażółć 漢字 👩‍💻 é>\r\n");
    }

    [Fact]
    public async Task Keys_and_control_characters_arrive_as_bytes()
    {
        // it stays: what a program writes last of all, tmux may not pass on any more
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "bytes", "/bin/sh", "-c",
            "stty raw -echo; printf ready; head -c 260 | od -An -tx1 -v | tr -d ' \\n\\r'; printf end; read wait");
        await screen.UntilAsync("ready");
        var keys = Enumerable.Range(0, 256).Select(i => (byte)i).Concat("wxyz"u8.ToArray()).ToArray();
        await screen.Terminal.WriteAsync(keys, default);
        await screen.UntilAsync("end");
        Assert.Contains(Convert.ToHexStringLower(keys),
            screen.Text.Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_control_c_ends_what_runs_and_the_size_follows_the_viewer()
    {
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "size");
        await screen.TypeAsync("stty size\r");
        await screen.UntilAsync("24 80");
        await screen.Terminal.ResizeAsync(101, 33, default);
        await screen.TypeAsync("sleep 1000\r");
        await screen.UntilAsync("sleep 1000\r\n");
        await screen.TypeAsync("\u0003");
        await screen.UntilAsync("$", after: "^C"); // what is typed before the shell is back may be thrown away with the interrupt
        await screen.TypeAsync("stty size\r");
        await screen.UntilAsync("33 101");
    }

    /// <summary>A daemon that starts again finds such a terminal, and must get in.</summary>
    [Fact]
    public async Task One_that_floods_already_can_be_opened_again()
    {
        await using (var first = await Screen.OpenAsync(
            fixture.Sandbox, "flooding", "/bin/sh", "-c", "yes 'a line of sixty characters that fills the pipe of its reader'"))
        {
            await first.UntilAsync("a line of sixty");
        }

        for (var round = 0; round < 3; round++)
        {
            await using var again = await Screen.OpenAsync(fixture.Sandbox, "flooding");
            await again.UntilAsync("a line of sixty");
        }

        await using var last = await Screen.OpenAsync(fixture.Sandbox, "flooding");
        await last.Terminal.CloseAsync(default);
    }

    /// <summary>Who closes it, who sees its end and a stopping daemon may come together; each gets its answer.</summary>
    [Fact]
    public async Task Closing_and_letting_go_at_the_same_time_never_fails()
    {
        for (var round = 0; round < 8; round++)
        {
            var terminal = await fixture.Sandbox.OpenTerminalAsync(new TerminalSpec { Name = $"together{round}" }, default);
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => Task.Run(async () =>
            {
                if (i % 2 == round % 2)
                {
                    await terminal.CloseAsync(default);
                }

                await terminal.DisposeAsync();
            })));
            await terminal.DisposeAsync();
            await Assert.ThrowsAsync<IOException>(() => terminal.SnapshotAsync(0, default));
        }

        Assert.DoesNotContain(await fixture.Sandbox.TerminalsAsync(default), t => t.Name.StartsWith("together", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_terminal_is_in_its_own_second_ring()
    {
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "ring");
        await screen.TypeAsync(
            "grep -E 'CapEff|NoNew|Seccomp:' /proc/self/status | tr -d '\\t'; ls /run; id -u; echo $TERM; tty && echo is''-tty\r");
        await screen.UntilAsync("is-tty\r\n");
        Assert.Contains("CapEff:0000000000000000", screen.Text, StringComparison.Ordinal);
        Assert.Contains("Seccomp:2", screen.Text, StringComparison.Ordinal);
        Assert.Contains("\r\n1000\r\n", screen.Text, StringComparison.Ordinal);
        Assert.Contains("tmux-256color", screen.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("hands", screen.Text.Replace("hands-", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flood_is_followed_or_skipped_but_never_blocks_the_keys()
    {
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "flood");
        await screen.TypeAsync("yes 0123456789012345678901234567890123456789\r");
        await screen.UntilAsync("0123456789012345678901234567890123456789\r\n0123456789");
        await screen.TypeAsync("\u0003");
        await screen.UntilAsync("$", after: "6789\r\n");
        await screen.TypeAsync("echo at-$((6*7))-last\r");
        await screen.UntilAsync("at-42-last\r\n");
    }

    [Fact]
    public async Task Two_viewers_see_the_same_and_scrollback_is_kept()
    {
        await using var first = await Screen.OpenAsync(fixture.Sandbox, "shared");
        await using var second = await Screen.OpenAsync(fixture.Sandbox, "shared");
        await first.TypeAsync("for i in $(seq 1 200); do echo line-$i-; done\r");
        await second.UntilAsync("line-200-\r\n");
        var capture = await second.Terminal.CaptureAsync(1000, default);
        Assert.Contains("line-1-\n", capture, StringComparison.Ordinal);
        Assert.Contains("line-200-\n", capture, StringComparison.Ordinal);
        Assert.DoesNotContain("line-1-\n", await second.Terminal.CaptureAsync(0, default), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Closing_ends_what_runs_in_it_and_its_output()
    {
        await using var screen = await Screen.OpenAsync(
            fixture.Sandbox, "closing", "/bin/sh", "-c", "echo up; while :; do date > closing-beat; sleep 0.05; done");
        await screen.UntilAsync("up");
        await screen.Terminal.CloseAsync(default);
        await screen.Ended.WaitAsync(Wait.Limit);
        var (_, output, _) = await fixture.Sandbox.ShellAsync("rm -f closing-beat; sleep 0.4; ls closing-beat 2> /dev/null");
        Assert.Equal("", output);
    }

    [Fact]
    public async Task Clipboard_passthrough_and_title_tricks_do_not_reach_tmux_or_change_names()
    {
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "tricks");
        await screen.TypeAsync(
            """printf '\033]52;c;ZXZpbA==\a\033]2;EVILTITLE\a\033kEVILNAME\033\\\033Ptmux;\033\033]52;c;ZXZpbA==\a\033\\'; tmux -S /run/tm/s show-buffer; echo tri''cks-done""" + "\r");
        await screen.UntilAsync("tricks-done\r\n");
        Assert.DoesNotContain("evil\r\n", screen.Text, StringComparison.Ordinal);
        await using var again = await Screen.OpenAsync(fixture.Sandbox, "tricks");
        Assert.Equal("tricks", again.Terminal.Name);
    }

    [Fact]
    public async Task A_snapshot_and_the_output_behind_its_mark_are_the_whole_without_a_gap_or_a_double()
    {
        await using var screen = await Screen.OpenAsync(fixture.Sandbox, "exact", "/bin/sh", "-c",
            "i=0; until [ -e stop-exact ]; do i=$((i+1)); echo n-$i; done; echo the-end-$i; exec sleep 100");
        await screen.UntilAsync("n-100\r\n");
        var snapshot = await screen.Terminal.SnapshotAsync(50, default);
        await fixture.Sandbox.ShellAsync("touch stop-exact");
        await screen.UntilAsync("the-end");
        Assert.Equal((80, 24), (snapshot.Columns, snapshot.Rows));
        Assert.InRange(snapshot.History.Count, 1, 50);
        var rows = snapshot.History.Concat(snapshot.Screen).Select(l => l.Trim()).ToList();
        var known = rows[..^1].Select(l => int.Parse(l[2..], System.Globalization.CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(Enumerable.Range(known[0], known.Count), known);

        // The row of the cursor may be half written: what follows completes it.
        var cursor = rows[snapshot.History.Count + snapshot.CursorRow];
        var after = cursor + screen.After(snapshot.Mark).Replace("\r", "", StringComparison.Ordinal);
        var next = after.Split('\n')
            .TakeWhile(l => l.StartsWith("n-", StringComparison.Ordinal) && !l.StartsWith("the", StringComparison.Ordinal)).ToList();
        Assert.Equal($"n-{known[^1] + 1}", next[0]);
        Assert.Equal(Enumerable.Range(known[^1] + 1, next.Count).Select(i => $"n-{i}"), next);
        await fixture.Sandbox.ShellAsync("rm stop-exact");
    }

    [Fact]
    public async Task A_snapshot_tells_cursor_modes_and_the_full_screen_apart_from_history()
    {
        await using var screen = await Screen.OpenAsync(
            fixture.Sandbox, "modes", "/bin/sh", "-c",
            @"echo before; printf '\033[?1049h\033[?25l\033[?1h\033[?1002h\033[?1006h\033[5;10H\033[31mRED\033[0m'; echo ready >&2; exec sleep 100");
        await screen.UntilAsync("RED");
        var snapshot = await screen.Terminal.SnapshotAsync(100, default);
        Assert.Equal(TerminalModes.CursorHidden | TerminalModes.Alternate | TerminalModes.ApplicationCursor | TerminalModes.MouseButton
            | TerminalModes.MouseSgr, snapshot.Modes);
        Assert.Contains("\u001b[31mRED", snapshot.Screen[4], StringComparison.Ordinal);
        Assert.DoesNotContain(snapshot.Screen, l => l.Contains("before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_terminal_can_begin_in_another_directory_and_is_listed()
    {
        await fixture.Sandbox.ShellAsync("mkdir -p deep/er");
        var (_, project, _) = await fixture.Sandbox.ShellAsync("pwd");
        var before = TimeProvider.System.GetUtcNow();
        var terminal = await fixture.Sandbox.OpenTerminalAsync(
            new TerminalSpec { Name = "elsewhere", WorkingDirectory = project.Trim() + "/deep/er" }, default);
        await using var screen = new Screen(terminal);
        await screen.TypeAsync("pwd; echo $TERM\r");
        await screen.UntilAsync("/deep/er");
        await screen.UntilAsync("tmux-256color");
        var found = Assert.Single(await fixture.Sandbox.TerminalsAsync(default), t => t.Name == "elsewhere");
        Assert.Equal((80, 24), (found.Columns, found.Rows));
        Assert.InRange(found.OpenedAt, before.AddSeconds(-2), before.AddMinutes(1));
        await terminal.CloseAsync(default);
        Assert.DoesNotContain(await fixture.Sandbox.TerminalsAsync(default), t => t.Name == "elsewhere");

        // Its program may read where to begin later than tmux says that it is there: what it reads is not taken away then, only from the
        // next one's beginning on.
        var options = Assert.Single(Directory.GetFiles(fixture.Options, "terminal-*"));
        File.SetLastWriteTimeUtc(options, TimeProvider.System.GetUtcNow().UtcDateTime - TimeSpan.FromHours(1));
        await using var next = await fixture.Sandbox.OpenTerminalAsync(
            new TerminalSpec { Name = "later", WorkingDirectory = project.Trim() }, default);
        Assert.NotEqual(options, Assert.Single(Directory.GetFiles(fixture.Options, "terminal-*")));
        await next.CloseAsync(default);
    }

    [Theory]
    [InlineData("", 80, 24)]
    [InlineData("a b", 80, 24)]
    [InlineData("-x", 80, 24)]
    [InlineData("a;kill-server", 80, 24)]
    [InlineData("a", 1, 24)]
    [InlineData("a", 80, 100000)]
    public async Task A_name_or_size_that_tmux_could_misread_is_refused(string name, int columns, int rows)
    {
        var refused = await Assert.ThrowsAsync<SandboxException>(
            () => fixture.Sandbox.OpenTerminalAsync(new TerminalSpec { Name = name, Columns = columns, Rows = rows }, default));
        Assert.Equal(SandboxError.InvalidSpec, refused.Code);
    }

    /// <summary>A viewer that remembers.</summary>
    private sealed class Screen : IAsyncDisposable
    {
        private readonly StringBuilder _text = new();
        private readonly Lock _gate = new(); // guards text

        private readonly Dictionary<long, int> _marks = [];

        public Screen(ITerminal terminal)
        {
            Terminal = terminal;
            Ended = ReadAsync();
        }

        public ITerminal Terminal { get; }

        public Task Ended { get; }

        public string Text
        {
            get
            {
                lock (_gate)
                {
                    return _text.ToString();
                }
            }
        }

        public static async Task<Screen> OpenAsync(ISandbox sandbox, string name, params string[] command)
            => new(await sandbox.OpenTerminalAsync(new TerminalSpec { Name = name, Command = command }, default));

        public Task TypeAsync(string keys) => Terminal.WriteAsync(Encoding.UTF8.GetBytes(keys), default);

        /// <summary>Waits for text, behind the last occurrence of other text when given.</summary>
        public async Task UntilAsync(string wanted, string after = "")
        {
            try
            {
                await Wait.UntilAsync(() => Text is var all && all.LastIndexOf(after, StringComparison.Ordinal) is >= 0 and var at
                    && all.IndexOf(wanted, after.Length == 0 ? 0 : at + after.Length, StringComparison.Ordinal) >= 0, wanted);
            }
            catch (TimeoutException e)
            {
                throw new TimeoutException($"{e.Message}\n{Text[Math.Max(0, Text.Length - 2000)..]}", e);
            }
        }

        public string After(long mark)
        {
            lock (_gate)
            {
                return _text.ToString(_marks[mark], _text.Length - _marks[mark]);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await Terminal.DisposeAsync();
            await Ended;
        }

        private async Task ReadAsync()
        {
            await foreach (var chunk in Terminal.Output)
            {
                lock (_gate)
                {
                    if (chunk.Mark != 0)
                    {
                        _marks[chunk.Mark] = _text.Length;
                    }

                    _text.Append(chunk.Text);
                }
            }
        }
    }
}
