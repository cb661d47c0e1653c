using System.Runtime.Versioning;
using PocketCoder.Machine.Backups;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Platform;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Backups;

public sealed class HomeBackupTests
{
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_backup_of_a_running_daemon_is_whole_and_brings_everything_back()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var home = daemon.Options.Home;
        await using var phone = await daemon.PhoneAsync();
        await daemon.Daemon.AsOwner().SetLabelAsync("before", CancellationToken.None);
        await File.WriteAllTextAsync(home.Link, """{"v":1,"gateway":"https://gateway.example"}""");
        await File.WriteAllTextAsync(Path.Combine(home.Root, "push.key"), "a key");
        await File.WriteAllTextAsync(Path.Combine(home.Root, "push-services"), "https://push.example:8443\n");
        await File.WriteAllTextAsync(home.Notify, "{\"v\":1,\"receivers\":[]}");
        await File.WriteAllTextAsync(home.Providers, "{\"v\":1,\"providers\":[]}");
        await File.WriteAllTextAsync(
            home.Feishu, "{\"v\":1,\"appId\":\"cli_a\",\"domain\":\"https://f.example\",\"language\":\"en\",\"enabled\":false}");
        await using var place = new Place();

        var made = await HomeBackup.MakeAsync(home, place.At("b1"), TimeProvider.System, CancellationToken.None);
        Assert.Equal(made with { Files = null! },
            await HomeBackup.VerifyAsync(place.At("b1"), CancellationToken.None) with { Files = null! });
        Assert.Equal(daemon.Daemon.MachineId, made.MachineId);
        if (!OperatingSystem.IsWindows())
        {
            Assert.All(Directory.GetFiles(place.At("b1"), "*", SearchOption.AllDirectories),
                f => Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(f)));
        }

        Assert.Superset(new HashSet<string>(["link.json", "push.key", "push-services", "notify.json", "feishu.json", "providers.json"]), made.Files.Keys.ToHashSet());
        File.Delete(home.Link);
        await daemon.Daemon.AsOwner().SetLabelAsync("after", CancellationToken.None);
        await Assert.ThrowsAsync<BackupRefusal>(
            () => HomeBackup.MakeAsync(home, place.At("b1"), TimeProvider.System, CancellationToken.None));
        await daemon.Daemon.StopAsync("test"); // which adds a row
        var machine = daemon.Daemon.MachineId;

        using (var held = DaemonLock.TryTake(home, TimeProvider.System)!)
        {
            var older = await Assert.ThrowsAsync<BackupRefusal>(
                () => HomeBackup.RestoreAsync(home, held, place.At("b1"), force: false, TimeProvider.System, CancellationToken.None));
            Assert.Contains("is older", older.Message, StringComparison.Ordinal);
            Assert.Equal("after\n", await File.ReadAllTextAsync(home.MachineLabel));

            var restored = await HomeBackup.RestoreAsync(
                home, held, place.At("b1"), force: true, TimeProvider.System, CancellationToken.None);
            Assert.Equal("before\n", await File.ReadAllTextAsync(home.MachineLabel));
            Assert.Contains("gateway.example", await File.ReadAllTextAsync(home.Link), StringComparison.Ordinal);
            File.Delete(home.Link);
            File.Delete(Path.Combine(home.Root, "push.key")); // it was none
            Assert.Equal("after\n", await File.ReadAllTextAsync(Path.Combine(restored.Kept!, "machine-label.txt")));
            Assert.True(File.Exists(Path.Combine(restored.Kept!, "daemon.db")));
        }

        await daemon.RestartAsync();
        Assert.Equal(machine, daemon.Daemon.MachineId);
        await using var again = await phone.Device.AgainAsync(daemon.Url); // still paired
        var verified = await daemon.Daemon.AsOwner().VerifyLedgerAsync(CancellationToken.None);
        Assert.True(verified.Intact);
        var rows = await daemon.Daemon.AsOwner()
            .ListLedgerAsync(new PocketCoder.Protocol.LedgerListRequest(Limit: 50), CancellationToken.None);
        Assert.Contains(rows.Rows, r => r.Body.Contains("\"ledger_restored\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_backup_that_went_another_way_is_not_called_older_whichever_is_longer()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var home = daemon.Options.Home;
        await using var place = new Place();
        var owner = daemon.Daemon.AsOwner();
        await HomeBackup.MakeAsync(home, place.At("common"), TimeProvider.System, CancellationToken.None);
        await owner.SetLabelAsync("one", CancellationToken.None);
        await HomeBackup.MakeAsync(home, place.At("short"), TimeProvider.System, CancellationToken.None);
        await owner.SetLabelAsync("two", CancellationToken.None);
        for (var i = 0; i < 12; i++)
        {
            await owner.SetLabelAsync($"more {i}", CancellationToken.None);
        }

        await HomeBackup.MakeAsync(home, place.At("long"), TimeProvider.System, CancellationToken.None);
        await daemon.Daemon.StopAsync("test");
        using (var held = DaemonLock.TryTake(home, TimeProvider.System)!)
        {
            await HomeBackup.RestoreAsync(home, held, place.At("common"), force: true, TimeProvider.System, CancellationToken.None);
        }

        await daemon.RestartAsync(); // which adds rows of its own: from here on it is another way
        await daemon.Daemon.AsOwner().SetLabelAsync("other", CancellationToken.None);
        await daemon.Daemon.StopAsync("test");
        using (var held = DaemonLock.TryTake(home, TimeProvider.System)!)
        {
            foreach (var name in (string[])["short", "long"])
            {
                var refused = await Assert.ThrowsAsync<BackupRefusal>(
                    () => HomeBackup.RestoreAsync(home, held, place.At(name), force: false, TimeProvider.System, CancellationToken.None));
                Assert.Contains("have diverged", refused.Message, StringComparison.Ordinal);
                Assert.DoesNotContain("older", refused.Message, StringComparison.Ordinal);
            }

            Assert.Contains("is older", (await Assert.ThrowsAsync<BackupRefusal>(() => HomeBackup.RestoreAsync(home, held,
                place.At("common"), force: false, TimeProvider.System, CancellationToken.None))).Message, StringComparison.Ordinal);
        }

        await daemon.RestartAsync();
    }

    [Fact]
    public async Task A_backup_made_while_things_are_written_is_of_one_moment_and_verifies()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await using var place = new Place();
        using var enough = new CancellationTokenSource();
        var written = 0;
        var writing = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                await phone.Device.AskAsync(
                    MessageTypes.FsWrite, new FsWriteRequest(phone.Project.ProjectId, "busy.txt", $"{written}"),
                    ProtocolJson.Default.FsWriteRequest, ProtocolJson.Default.FsWriteResponse);
                Interlocked.Increment(ref written);
            }
        });

        var seqs = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            var before = Volatile.Read(ref written);
            // The next answer may be of a write that the last backup has already; the one after it began later.
            await Wait.UntilAsync(() => Volatile.Read(ref written) > before + 1, "something is written");
            seqs.Add(
                (await HomeBackup.MakeAsync(daemon.Options.Home, place.At($"{i}"), TimeProvider.System, CancellationToken.None)).LedgerSeq);
            Assert.Equal(seqs[^1], (await HomeBackup.VerifyAsync(place.At($"{i}"), CancellationToken.None)).LedgerSeq);
        }

        await enough.CancelAsync();
        await writing;
        Assert.True(seqs[0] < seqs[1] && seqs[1] < seqs[2], string.Join(' ', seqs));
        Assert.True((await phone.VerifyAsync()).Intact);
    }

    [Fact]
    public async Task A_broken_backup_is_refused_whatever_is_broken_and_nothing_is_changed()
    {
        await using var daemon = await TestDaemon.StartAsync();
        var home = daemon.Options.Home;
        await using var place = new Place();
        await HomeBackup.MakeAsync(home, place.At("good"), TimeProvider.System, CancellationToken.None);
        await daemon.Daemon.StopAsync("test");
        var before = await File.ReadAllBytesAsync(home.Database);
        using var held = DaemonLock.TryTake(home, TimeProvider.System)!;

        foreach (var (name, harm) in (IEnumerable<(string, Action<string>)>)
        [
            ("a missing key", b => File.Delete(Path.Combine(b, "machine.key"))),
            ("another key", b => File.WriteAllText(Path.Combine(b, "machine.key"), "x")),
            ("no manifest", b => File.Delete(Path.Combine(b, "manifest.json"))),
            ("a manifest of nothing", b => File.WriteAllText(Path.Combine(b, "manifest.json"), "{}")),
            ("half a database", b => File.WriteAllBytes(
                Path.Combine(b, "daemon.db"), File.ReadAllBytes(Path.Combine(b, "daemon.db"))[..4096])),
            ("a way out", b => File.WriteAllText(Path.Combine(b, "manifest.json"), File.ReadAllText(Path.Combine(b, "manifest.json"))
                .Replace("\"machine.key\"", "\"../machine.key\"", StringComparison.Ordinal))),
            ("another end", b => File.WriteAllText(Path.Combine(b, "manifest.json"), File.ReadAllText(Path.Combine(b, "manifest.json"))
                .Replace("\"ledgerSeq\": ", "\"ledgerSeq\": 9", StringComparison.Ordinal))),
        ])
        {
            var copy = place.At(name.Replace(' ', '-'));
            Directory.CreateDirectory(copy);
            foreach (var file in Directory.GetFiles(place.At("good")))
            {
                File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
            }

            harm(copy);
            await Assert.ThrowsAsync<BackupRefusal>(
                () => HomeBackup.RestoreAsync(home, held, copy, force: true, TimeProvider.System, CancellationToken.None));
            Assert.Equal(before, await File.ReadAllBytesAsync(home.Database));
        }

        Assert.Empty(Directory.GetDirectories(home.Root, "before-restore-*"));
    }

    [Fact]
    public async Task A_backup_of_another_machine_does_not_take_the_place_of_this_one_unless_it_is_told_to()
    {
        await using var one = await TestDaemon.StartAsync();
        await using var other = await TestDaemon.StartAsync();
        await using var place = new Place();
        await HomeBackup.MakeAsync(other.Options.Home, place.At("other"), TimeProvider.System, CancellationToken.None);
        await one.Daemon.StopAsync("test");
        using var held = DaemonLock.TryTake(one.Options.Home, TimeProvider.System)!;

        var refused = await Assert.ThrowsAsync<BackupRefusal>(() => HomeBackup.RestoreAsync(
            one.Options.Home, held, place.At("other"), force: false, TimeProvider.System, CancellationToken.None));

        Assert.Contains("another ledger", refused.Message, StringComparison.Ordinal);
        var empty = Home.At(place.At("empty"));
        empty.Prepare();
        await Assert.ThrowsAsync<BackupRefusal>(
            () => HomeBackup.MakeAsync(empty, place.At("nothing"), TimeProvider.System, CancellationToken.None));
        using var fresh = DaemonLock.TryTake(empty, TimeProvider.System)!;
        Assert.Null((await HomeBackup.RestoreAsync(
            empty, fresh, place.At("other"), force: false, TimeProvider.System, CancellationToken.None)).Kept);
    }

    /// <summary>A folder for backups, gone at the end.</summary>
    private sealed class Place : IAsyncDisposable
    {
        private readonly string _root = Directory.CreateTempSubdirectory("pc-b-").FullName;

        public string At(string name) => Path.Combine(_root, name);

        public ValueTask DisposeAsync()
        {
            Directory.Delete(_root, recursive: true);
            return ValueTask.CompletedTask;
        }
    }
}
