using System.Globalization;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Sandboxes.Tests;

/// <summary>A state directory and projects of their own for a test; checks at the end that nothing is left on the host.</summary>
public sealed class Ground : IAsyncDisposable
{
    /// <summary>The owner of projects when the tests run as root: an ordinary user without an account.</summary>
    public const uint Owner = 209_999;

    private static int s_made;

    private readonly List<ISandbox> _sandboxes = [];

    public Ground()
    {
        // Beneath /var/tmp, since root's sandboxes run as somebody who can't pass through root's own folders.
        // Four digits, so that none is the beginning of another's name; short, since the path of a Unix socket has 107 bytes.
        Root = Path.Combine("/var/tmp", $"hands-{Environment.ProcessId}-{Interlocked.Increment(ref s_made):D4}");
        Directory.CreateDirectory(Root);
        File.SetUnixFileMode(Root, (UnixFileMode)Convert.ToInt32("755", 8));
        Options = new SandboxOptions { StateDirectory = Path.Combine(Root, "state") };
        Backend = new BubblewrapBackend(Options);
    }

    public static bool IsRoot => CurrentUser.Id == 0;

    public string Root { get; }

    public SandboxOptions Options { get; }

    public ISandboxBackend Backend { get; }

    /// <summary>A new project directory, of an ordinary owner when we are root.</summary>
    public string Project(string name = "project")
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(path);
        if (IsRoot)
        {
            Native.GiveTo(path, Owner, Owner);
        }

        return path;
    }

    public SandboxSpec Spec(string? id = null, string project = "project") => new()
    {
        Id = id ?? $"t-{Interlocked.Increment(ref s_made)}",
        Workspace = Project(project),
        Limits = new SandboxLimits { Memory = 512 << 20, Processes = 128, FileSize = 512 << 20, MemoryFiles = 16 << 20 },
    };

    public async Task<ISandbox> CreateAsync(SandboxSpec? spec = null)
    {
        var sandbox = await Backend.CreateAsync(spec ?? Spec(), default);
        _sandboxes.Add(sandbox);
        return sandbox;
    }

    /// <summary>Everything on the host that names this ground: processes, mounts, control groups, files of the state directory.</summary>
    public IReadOnlyList<string> Leftovers()
    {
        var left = new List<string>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                    && pid != Environment.ProcessId
                    && File.ReadAllText(Path.Combine(directory, "cmdline")) is var line && line.Contains(Root, StringComparison.Ordinal))
                {
                    left.Add($"process {pid} {line.Replace('\0', ' ')}");
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // ended meanwhile
            }
        }

        left.AddRange(File.ReadLines("/proc/self/mountinfo").Where(l => l.Contains(Root, StringComparison.Ordinal))
            .Select(l => "mount " + l));
        left.AddRange(_sandboxes.SelectMany(s => ((s as BubblewrapSandbox)?.State.ControlGroups ?? []).Where(Directory.Exists))
            .Select(d => "control group " + d));
        left.AddRange(_sandboxes.OfType<BubblewrapSandbox>()
            .Where(s => ProcessGroup.IsAlive(s.State.Holder) || ProcessGroup.IsAlive(s.State.Launcher)).Select(s => "holder of " + s.Id));
        if (Directory.Exists(Options.StateDirectory))
        {
            left.AddRange(Directory.EnumerateFileSystemEntries(Options.StateDirectory)
                .Where(p => !Path.GetFileName(p).StartsWith("scripts-", StringComparison.Ordinal) && Path.GetFileName(p) != "users")
                .Select(p => "file " + p));
            var users = Path.Combine(Options.StateDirectory, "users");
            left.AddRange(Directory.Exists(users) ? Directory.EnumerateFileSystemEntries(users).Select(p => "user " + p) : []);
        }

        return left;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var sandbox in _sandboxes)
        {
            await sandbox.KillAsync(default);
        }

        var left = Leftovers();
        if (left.Count == 0)
        {
            Directory.Delete(Root, recursive: true);
        }

        Assert.Empty(left);
    }
}

/// <summary>Runs a shell script inside and collects what it says.</summary>
internal static class Inside
{
    public static Task<(ExecOutcome Outcome, string Output, string Errors)> ShellAsync(
        this ISandbox sandbox, string script, ExecSpec? spec = null)
        => sandbox.RunAsync((spec ?? new ExecSpec { Command = [] }) with { Command = ["/bin/sh", "-c", script] });

    public static async Task<(ExecOutcome Outcome, string Output, string Errors)> RunAsync(this ISandbox sandbox, ExecSpec spec)
    {
        await using var exec = await sandbox.ExecAsync(spec, default);
        var spool = CommandSpool.Start(exec);
        var outcome = await spool.Completed.WaitAsync(Wait.Limit);
        return (outcome, spool.StandardOutputText, spool.StandardErrorText);
    }
}
