using System.Net.Sockets;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests.Bubblewrap;

public sealed class LifecycleTests
{
    [Fact]
    public async Task Killing_a_session_leaves_nothing_on_the_host()
    {
        await using var ground = new Ground();
        var sandbox = await ground.CreateAsync();
        await sandbox.OpenTerminalAsync(new TerminalSpec { Name = "t" }, default);
        var execs = new List<ISandboxExec>();
        for (var i = 0; i < 4; i++)
        {
            execs.Add(await sandbox.ExecAsync(
                new ExecSpec
                {
                    Command = ["/bin/sh", "-c",
                    "trap '' TERM INT HUP; setsid sleep 600 & mkdir -p ~/a/b; chmod 0 ~/a; echo up; while :; do sleep 1; done"],
                    Spooled = i % 2 == 0
                }, default));
            using var reader = new StreamReader(execs[^1].StandardOutput);
            Assert.Equal("up", await reader.ReadLineAsync());
        }

        Assert.NotEmpty(ground.Leftovers());
        await sandbox.KillAsync(default);
        Assert.False(sandbox.IsAlive);
        Assert.Empty(ground.Leftovers());
        foreach (var exec in execs)
        {
            Assert.NotEqual(ExecEnd.Exited, (await exec.Exited.WaitAsync(Wait.Limit)).End);
        }

        await sandbox.KillAsync(default); // again does no harm
        var lost = await Assert.ThrowsAsync<SandboxException>(() => sandbox.ExecAsync(new ExecSpec { Command = ["true"] }, default));
        Assert.Equal(SandboxError.Lost, lost.Code);
    }

    [Fact]
    public async Task A_session_that_somebody_kills_from_outside_is_lost_and_says_so()
    {
        await using var ground = new Ground();
        var sandbox = (BubblewrapSandbox)await ground.CreateAsync();
        await using var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["sleep", "600"] }, default);
        Assert.True(ProcessGroup.TrySignal(sandbox.State.Holder, 9));
        var outcome = await exec.Exited.WaitAsync(Wait.Limit);
        Assert.Equal((ExecEnd.Lost, -1), (outcome.End, outcome.ExitCode));
        Assert.False(sandbox.IsAlive);
    }

    [Fact]
    public async Task An_id_is_used_once()
    {
        await using var ground = new Ground();
        await ground.CreateAsync(ground.Spec("same"));
        var refused = await Assert.ThrowsAsync<SandboxException>(() => ground.CreateAsync(ground.Spec("same")));
        Assert.Equal(SandboxError.Exists, refused.Code);
    }

    [Fact]
    public async Task A_session_that_can_not_start_says_why_and_leaves_nothing()
    {
        await using var ground = new Ground();
        var spec = ground.Spec() with { WorkspaceInside = "/" + new string('x', 300) };
        var refused = await Assert.ThrowsAsync<SandboxException>(() => ground.CreateAsync(spec));
        Assert.Equal(SandboxError.StartFailed, refused.Code);
        Assert.Contains("xxx", refused.Message, StringComparison.Ordinal);
        Assert.Empty(ground.Leftovers());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/usr")]
    [InlineData("/etc/x")]
    [InlineData("/proc")]
    [InlineData("/home")]
    [InlineData("relative")]
    [InlineData("/a/../b")]
    [InlineData("/nowhere/at/all")]
    [InlineData("//")]
    [InlineData("//tmp")]
    [InlineData("/tmp/")]
    public async Task A_folder_of_the_system_or_one_that_is_not_there_is_no_project(string path)
    {
        await using var ground = new Ground();
        var refused = await Assert.ThrowsAsync<SandboxException>(() => ground.CreateAsync(ground.Spec() with { Workspace = path }));
        Assert.True(refused.Code is SandboxError.WorkspaceRefused or SandboxError.InvalidSpec);
        if (path != "/nowhere/at/all")
        {
            refused = await Assert.ThrowsAsync<SandboxException>(() => ground.CreateAsync(ground.Spec() with { WorkspaceInside = path }));
            Assert.True(refused.Code is SandboxError.WorkspaceRefused or SandboxError.InvalidSpec);
        }
    }

    [Fact]
    public async Task Another_path_inside_and_read_only_binds_are_kept()
    {
        await using var ground = new Ground();
        var spec = ground.Spec();
        Directory.CreateDirectory(Path.Combine(ground.Root, "extra"));
        await File.WriteAllTextAsync(Path.Combine(ground.Root, "extra", "file"), "extra");
        var sandbox = await ground.CreateAsync(
            spec with { WorkspaceInside = "/work", ReadOnlyBinds = [new(Path.Combine(ground.Root, "extra"), "/opt/extra")] });
        var (_, output, errors) = await sandbox.ShellAsync("pwd; cat /opt/extra/file; touch /opt/extra/x; ls " + ground.Root);
        Assert.Equal("/work\nextra", output);
        Assert.Contains("Read-only", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_project_can_be_read_only_and_then_stays_as_it_is()
    {
        await using var ground = new Ground();
        var spec = ground.Spec();
        await File.WriteAllTextAsync(Path.Combine(spec.Workspace, "kept"), "as it was");
        var sandbox = await ground.CreateAsync(spec with { WorkspaceReadOnly = true });
        var (_, output, _) = await sandbox.ShellAsync(
            "cat kept; echo x >> kept; echo x > new; rm kept; mv kept moved; mkdir d; chmod 777 kept; mount -o remount,rw . ; echo y > new; echo z > /tmp/own && cat /tmp/own");
        Assert.Equal("as it wasz", output.Replace("\n", "", StringComparison.Ordinal));
        Assert.Equal("as it was", await File.ReadAllTextAsync(Path.Combine(spec.Workspace, "kept")));
        Assert.Equal(["kept"], Directory.EnumerateFileSystemEntries(spec.Workspace).Select(Path.GetFileName));
        await Assert.ThrowsAsync<SandboxException>(
            () => ground.CreateAsync(spec with { Id = "pinned", WorkspaceReadOnly = true, Pinned = [spec.Workspace + "/kept"] }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_folder_beside_the_project_is_read_only_but_for_its_named_parts(bool roots)
    {
        Assert.SkipUnless(Ground.IsRoot || !roots, "only root's daemon has this case");
        await using var ground = new Ground();
        string Folder(string name) => roots ? Directory.CreateDirectory(Path.Combine(ground.Root, name)).FullName : ground.Project(name);
        var spec = ground.Spec() with { Workspace = Folder("own") };
        var side = Folder("side");
        var (open, shut) = (Folder("side/open"), Folder("side/open/shut"));
        await File.WriteAllTextAsync(Path.Combine(side, "kept"), "as it was");
        var sandbox = await ground.CreateAsync(
            spec with { Side = new SideFolder(side, [open]), ReadOnlyBinds = [new(shut)] });
        var (_, output, _) = await sandbox.ShellAsync(
            $"cat {side}/kept; echo x >> {side}/kept; echo x > {side}/new; mv {open} {side}/moved; rmdir {shut}; echo x > {shut}/new; echo y > {open}/made && cat {open}/made; echo z > inside && cat inside");
        Assert.Equal("as it wasyz", output.Replace("\n", "", StringComparison.Ordinal));
        Assert.Equal("as it was", await File.ReadAllTextAsync(Path.Combine(side, "kept")));
        Assert.Equal(["kept", "open"], Directory.EnumerateFileSystemEntries(side).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(["made", "shut"], Directory.EnumerateFileSystemEntries(open).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Empty(Directory.EnumerateFileSystemEntries(shut));
        await sandbox.KillAsync(CancellationToken.None);
        // of this sandbox: those of a run that was killed may still be there
        Assert.DoesNotContain(await File.ReadAllLinesAsync("/proc/self/mountinfo"),
            m => m.Contains("/own/side", StringComparison.Ordinal)
                && m.Contains(Path.GetFileName(ground.Root), StringComparison.Ordinal));
        Assert.True(File.Exists(Path.Combine(open, "made")));

        if (Ground.IsRoot && !roots)
        {
            var theirs = Directory.CreateDirectory(Path.Combine(ground.Root, "theirs")).FullName;
            await Assert.ThrowsAsync<SandboxException>(() => ground.CreateAsync(spec with { Id = "theirs", Side = new(theirs, []) }));
        }

        foreach (var wrong in (SideFolder[])[new(ground.Root, []), new(spec.Workspace, []), new(side, [spec.Workspace]), new(side + "/no", []),
            new("/etc", [])])
        {
            await Assert.ThrowsAsync<SandboxException>(() => ground.CreateAsync(spec with { Id = "wrong", Side = wrong }));
        }
    }

    [Fact]
    public async Task A_relay_leads_a_port_inside_to_a_socket_of_ours_and_nowhere_else()
    {
        Assert.SkipWhen(Executables.Find("socat", "/usr/bin:/bin") is null, "socat is not installed");
        await using var ground = new Ground();
        var sandbox = await ground.CreateAsync(ground.Spec() with { Relays = [new(3128, "proxy.sock")] });
        var path = Path.Combine(sandbox.SocketDirectory!, "proxy.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("666", 8));
        listener.Listen();
        var answering = Task.Run(async () =>
        {
            using var connection = await listener.AcceptAsync();
            await connection.SendAsync("hello from outside"u8.ToArray());
        });
        const string ask =
            """socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die "refused"; print while <S>;""";
        var (_, output, errors) = await sandbox.RunAsync(new ExecSpec { Command = ["perl", "-MSocket", "-e", ask, "3128"] });
        Assert.Equal(("hello from outside", ""), (output, errors));
        await answering.WaitAsync(Wait.Limit);
        Assert.Contains("refused", (await sandbox.RunAsync(new ExecSpec { Command = ["perl", "-MSocket", "-e", ask, "3129"] })).Errors,
            StringComparison.Ordinal);

        // The agent can't kill the relay: it is one ring further out.
        var (_, seen, _) = await sandbox.ShellAsync("for p in /proc/[0-9]*; do cat $p/comm; done");
        Assert.DoesNotContain("socat", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_relay_that_can_not_listen_ends_the_start_with_its_reason()
    {
        Assert.SkipWhen(Executables.Find("socat", "/usr/bin:/bin") is null, "socat is not installed");
        await using var ground = new Ground();
        var refused = await Assert.ThrowsAsync<SandboxException>(
            () => ground.CreateAsync(ground.Spec() with { Relays = [new(3128, "proxy.sock"), new(80, "proxy.sock")] }));
        Assert.Equal(SandboxError.StartFailed, refused.Code);
        Assert.Contains(":80", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Specs_of_any_shape_are_refused_with_a_reason_or_work()
    {
        await using var ground = new Ground();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var spec = ground.Spec();
        string[] pieces = ["a", "-", "/", "..", "\0", "\n", " ", "é", "--bind", "/work", "$(id)", "'", "x", "/tmp", ""];
        string Word() => string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => pieces[random.Next(pieces.Length)]));
        for (var i = 0; i < 40; i++)
        {
            var odd = spec with
            {
                Id = random.Next(2) == 0 ? $"f{i}" : Word(),
                HostName = random.Next(2) == 0 ? "h" : Word(),
                WorkspaceInside = random.Next(2) == 0 ? null : "/" + Word(),
                Environment = new Dictionary<string, string> { [random.Next(2) == 0 ? "A" : Word()] = Word() },
                Limits = spec.Limits with { Processes = random.Next(-1, 100), OpenFiles = random.Next(2) == 0 ? 64 : random.Next(-5, 100) },
            };
            try
            {
                var sandbox = await ground.CreateAsync(odd);
                var (outcome, output, errors) = await sandbox.ShellAsync("printf %s \"$A\"; exit 7");
                Assert.True(outcome.ExitCode == 7, $"seed {seed}: {errors}");
                Assert.Equal(odd.Environment.GetValueOrDefault("A", ""), output);
                await sandbox.KillAsync(default);
            }
            catch (SandboxException e)
            {
                Assert.True(e.Code is SandboxError.InvalidSpec or SandboxError.WorkspaceRefused or SandboxError.StartFailed,
                    $"seed {seed}: {e.Code} {e.Message}");
            }
        }
    }

    [Fact]
    public async Task The_probe_runs_the_real_recipe_and_says_what_it_saw()
    {
        await using var ground = new Ground();
        var probe = await ground.Backend.ProbeAsync(default);
        Assert.True(probe.Usable, string.Join('\n', probe.Reasons));
        Assert.Equal(SandboxKind.Bubblewrap, probe.Kind);
        Assert.Equal("2", probe.Facts["inside.seccomp"]);
        Assert.Equal("1000", probe.Facts["inside.user"]);
        Assert.Equal("lo,", probe.Facts["inside.network"]);
        Assert.Equal("refused", probe.Facts["inside.namespaces"]);
        if (Ground.IsRoot && Directory.Exists("/sys/fs/cgroup/memory"))
        {
            Assert.Equal(LimitSource.CgroupV1, probe.Limits);
        }
    }

    [Fact]
    public async Task The_probe_says_what_to_install_when_something_is_missing()
    {
        await using var ground = new Ground();
        var probe = await new BubblewrapBackend(ground.Options with { SearchPath = "/nowhere" }).ProbeAsync(default);
        Assert.False(probe.Usable);
        Assert.Contains(probe.Reasons, r => r.Contains("apt-get install bubblewrap", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Root_gives_its_own_project_to_a_user_of_the_free_range_and_gets_the_files_back_as_its_own()
    {
        Assert.SkipUnless(Ground.IsRoot, "only root's daemon has this case");
        await using var ground = new Ground();
        var project = Path.Combine(ground.Root, "roots");
        Directory.CreateDirectory(project);
        File.SetUnixFileMode(project, SessionFolder.Private);
        await File.WriteAllTextAsync(Path.Combine(project, "mine"), "root's\n");
        File.SetUnixFileMode(Path.Combine(project, "mine"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var sandbox = (BubblewrapSandbox)await ground.CreateAsync(ground.Spec() with { Workspace = project });
        Assert.Equal(ground.Options.FirstUser, sandbox.State.User);

        var (outcome, output, errors) = await sandbox.ShellAsync("cat mine; echo new > made; echo more >> mine; id -u; pwd");
        Assert.Equal(("", 0), (errors, outcome.ExitCode));
        Assert.Equal($"root's\n1000\n{project}\n", output);
        Assert.Equal((0u, 0u), Native.OwnerOf(Path.Combine(project, "made")));
        Assert.Equal("root's\nmore\n", await File.ReadAllTextAsync(Path.Combine(project, "mine")));

        // Inside and outside it is an ordinary user all the same: no process of the session is root on the host.
        await using var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["sleep", "60"] }, default);
        await Wait.UntilAsync(() => ProcessGroup.WithDescendants(sandbox.State.Launcher).Count >= 3, "the holder");
        Assert.All(ProcessGroup.WithDescendants(sandbox.State.Launcher),
            p => Assert.Equal(ground.Options.FirstUser, Native.OwnerOf($"/proc/{p.Pid}")!.Value.User));

        var second = (BubblewrapSandbox)await ground.CreateAsync(ground.Spec() with { Workspace = project });
        Assert.Equal(ground.Options.FirstUser + 1, second.State.User);
        await sandbox.KillAsync(default);
        await second.KillAsync(default);
        Assert.Equal("new\n", await File.ReadAllTextAsync(Path.Combine(project, "made")));
        Assert.Empty(ground.Leftovers());
    }

    [Fact]
    public async Task The_sessions_user_can_swap_no_folder_that_root_walks_along()
    {
        Assert.SkipUnless(Ground.IsRoot, "only root's daemon has this case");
        await using var ground = new Ground();
        var sandbox = await ground.CreateAsync(ground.Spec("walls"));
        await using var exec = await sandbox.ExecAsync(new ExecSpec { Command = ["sleep", "60"], Spooled = true, Id = "e" }, default);
        var root = Path.Combine(ground.Options.StateDirectory, "walls");
        var user = Ground.Owner.ToString(System.Globalization.CultureInfo.InvariantCulture);
        foreach (var path in (string[])["own", "own/home", "own/tmp", "own/sockets", "own/spool", "own/spool/e", "files", "options",
            "commands"])
        {
            var result = await CommandRun.RunAsync(
                new ProcessStart
                {
                    Program = "setpriv",
                    Arguments = ["--reuid", user, "--regid", user, "--clear-groups", "mv", Path.Combine(root, path),
                        Path.Combine(root, path + "-moved")],
                    WorkingDirectory = "/",
                    Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
                },
                Wait.Limit, 1000, TimeProvider.System, default);
            Assert.Contains("Permission denied", result.Output, StringComparison.Ordinal);
        }

        // A link that points outside is removed, and what it points to is not.
        await sandbox.ShellAsync($"ln -s {ground.Root} ~/out; mkdir -p ~/d; ln -s / ~/d/root");
        await exec.KillAsync(TimeSpan.Zero);
        await sandbox.KillAsync(default);
        Assert.True(Directory.Exists(Path.Combine(ground.Root, "project")));
    }

    [Fact]
    public async Task A_state_directory_that_others_can_not_pass_through_is_refused_when_we_are_root()
    {
        Assert.SkipUnless(Ground.IsRoot, "only root's daemon has this case");
        await using var ground = new Ground();
        var closed = Path.Combine(ground.Root, "closed");
        Directory.CreateDirectory(closed, SessionFolder.Private);
        var backend = new BubblewrapBackend(ground.Options with { StateDirectory = Path.Combine(closed, "state") });
        var refused = await Assert.ThrowsAsync<SandboxException>(() => backend.CreateAsync(ground.Spec(), default));
        Assert.Contains("pass through", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_over_its_disk_bound_has_its_commands_ended()
    {
        await using var ground = new Ground();
        var spec = ground.Spec();
        var backend = new BubblewrapBackend(ground.Options with { DiskWatchPeriod = TimeSpan.FromMilliseconds(50) });
        var sandbox = await backend.CreateAsync(spec with { Limits = spec.Limits with { Disk = 4 << 20 } }, default);
        await using var exec = await sandbox.ExecAsync(new ExecSpec
        { Command = ["/bin/sh", "-c", "for i in 1 2 3 4 5 6; do head -c 1048576 /dev/zero > ~/$i; done; sleep 600"] }, default);
        var outcome = await exec.Exited.WaitAsync(Wait.Limit);
        Assert.Equal(ExecEnd.OverLimit, outcome.End);
        Assert.Contains("the limit is 4", outcome.Why, StringComparison.Ordinal);
        await sandbox.KillAsync(default);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task All_of_this_holds_for_a_daemon_of_an_ordinary_user()
    {
        Assert.SkipUnless(Ground.IsRoot, "this already is one");
        var home = $"/var/tmp/hands-home-{Environment.ProcessId}";
        Directory.CreateDirectory(home);
        Native.GiveTo(home, Ground.Owner, Ground.Owner);
        try
        {
            var user = Ground.Owner.ToString(System.Globalization.CultureInfo.InvariantCulture);
            string[] suites = ["ExecTests", "LifecycleTests", "SurvivalTests", "BubblewrapAttackTests", "LandlockTests", "WatchTests"];
            var result = await CommandRun.RunAsync(
                new ProcessStart
                {
                    Program = "setpriv",
                    Arguments = ["--reuid", user, "--regid", user, "--clear-groups", Environment.ProcessPath!, "--no-progress",
                        "--results-directory", home, .. suites.SelectMany(s => (string[])["--filter-class", "*." + s])],
                    WorkingDirectory = home,
                    Environment = new Dictionary<string, string>(EnvironmentAllowList.SelectFromOwn("DOTNET_*"))
                    { ["HOME"] = home, ["TMPDIR"] = home, ["DOTNET_CLI_HOME"] = home },
                },
                TimeSpan.FromMinutes(4), 200_000, TimeProvider.System, default);
            Assert.True(result.ExitCode == 0, result.Output);
            Assert.Contains("failed: 0", result.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }
}
