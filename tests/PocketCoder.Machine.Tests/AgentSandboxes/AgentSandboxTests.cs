using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Sandboxes;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Processes;
using PocketCoder.Testing.ScriptedModel;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>
/// What a hostile program in an agent's place finds in its sandbox. The program is a shell; everything else is as for a real agent.
/// </summary>
public sealed class AgentSandboxTests : IAsyncLifetime
{
    private const UnixFileMode AnyoneWrites = (UnixFileMode)0b110_110_110;
    private const string Key = "sk-real-key-0123456789abcdef";
    private readonly string _folder = Directory.CreateTempSubdirectory("brain-").FullName;
    private readonly Home _home;
    private readonly BubblewrapBackend _backend;
    private readonly string _project;
    private readonly string _state;
    private ScriptedModelServer _model = null!;
    private ModelBroker _broker = null!;

    public AgentSandboxTests()
    {
        OpenToPass(_folder);
        _home = Home.At(Path.Combine(_folder, "home"));
        _home.Prepare();
        _backend = new BubblewrapBackend(new SandboxOptions { StateDirectory = _home.Sandboxes });
        _project = Directory.CreateDirectory(Path.Combine(_folder, "project")).FullName;
        _state = Directory.CreateDirectory(Path.Combine(_folder, "state")).FullName;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _model = await ScriptedModelServer.StartAsync();
        _broker = new ModelBroker(
            new ModelBrokerOptions
            {
                Upstreams = [
                new ModelUpstream(ModelDialect.Anthropic, new Uri(_model.Address), _ => ValueTask.FromResult(Key))]
            }, TimeProvider.System);
    }

    [Fact]
    public async Task The_broker_answers_with_the_real_key_and_nothing_else_is_within_reach()
    {
        var port = new Uri(_model.Address).Port;
        var said = await RunAsync($$"""
            body='{"model":"claude-sonnet-4-5","stream":true,"messages":[{"role":"user","content":"SAY: through"}]}'
            exec 3<>/dev/tcp/127.0.0.1/8787
            printf 'POST /anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nx-api-key: mine\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' "${#body}" "$body" >&3
            timeout 20 grep -m1 -a message_stop <&3
            (exec 4<>/dev/tcp/127.0.0.1/{{port}}) 2> /dev/null && echo HOST-LOOPBACK
            (exec 4<>/dev/tcp/10.255.255.1/80) 2> /dev/null && echo NETWORK
            (exec 4<>/dev/tcp/169.254.169.254/80) 2> /dev/null && echo METADATA
            (exec 4<>/dev/udp/192.0.2.1/53) 2> /dev/null && echo DATAGRAMS
            getent hosts localhost.example.org && echo NAMES
            ls /sys/class/net 2> /dev/null | grep -v '^lo$'
            ls /run/ring
            cat /proc/net/unix | grep -c '@'
            rm -f /run/ring/m 2> /dev/null && echo REMOVED
            mv /run/ring/m /run/ring/n 2> /dev/null && echo MOVED
            ln -s /tmp/x /run/ring/y 2> /dev/null && echo LINKED
            """);

        Assert.Contains("message_stop", said, StringComparison.Ordinal);
        var request = Assert.Single(_model.Requests);
        Assert.Equal(Key, request.Key);
        Assert.All((string[])["HOST-LOOPBACK", "NETWORK", "METADATA", "DATAGRAMS", "NAMES", "REMOVED", "MOVED", "LINKED"],
            w => Assert.DoesNotContain(w, said, StringComparison.Ordinal));
        Assert.Equal(["m", "0"], said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task The_way_to_our_tools_is_a_second_port_and_the_settings_are_roots_own_and_read_only_and_a_repositorys_look_empty()
    {
        Directory.CreateDirectory(Path.Combine(_project, ".gemini"));
        File.WriteAllText(Path.Combine(_project, ".gemini", "settings.json"), "{}");
        var settings = Directory.CreateDirectory(Path.Combine(_state, "settings"), (UnixFileMode)0b111_000_000).FullName;
        await using (var file = new FileStream(Path.Combine(settings, "system.json"),
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = (UnixFileMode)0b110_000_000 }))
        {
            file.Write("mine"u8);
        }

        Socket? listening = null;
        try
        {
            var said = await RunAsync(
                """
                exec 3<>/dev/tcp/127.0.0.1/8788 && echo hello >&3 && head -c5 <&3
                (exec 4<>/dev/tcp/127.0.0.1/8789) 2> /dev/null && echo ANOTHER
                ls /run/ring | tr '\n' ' '; echo
                for p in / /opt /opt/settings /opt/settings/system.json; do stat -c '%u %A' $p | cut -c1-12; done
                cat /opt/settings/system.json; echo
                (echo evil > /opt/settings/system.json) 2> /dev/null && echo WROTE
                ls -A .gemini; (echo evil > .gemini/settings.json) 2> /dev/null && echo WROTE; mv .gemini moved 2> /dev/null && echo MOVED
                grep CapEff /proc/self/status
                mount -t tmpfs none /mnt 2> /dev/null && echo MOUNTED
                """,
                new AgentSandboxNeeds
                {
                    Settings = settings,
                    RootInside = true,
                    Emptied = [".gemini"],
                    Tools = new AgentToolSocket(8788, (path, mode, cancel) =>
                    {
                        listening = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                        listening.Bind(new UnixDomainSocketEndPoint(path));
                        File.SetUnixFileMode(path, mode);
                        listening.Listen();
                        _ = EchoAsync(listening);
                        return Task.CompletedTask;
                    }),
                });
            Assert.Equal(
                ["hellom t ", "0 drwxr-xr-x", "0 drwx------", "0 drwx------", "0 -rw-------", "mine", "CapEff:\t0000000000000000"],
                said.Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(_project, ".gemini", "settings.json"), Token));
        }
        finally
        {
            listening?.Dispose();
        }

        static async Task EchoAsync(Socket listening)
        {
            using var connection = await listening.AcceptAsync();
            var buffer = new byte[5];
            await connection.SendAsync(buffer.AsMemory(0, await connection.ReceiveAsync(buffer)));
        }
    }

    [Fact]
    public async Task The_key_stands_nowhere_in_the_sandbox_and_neither_does_anything_of_the_daemon()
    {
        Environment.SetEnvironmentVariable("POCKETCODER_TEST_CANARY", Key); // the daemon's own environment has it, for one
        File.WriteAllText(Path.Combine(_folder, "secret.txt"), Key);
        try
        {
            var said = await RunAsync($$"""
                part=sk-real-key; daemon=POCKET
                seen=$(cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2> /dev/null | tr '\0' '\n')
                case "$seen" in *"$part-0123"* | *"${daemon}CODER"*) echo "IN-PROC $seen";; esac # by the shell itself: a grep would find its own arguments
                timeout 20 grep -ras -e "$part-0123" /state /tmp /home /run /etc /opt /dev/shm "$CLAUDE_CONFIG_DIR" "$PWD" 2> /dev/null && echo IN-FILES
                cat {{_folder}}/secret.txt 2> /dev/null && echo READ
                ls -A {{_folder}} | grep -v -e '^project$' -e '^state$'
                ls -A {{_home.Root}} {{_home.Sandboxes}} 2> /dev/null && echo DAEMON-FILES
                n=3; while [ $n -lt 64 ]; do [ -e /proc/self/fd/$n ] && [ "$(readlink /proc/self/fd/$n)" != "" ] && readlink /proc/self/fd/$n | grep -v -e '^pipe:' -e '^/proc' -e 'script$' ; n=$((n+1)); done
                env | cut -d= -f1 | sort | tr '\n' ' '; echo
                id -u
                grep CapEff /proc/self/status
                grep Seccomp: /proc/self/status
                unshare -U true 2> /dev/null && echo NAMESPACE
                """);

            Assert.All((string[])["IN-PROC", "IN-FILES", "READ", "DAEMON-FILES", "NAMESPACE", Key],
                w => Assert.DoesNotContain(w, said, StringComparison.Ordinal));
            var lines = said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(4, lines.Length);
            Assert.Equal("CLAUDE_CONFIG_DIR HOME LANG OLDPWD PATH PWD SHLVL TERM USER _", string.Join(
                ' ', lines[0].Split(' ', StringSplitOptions.RemoveEmptyEntries).Append("OLDPWD").Distinct().Order(StringComparer.Ordinal)));
            Assert.Equal("1000", lines[1]);
            Assert.Equal("CapEff:\t0000000000000000", lines[2]);
            Assert.Equal("Seccomp:\t2", lines[3]);
        }
        finally
        {
            Environment.SetEnvironmentVariable("POCKETCODER_TEST_CANARY", null);
        }
    }

    [Fact]
    public async Task The_project_can_be_written_its_settings_that_run_programs_can_not_and_the_state_stays()
    {
        Directory.CreateDirectory(Path.Combine(_project, ".git", "hooks"));
        Directory.CreateDirectory(Path.Combine(_project, ".claude"));
        File.WriteAllText(Path.Combine(_project, ".mcp.json"), "{}");

        var said = await RunAsync("""
            echo mine > made.txt
            for f in .git/hooks/post-checkout .git/config .claude/settings.json .mcp.json; do (echo evil > $f) 2> /dev/null && echo WROTE $f; done
            for f in .git .claude .mcp.json; do mv $f moved 2> /dev/null && echo MOVED $f; rm -rf $f 2> /dev/null && echo REMOVED $f; done
            echo kept > "$CLAUDE_CONFIG_DIR/kept.txt"
            stat -c %u made.txt
            """);

        Assert.Equal("1000\n", said);
        Assert.Equal("mine\n", await File.ReadAllTextAsync(Path.Combine(_project, "made.txt"), Token));
        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(_project, ".mcp.json"), Token));
        Assert.Equal("kept\n", await File.ReadAllTextAsync(Path.Combine(_state, "kept.txt"), Token));
        Assert.Equal("kept\n", await RunAsync("cat \"$CLAUDE_CONFIG_DIR/kept.txt\""));
    }

    [Fact]
    public async Task A_program_that_begins_in_a_folder_writes_the_whole_project_and_no_settings_on_the_way_there()
    {
        foreach (var settings in (string[])[".claude/settings.json", "packages/.mcp.json", "packages/web/.claude/settings.json",
            "packages/web/.gemini/settings.json", "packages/.gemini/settings.json"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_project, settings))!);
            File.WriteAllText(Path.Combine(_project, settings), "{}");
        }

        var said = await RunAsync(
            """
            pwd
            echo mine > ../../made.txt
            for f in ../../.claude/settings.json ../.mcp.json .claude/settings.json; do (echo evil > $f) 2> /dev/null && echo WROTE $f; done
            mv .claude moved 2> /dev/null && echo MOVED
            ls -A .gemini ../.gemini | tr '\n' ' '
            """,
            new AgentSandboxNeeds { Emptied = [".gemini"] }, "packages/web");

        Assert.Equal($"{_project}/packages/web\n../.gemini:  .gemini: ", said);
        Assert.Equal("mine\n", await File.ReadAllTextAsync(Path.Combine(_project, "made.txt"), Token));
        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(_project, "packages/web/.claude/settings.json"), Token));

        File.CreateSymbolicLink(Path.Combine(_project, "packages/.opencode"), "/etc");
        var refused = await Assert.ThrowsAsync<AgentException>(
            () => RunAsync("pwd", new AgentSandboxNeeds { Emptied = [".opencode"] }, "packages/web"));
        Assert.Contains("packages/.opencode", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_port_of_its_loopback_is_reached_from_outside_without_a_socket_in_its_reach()
    {
        await using var child = await StartAsync(
            "socat TCP-LISTEN:9000,bind=127.0.0.1,reuseaddr,fork EXEC:/bin/cat & while ! (exec 3<>/dev/tcp/127.0.0.1/9000) 2> /dev/null; do sleep 0.05; done; echo up; wait");
        using var output = new StreamReader(child.StandardOutput, Encoding.UTF8, leaveOpen: true);
        Assert.Equal("up", await output.ReadLineAsync(Token));
        var sent = new byte[1 << 20];
        Random.Shared.NextBytes(sent);
        await using var other = await child.ConnectAsync(9000, Token);
        await using (var connection = await child.ConnectAsync(9000, Token))
        {
            var received = new byte[sent.Length];
            var reading = connection.ReadExactlyAsync(received, Token);
            await connection.WriteAsync(sent, Token);
            await reading;
            Assert.Equal(sent, received);
        }

        await other.WriteAsync("still"u8.ToArray(), Token);
        var rest = new byte[5];
        await other.ReadExactlyAsync(rest, Token);
        Assert.Equal("still", Encoding.UTF8.GetString(rest));
        await using var nobody = await child.ConnectAsync(9001, Token);
        Assert.Equal(0, await nobody.ReadAsync(rest, Token));
    }

    [Fact]
    public async Task Its_end_leaves_no_sandbox_no_mount_and_no_socket()
    {
        var child = await StartAsync("sleep 1000");
        Assert.True(Directory.EnumerateDirectories(_home.Sandboxes, "b*").Any());
        await child.KillAsync(TimeSpan.Zero);
        Assert.NotEqual(0, await child.Exited);
        await child.DisposeAsync();

        Assert.Empty(Directory.EnumerateDirectories(_home.Sandboxes, "b*"));
        Assert.DoesNotContain(_home.Sandboxes, await File.ReadAllTextAsync("/proc/self/mounts", Token), StringComparison.Ordinal);
        Assert.True(Directory.Exists(_state));
    }

    [Fact]
    public async Task A_ring_that_a_killed_daemon_left_is_ended_by_the_next_one()
    {
        await using var left = await StartAsync("sleep 1000");
        foreach (var sandbox in await new BubblewrapBackend(new SandboxOptions { StateDirectory = _home.Sandboxes }).RecoverAsync(Token))
        {
            await sandbox.KillAsync(Token);
        }

        Assert.NotEqual(0, await left.Exited);
        Assert.Empty(Directory.EnumerateDirectories(_home.Sandboxes, "b*"));
        Assert.True(Directory.Exists(_state));
    }

    public async ValueTask DisposeAsync()
    {
        await _broker.DisposeAsync();
        await _model.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        if (Directory.Exists(_home.Sandboxes))
        {
            Directory.Delete(_home.Sandboxes, recursive: true);
        }
    }

    /// <summary>The sandbox's user is another one when the tests run as root.</summary>
    private static void OpenToPass(string folder)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }
    }

    private Task<IAgentChild> StartAsync(string script, AgentSandboxNeeds? needs = null, string folder = "")
    {
        var sandbox = new AgentSandbox(
            _backend,
            _project,
            _state,
            (socket, ct) => _broker.OpenAsync(
                new ModelEndpointOptions(Guid.CreateVersion7(), Guid.CreateVersion7(), socket) { SocketMode = AnyoneWrites }, ct),
            AnyoneWrites);
        return sandbox.StartAsync(
            new ProcessStart
            {
                Program = "/usr/bin/bash",
                Arguments = ["-c", script],
                WorkingDirectory = Path.TrimEndingDirectorySeparator(Path.Combine(_project, folder)),
                Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["CLAUDE_CONFIG_DIR"] = _state },
            },
            needs ?? AgentSandboxNeeds.None,
            Token);
    }

    private async Task<string> RunAsync(string script, AgentSandboxNeeds? needs = null, string folder = "")
    {
        await using var child = await StartAsync(script, needs, folder);
        child.StandardInput.Close();
        using var errors = new StreamReader(child.StandardError, Encoding.UTF8);
        using var output = new StreamReader(child.StandardOutput, Encoding.UTF8);
        var failed = errors.ReadToEndAsync(Token);
        var said = await output.ReadToEndAsync(Token);
        await child.Exited;
        TestContext.Current.TestOutputHelper?.WriteLine($"{said}\n--- errors\n{await failed}");
        return said;
    }
}
