using System.Net;
using PocketCoder.Gateway;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Status;
using PocketCoder.Protocol;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Machine.Tests.Starting;

/// <summary>
/// Everything that can happen to each file and folder of a used home: what <c>doctor</c> shows (<see cref="StartChecks"/>) and what a start
/// says are the same.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RefusedHomeTests : IAsyncLifetime
{
    private const UnixFileMode OpenToAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Words that only the program's inside has: codes, types, stack traces, SQLite's numbers.</summary>
    private static readonly string[] s_inside = ["identity_", "key_", "SQLite Error", "(SQLite ", "Exception", "   at "];

    private readonly string _folder = Directory.CreateTempSubdirectory("pc-").FullName;

    /// <summary>What can happen.</summary>
    public enum Damage
    {
        /// <summary>Its bytes are others.</summary>
        Garbage,

        /// <summary>Some of its bytes are others.</summary>
        Middle,

        Empty,

        /// <summary>Half of it.</summary>
        Cut,

        /// <summary>A folder where a file was, and a file where a folder was.</summary>
        Other,

        /// <summary>Mode 0644.</summary>
        Open,

        Gone,
    }

    private Home Used => Home.At(Path.Combine(_folder, "used"));

    public async ValueTask InitializeAsync()
    {
        await using (var host = await DaemonHost.StartAsync(Options(Used), CancellationToken.None))
        {
            using var owner = new ControlClient(Used);
            await owner.SetSecretAsync("token", "a-value-that-nobody-has", CancellationToken.None);
            await owner.SetLabelAsync("box", CancellationToken.None);
            await owner.SetEntryAsync(
                new EntrySetRequest("feishu", new EntrySetting("cli_a", "https://f.example", "en", true), "that-nobody-has"),
                CancellationToken.None);
        }

        await File.WriteAllTextAsync(Used.Prices, """{"models":[]}""");
    }

    public async ValueTask DisposeAsync() => await HomeRemains.ClearAsync(Used.Sandboxes, _folder, Used.AgentFiles, Used.Attached);

    [Theory]
    [InlineData(Damage.Garbage)]
    [InlineData(Damage.Middle)]
    [InlineData(Damage.Empty)]
    [InlineData(Damage.Cut)]
    [InlineData(Damage.Other)]
    [InlineData(Damage.Open)]
    [InlineData(Damage.Gone)]
    public async Task A_start_refuses_with_the_one_cause_that_doctor_shows_or_both_say_well(Damage damage)
    {
        var refused = new List<string>();
        foreach (var name in Names(damage))
        {
            var home = Copy();
            Make(Path.Combine(home.Root, name), damage);
            var before = Content(home);

            var problem = StartChecks.Run(home, thorough: true).Select(c => c.Problem).FirstOrDefault(p => p is not null);
            var told = await StartAsync(home);

            if (told is null)
            {
                // Damage inside of the database that no start reads is what doctor looks for.
                Assert.True(problem is null || (name == "daemon.db" && damage is Damage.Middle or Damage.Cut),
                    $"{damage} {name}: doctor says {problem}, and it starts");
            }
            else
            {
                Assert.True(problem is not null, $"{damage} {name}: doctor says well, and a start says: {told}");
                Assert.Equal(problem.ToString(), told);
                Assert.True(told.Length is > 20 and < 600 && !told.Contains('\n', StringComparison.Ordinal), $"{damage} {name}: {told}");
                Assert.All(s_inside, word => Assert.False(told.Contains(word, StringComparison.Ordinal), $"{damage} {name}: {told}"));
                Assert.Contains(home.Root, told, StringComparison.Ordinal);
                Assert.Equal(before, Content(home)); // a start that is refused changes nothing that a person would miss
                refused.Add(name);
            }

            Assert.True(Directory.Exists(home.LockFile) || !DaemonLock.IsTaken(home), name);
            await HomeRemains.ClearAsync(home.Sandboxes, home.Root, home.AgentFiles, home.Attached);
        }

        var wanted = damage switch
        {
            Damage.Garbage or Damage.Cut or Damage.Other =>
                (string[])["daemon.db", "machine.key", "secrets.json", "secrets.key", "feishu.json"],
            Damage.Empty => ["machine.key", "secrets.json", "secrets.key", "feishu.json"],
            Damage.Open or Damage.Gone => ["machine.key", "secrets.key"],
            _ => [],
        };
        Assert.All(wanted, name => Assert.Contains(name, refused));
    }

    private static DaemonOptions Options(Home home) => new()
    {
        Home = home,
        Demo = true,
        Sandbox = SandboxKind.None,
        Gateway = GatewayOptions.Default with { Listen = [new IPEndPoint(IPAddress.Loopback, 0)] },
    };

    /// <returns>Why it does not start; null: it does, and was stopped again.</returns>
    private static async Task<string?> StartAsync(Home home)
    {
        try
        {
            await using var host = await DaemonHost.StartAsync(Options(home), CancellationToken.None);
            Assert.NotNull(host);
            return null;
        }
        catch (HomeRefusal e)
        {
            return e.Message;
        }
    }

    /// <summary>Every file in the home, and for what may lie in the way of a folder every folder too.</summary>
    private IEnumerable<string> Names(Damage damage)
        => Directory.EnumerateFiles(Used.Root).Concat(damage is Damage.Other ? Directory.EnumerateDirectories(Used.Root) : [])
            .Select(f => Path.GetRelativePath(Used.Root, f)).Where(n => n != "demo").Order(StringComparer.Ordinal);

    private Home Copy()
    {
        var home = Home.At(Path.Combine(_folder, Guid.CreateVersion7().ToString("N")[^8..]));
        Directory.CreateDirectory(home.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var folder in Directory.EnumerateDirectories(Used.Root))
        {
            Directory.CreateDirectory(Path.Combine(home.Root, Path.GetFileName(folder)),
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        foreach (var file in Directory.EnumerateFiles(Used.Root))
        {
            File.Copy(file, Path.Combine(home.Root, Path.GetFileName(file)));
        }

        return home;
    }

    /// <summary>What a person keeps there.</summary>
    private static string Content(Home home) => string.Join(
        '\n',
        new[] { home.Database, home.MachineKey, home.LedgerHead, home.Secrets, home.SecretKey, home.MachineLabel, home.Prices }
            .Select(f => File.Exists(f) ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))
                : Directory.Exists(f) ? "folder" : "none"));

    private static void Make(string path, Damage damage)
    {
        switch (damage)
        {
            case Damage.Garbage:
                File.WriteAllBytes(path, [.. Enumerable.Range(0, 8192).Select(i => (byte)((i * 31) ^ 0x5a))]);
                break;
            case Damage.Middle:
                using (var file = new FileStream(path, FileMode.Open))
                {
                    file.Seek(file.Length / 2, SeekOrigin.Begin);
                    file.Write(new byte[(int)Math.Min(64, file.Length / 4)]);
                }

                break;
            case Damage.Empty:
                File.WriteAllBytes(path, []);
                break;
            case Damage.Cut:
                using (var file = new FileStream(path, FileMode.Open))
                {
                    file.SetLength(file.Length / 2);
                }

                break;
            case Damage.Other when Directory.Exists(path):
                Directory.Delete(path, recursive: true);
                File.WriteAllBytes(path, []);
                break;
            case Damage.Other:
                File.Delete(path);
                Directory.CreateDirectory(path);
                break;
            case Damage.Open:
                File.SetUnixFileMode(path, OpenToAll);
                break;
            default:
                File.Delete(path);
                break;
        }
    }
}
