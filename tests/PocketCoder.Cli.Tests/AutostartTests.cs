using System.Xml.Linq;
using PocketCoder.Cli.Autostarting;

namespace PocketCoder.Cli.Tests;

/// <summary>The files that start the daemon with a session, whatever the paths hold.</summary>
public sealed class AutostartTests
{
    private static readonly AutostartSpec s_plain = new(
        "/opt/pocket/pocketcoder", "/home/ada/.config/pocketcoder", "/home/ada/.local/bin:/usr/bin:/bin");
    private static readonly AutostartSpec s_strange = new("/opt/a \"b\" %h $x & <c>/pocketcoder", "/home/ö%n\\", "/usr/bin");

    [Fact]
    public void The_systemd_unit_is_what_it_was_agreed_to_be()
    {
        Assert.Equal(
            """
            [Unit]
            Description=PocketCoder
            After=network-online.target

            [Service]
            Environment="PATH=/home/ada/.local/bin:/usr/bin:/bin"
            Environment="POCKETCODER_HOME=/home/ada/.config/pocketcoder"
            ExecStart="/opt/pocket/pocketcoder" start --foreground
            Restart=on-failure
            RestartSec=5
            KillMode=process
            TimeoutStopSec=20

            [Install]
            WantedBy=default.target

            """.ReplaceLineEndings("\n"),
            AutostartFiles.Systemd(s_plain));
        var strange = AutostartFiles.Systemd(s_strange);
        Assert.Contains("ExecStart=\"/opt/a \\\"b\\\" %%h $$x & <c>/pocketcoder\" start", strange, StringComparison.Ordinal);
        Assert.Contains("\"POCKETCODER_HOME=/home/ö%%n\\\\\"", strange, StringComparison.Ordinal);
        var gateway = AutostartFiles.Systemd(s_plain with { Service = AutostartService.Gateway });
        Assert.Contains("\nExecStart=\"/opt/pocket/pocketcoder\" gateway run\n", gateway, StringComparison.Ordinal);
        Assert.Contains("\nNoNewPrivileges=yes\n", gateway, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Systemd_itself_finds_nothing_wrong_with_the_unit(bool isGateway)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/systemd-analyze"), "systemd-analyze is not here");
        var folder = Directory.CreateTempSubdirectory("pcu-").FullName;
        var service = isGateway ? AutostartService.Gateway : AutostartService.Daemon;
        var unit = Path.Combine(folder, service.Unit);
        await File.WriteAllTextAsync(unit, AutostartFiles.Systemd(s_plain with { Program = CliHome.Built, Service = service }));
        await using var check = RunningProgram.Start("/usr/bin/systemd-analyze", ["verify", "--user", unit],
            new Dictionary<string, string?>(StringComparer.Ordinal) { ["XDG_RUNTIME_DIR"] = folder }, folder);
        var ran = await check.EndAsync();
        Assert.DoesNotContain(service.Unit, ran.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void The_launchd_agent_and_the_windows_task_say_what_is_started_and_how()
    {
        var agent = XDocument.Parse(AutostartFiles.Launchd(s_strange)).Root!.Element("dict")!;
        var keys = agent.Elements().Where((_, i) => i % 2 == 0).Select(k => k.Value).ToList();
        Assert.Equal(["Label", "ProgramArguments", "EnvironmentVariables", "RunAtLoad", "KeepAlive", "ExitTimeOut", "AbandonProcessGroup",
            "StandardOutPath", "StandardErrorPath"], keys);
        Assert.Equal([s_strange.Program, "start", "--foreground"], agent.Element("array")!.Elements().Select(e => e.Value));
        Assert.Contains(s_strange.Home, agent.Elements("dict").First().Elements().Select(e => e.Value));

        XNamespace task = "http://schemas.microsoft.com/windows/2004/02/mit/task";
        var root = XDocument.Parse(AutostartFiles.Task(s_strange, "BOX\\ada & co")).Root!;
        Assert.Equal(s_strange.Program, root.Descendants(task + "Command").Single().Value);
        Assert.Equal("start --foreground", root.Descendants(task + "Arguments").Single().Value);
        Assert.All(root.Descendants(task + "UserId"), u => Assert.Equal("BOX\\ada & co", u.Value));
        Assert.Equal(("LeastPrivilege", "PT0S"),
            (root.Descendants(task + "RunLevel").Single().Value, root.Descendants(task + "ExecutionTimeLimit").Single().Value));
    }

    [Theory]
    [InlineData("pocketcoder.service", "start --foreground")]
    [InlineData("pocketcoder-gateway.service", "gateway run", "gateway")]
    public async Task It_is_enabled_twice_and_disabled_twice_also_where_no_systemd_answers(
        string name, string arguments, params string[] before)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the unit is Linux's");
        await using var home = new CliHome();
        home.Environment["XDG_CONFIG_HOME"] = Path.Combine(home.Folder, "settings");
        home.Environment["XDG_RUNTIME_DIR"] = home.Folder; // whatever systemd this machine has is not to be told
        home.Environment["DBUS_SESSION_BUS_ADDRESS"] = null;
        var unit = Path.Combine(home.Folder, "settings", "systemd", "user", name);

        (await home.RunAsync([.. before, "enable-autostart"])).Succeeded();
        var again = await home.AskAsync([.. before, "enable-autostart"]);

        Assert.Equal((true, unit), (again.GetProperty("enabled").GetBoolean(), again.GetProperty("file").GetString()));
        var text = await File.ReadAllTextAsync(unit);
        Assert.Equal(
            $"ExecStart=\"{CliHome.Built}\" {arguments}", text.Split('\n').Single(l => l.StartsWith("ExecStart", StringComparison.Ordinal)));
        Assert.Contains($"\"POCKETCODER_HOME={home.Root}\"", text, StringComparison.Ordinal);
        Assert.Equal(text, (await home.RunAsync([.. before, "enable-autostart", "--print"])).Succeeded().Out);
        (await home.RunAsync([.. before, "disable-autostart"])).Succeeded();
        Assert.False((await home.AskAsync([.. before, "disable-autostart"])).GetProperty("enabled").GetBoolean());
        Assert.False(File.Exists(unit));
    }
}
