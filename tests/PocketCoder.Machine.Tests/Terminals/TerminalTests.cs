using System.Text;
using System.Text.Json;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Terminals;

/// <summary>Terminals in real sandboxes, as a device sees them.</summary>
public sealed class TerminalTests
{
    [Fact]
    public async Task A_person_types_in_the_sandbox_sees_the_answer_and_each_line_is_that_devices_own_row()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");

        await view.TypeAsync("echo in-$((6*7)); hostname; cat /etc/shadow\r");
        await view.UntilAsync("in-42");
        await view.UntilAsync("hands");
        await view.UntilAsync("$ ", after: "hands");
        await view.TypeAsync("wrong\u007f\u007f\u007f\u007f\u007fecho second\r");
        await view.UntilAsync("second");
        await view.CloseAsync();

        var rows = await RowsAsync(phone.Device, session);
        Assert.Equal(["terminal_opened", "terminal_command", "terminal_command", "terminal_closed"],
            rows.Select(r => r.GetProperty("kind").GetString()).Where(k => k!.StartsWith("terminal", StringComparison.Ordinal)));
        var commands = rows.Where(r => r.GetProperty("kind").GetString() == "terminal_command").ToList();
        Assert.Equal(["echo in-$((6*7)); hostname; cat /etc/shadow", "echo second"],
            commands.Select(c => c.GetProperty("data").GetProperty("line").GetString()));
        Assert.All(commands, c =>
        {
            Assert.Equal(phone.Device.Hello.DeviceId, c.GetProperty("deviceId").GetString());
            Assert.Equal("bubblewrap", c.GetProperty("sandbox").GetString());
            Assert.True(c.GetProperty("data").GetProperty("exact").GetBoolean());
        });
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_password_is_not_kept_and_what_history_brought_is_told_from_the_screen()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");

        await view.TypeAsync("read -s -p 'Password: ' it; echo got-${#it}\r");
        await view.UntilAsync("\rPassword: ");
        await view.TypeAsync("hunter2\r");
        await view.UntilAsync("got-7");
        await view.TypeAsync("echo from-''history\r");
        await view.UntilAsync("from-history");
        await view.UntilAsync("$ ", after: "from-history");
        await view.TypeAsync("\u001b[A");
        await view.UntilAsync("from-''history", after: "$ ");
        await view.TypeAsync("\r");
        await view.UntilAsync("from-history\r\n", after: "from-''history");
        await view.CloseAsync();

        var typed = (await RowsAsync(phone.Device, session)).Where(r => r.GetProperty("kind").GetString() == "terminal_command")
            .Select(r => r.GetProperty("data")).ToList();
        Assert.Equal(4, typed.Count);
        Assert.False(typed[1].TryGetProperty("line", out _));
        Assert.False(typed[1].TryGetProperty("length", out _));
        Assert.Contains("Password:", typed[1].GetProperty("shown").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", string.Concat(typed), StringComparison.Ordinal);
        Assert.False(typed[3].GetProperty("exact").GetBoolean());
        Assert.Contains("echo from-''history", typed[3].GetProperty("shown").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_typed_into_a_full_screen_program_is_not_kept()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");
        await view.TypeAsync("printf '\\033[?1049h'; cat\r");
        await view.UntilAsync("\u001b[?1049h");
        await view.TypeAsync("API_KEY=secret\r");
        await view.UntilAsync("API_KEY=secret\r\nAPI_KEY=secret");
        await view.TypeAsync("\u0003");
        await view.UntilAsync("$", after: "^C"); // what is typed before the shell is back may be thrown away with the interrupt
        await view.TypeAsync("printf '\\033[?1049l'; echo back-''again\r");
        await view.UntilAsync("back-again");
        await view.TypeAsync("echo command\r");
        await view.UntilAsync("command\r\n", after: "echo command\r\n");
        await view.CloseAsync();

        var typed = (await RowsAsync(phone.Device, session)).Where(r => r.GetProperty("kind").GetString() == "terminal_command")
            .Select(r => r.GetProperty("data")).ToList();
        Assert.Equal(4, typed.Count);
        Assert.DoesNotContain("secret", string.Concat(typed), StringComparison.Ordinal);
        Assert.False(typed[1].TryGetProperty("line", out _));
        Assert.Equal("echo command", typed[3].GetProperty("line").GetString());
    }

    [Fact]
    public async Task A_device_without_decide_looks_and_never_types_and_a_stranger_name_is_no_terminal()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var guest = await daemon.PairAsync("guest", Scope.View);
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");
        await using var looks = await TerminalView.AttachAsync(guest, session, "main", columns: 20);
        Assert.False(looks.MayType);
        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => looks.TypeAsync("echo never\r")));
        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(() => looks.ResizeAsync(30, 30)));
        Assert.Equal(ErrorCode.Unauthorized, await RefusedAsync(looks.CloseAsync));
        await view.TypeAsync("echo seen-by-''both; stty size\r");
        await looks.UntilAsync("seen-by-both");
        await looks.UntilAsync("24 80");
        Assert.Equal(2, Assert.Single(await ListAsync(phone.Device)).Viewers);
        Assert.Equal(ErrorCode.TerminalNotFound, await RefusedAsync(() => TerminalView.AttachAsync(guest, session, "other")));
        Assert.Equal(ErrorCode.SessionNotFound, await RefusedAsync(() => TerminalView.AttachAsync(guest, Guid.CreateVersion7(), "main")));
        await view.CloseAsync();
        await looks.EndedAsync();
        Assert.Empty(await ListAsync(phone.Device));
    }

    [Fact]
    public async Task A_session_without_a_sandbox_has_no_terminal_and_says_what_to_do()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello");
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => TerminalView.OpenAsync(phone.Device, session, "main"));
        Assert.Equal(ErrorCode.SandboxUnavailable, refused.Error.Code);
        Assert.Contains("sandbox", refused.Error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await RowsAsync(phone.Device, session), r => r.GetProperty("kind").GetString() == "terminal_opened");
    }

    [Theory]
    [InlineData("", 80, 24)]
    [InlineData("-x", 80, 24)]
    [InlineData("a b", 80, 24)]
    [InlineData("a;kill-server", 80, 24)]
    [InlineData("name-that-is-longer-than-32-chars", 80, 24)]
    [InlineData("a", 1, 24)]
    [InlineData("a", 80, 501)]
    public async Task Names_and_sizes_are_checked(string name, int columns, int rows)
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        Assert.Equal(ErrorCode.InvalidRequest,
            await RefusedAsync(() => TerminalView.OpenAsync(phone.Device, session, name, columns, rows)));
        Assert.Equal(ErrorCode.InvalidRequest,
            await RefusedAsync(() => TerminalView.OpenAsync(phone.Device, session, "main", cwd: "../up")));
    }

    [Fact]
    public async Task Two_devices_share_it_and_the_one_who_types_has_the_size()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var desktop = await daemon.PairAsync("desk");
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var small = await TerminalView.OpenAsync(phone.Device, session, "main", 40, 20);
        await using var large = await TerminalView.AttachAsync(desktop, session, "main", 120, 50);
        await Wait.UntilAsync(() => small.Columns == 120 && large.Columns == 120, "the size of whoever came last");
        // tmux takes a moment to tell the program
        await small.TypeAsync("until [ \"$(stty size)\" = '20 40' ]; do sleep 0.05; done; echo b''oth\r");
        await large.UntilAsync("both");
        await Wait.UntilAsync(() => large.Columns == 40, "the size of whoever types");
        await large.ResizeAsync(100, 30);
        await Wait.UntilAsync(() => small is { Columns: 100, Rows: 30 }, "the size of whoever resizes");

        await large.TypeAsync("echo to");
        await large.UntilAsync("echo to");
        await small.TypeAsync("gether\r");
        await large.UntilAsync("together\r\n", after: "echo");
        var row = (await RowsAsync(phone.Device, session)).Last(r => r.GetProperty("kind").GetString() == "terminal_command");
        Assert.Equal("echo together", row.GetProperty("data").GetProperty("line").GetString());
        Assert.Equal(phone.Device.Hello.DeviceId, row.GetProperty("deviceId").GetString());
        Assert.Equal(desktop.Hello.DeviceId, row.GetProperty("data").GetProperty("alsoTypedBy")[0].GetString());
        await small.CloseAsync();
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task After_a_flood_the_machine_comes_to_rest_and_gives_back_what_it_needed()
    {
        var rests = 0;
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { Rests = () => Interlocked.Increment(ref rests) });
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");

        // The row of the line is the last thing that the machine announces: its rest comes while the command still sleeps.
        var before = Volatile.Read(ref rests);
        await view.TypeAsync($"until [ -e go ]; do sleep 0.1; done; seq 1 100000; echo flood-''over\r");
        await Wait.UntilAsync(() => Volatile.Read(ref rests) > before, "the rest after the line was typed");
        before = Volatile.Read(ref rests);
        await File.WriteAllTextAsync(Path.Combine(phone.Project.Path, "go"), "");
        await view.UntilAsync("flood-over");

        await Wait.UntilAsync(() => Volatile.Read(ref rests) > before, "the rest after the flood");
    }

    [Fact]
    public async Task A_flood_is_skipped_for_the_one_who_is_slow_and_a_redraw_shows_the_end()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var desktop = await daemon.PairAsync("desk");
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var fast = await TerminalView.OpenAsync(phone.Device, session, "main");
        await using var slow = await TerminalView.AttachAsync(desktop, session, "main");
        slow.Paused = true;
        await fast.TypeAsync("seq 1 200000; echo flood-''over\r");
        await fast.UntilAsync("flood-over");
        Assert.InRange(slow.Length, 0, TerminalLimits.Window + TerminalLimits.OutputLength + (64 * 1024));
        slow.Paused = false;
        await slow.UntilAsync("flood-over");
        Assert.True(slow.Skipped);
        Assert.Contains("200000", slow.Text, StringComparison.Ordinal);

        await fast.TypeAsync("yes\r");
        await fast.UntilAsync("y\r\ny\r\ny");
        await fast.TypeAsync("\u0003");
        await fast.UntilAsync("$", after: "y\r\n");
        await fast.TypeAsync("echo still-''here\r");
        await fast.UntilAsync("still-here");
        await fast.CloseAsync();
    }

    [Fact]
    public async Task What_could_act_on_the_device_does_not_reach_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");
        await view.TypeAsync(
            """printf 'a\033]52;c;ZXZpbA==\a\033]0;T\a\033Ptmux;\033\033]52;c;eA==\a\033\\\033[c\033[6n\033_x\033\\b\n'; echo tri''cks-done""" + "\r");
        await view.UntilAsync("tricks-done");
        await view.UntilAsync("$ ", after: "tricks-done");
        var written = view.Text[view.Text.IndexOf("\r\n", StringComparison.Ordinal)..];
        Assert.DoesNotContain("\u001b]", written, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001bP", written, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b_", written, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[c", written, StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b[6n", written, StringComparison.Ordinal);
        var capture = await phone.Device.AskAsync(
            MessageTypes.TerminalCapture, new TerminalCaptureRequest(session, "main"), ProtocolJson.Default.TerminalCaptureRequest,
            ProtocolJson.Default.TerminalCaptureResponse);
        Assert.Contains("tricks-done\n", capture.Text, StringComparison.Ordinal);
        await view.CloseAsync();
    }

    [Fact]
    public async Task It_goes_on_through_a_restart_of_the_daemon_with_its_program_and_its_screen()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using (var view = await TerminalView.OpenAsync(phone.Device, session, "main", 90, 30))
        {
            await view.TypeAsync("KEPT=kept-$((40+2)); echo bef''ore\r");
            await view.UntilAsync("before");
        }

        await phone.DoneAsync();
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        var found = Assert.Single(await ListAsync(again));
        Assert.Equal((90, 30, session), (found.Columns, found.Rows, found.AgentSessionId));
        await using var back = await TerminalView.AttachAsync(again, session, "main");
        await back.UntilAsync("before");
        await back.TypeAsync("echo $KEPT\r");
        await back.UntilAsync("kept-42");
        if (Machine.Executions.SandboxService.HasNetwork)
        {
            // Its way to the network is a new daemon's: the proxy answers, if only to refuse.
            await back.TypeAsync(
                "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://127.0.0.1/ HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' >&3; head -n 1 <&3; echo as''ked\r");
            await back.UntilAsync("asked\r\n", after: "HTTP/1.1 4");
        }

        await back.CloseAsync();
        await phone.DisposeAsync();
    }

    [Fact]
    public async Task It_ends_with_its_shell_and_the_number_of_them_is_bounded()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");
        for (var i = 1; i < TerminalLimits.PerSession; i++)
        {
            await OpenAsync(phone.Device, session, $"more-{i}");
        }

        Assert.Equal(ErrorCode.DaemonBusy, await RefusedAsync(() => OpenAsync(phone.Device, session, "too-many")));
        Assert.False((await OpenAsync(phone.Device, session, "more-1")).Opened);
        await view.TypeAsync("exit\r");
        await view.EndedAsync();
        await Wait.UntilAsync(async () => (await ListAsync(phone.Device)).Count == TerminalLimits.PerSession - 1, "it is off the list");
        Assert.Equal(ErrorCode.TerminalNotFound, await RefusedAsync(() => view.TypeAsync("x")));
        foreach (var left in await ListAsync(phone.Device))
        {
            await phone.Device.AskAsync(MessageTypes.TerminalClose, new TerminalCloseRequest(session, left.Name),
                ProtocolJson.Default.TerminalCloseRequest, ProtocolJson.Default.TerminalCloseResponse);
        }
    }

    [Fact]
    public async Task A_revoked_device_stops_seeing()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var lost = await daemon.PairAsync("lost");
        var session = await phone.StartAsync("hello", SandboxKind.Bubblewrap);
        await using var view = await TerminalView.OpenAsync(phone.Device, session, "main");
        await using var seen = await TerminalView.AttachAsync(lost, session, "main");
        await daemon.Daemon.AsOwner().RevokeDeviceAsync(lost.Hello.DeviceId, CancellationToken.None);
        await lost.Over.WaitAsync(Wait.Limit);
        await Wait.UntilAsync(async () => (await ListAsync(phone.Device)).Single().Viewers == 1, "its view is over");
        await view.CloseAsync();
    }

    internal static async Task<IReadOnlyList<JsonElement>> RowsAsync(TestDevice device, Guid session)
    {
        var rows = await device.AskAsync(
            MessageTypes.LedgerList, new LedgerListRequest(Limit: 200, AgentSessionId: session), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        return [.. rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)];
    }

    internal static async Task<IReadOnlyList<TerminalInfo>> ListAsync(TestDevice device) => (await device.AskAsync(
        MessageTypes.TerminalList, new TerminalListRequest(), ProtocolJson.Default.TerminalListRequest,
        ProtocolJson.Default.TerminalListResponse)).Terminals;

    private static Task<TerminalOpenResponse> OpenAsync(TestDevice device, Guid session, string name) => device.AskAsync(
        MessageTypes.TerminalOpen, new TerminalOpenRequest(session, name), ProtocolJson.Default.TerminalOpenRequest,
        ProtocolJson.Default.TerminalOpenResponse);

    private static async Task<ErrorCode> RefusedAsync(Func<Task> work) => (await Assert.ThrowsAsync<WireErrorException>(work)).Error.Code;
}
