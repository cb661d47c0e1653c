using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Snapshots.Git;
using PocketCoder.Machine.Snapshots.Undo;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Snapshots;

/// <summary>A project folder with a store of its own, both temporary.</summary>
internal sealed class Workspace : IAsyncDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pc-snap-").FullName;

    public Workspace(SnapshotLimits? limits = null)
    {
        Limits = limits ?? SnapshotLimits.Default;
        Directory.CreateDirectory(Project);
        Directory.CreateDirectory(Outside);
        Store = Open();
    }

    public SnapshotLimits Limits { get; }

    public string Project => Path.Combine(_root, "project");

    public string Outside => Path.Combine(_root, "outside");

    public string StoreFolder => Path.Combine(_root, "store");

    public SnapshotStore Store { get; private set; }

    /// <summary>As a daemon that started anew would.</summary>
    public SnapshotStore Open() => Store = new SnapshotStore(StoreFolder, Project, null, Limits, TimeProvider.System);

    public string PathOf(string file) => Path.Combine(Project, file);

    public void Write(string file, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(file))!);
        File.WriteAllText(PathOf(file), text);
    }

    public Task<TakenSnapshot> TakeAsync() => Store.TakeAsync(CancellationToken.None);

    /// <summary>The plan to go back from now to before what happened between the two.</summary>
    public async Task<(UndoPlan Plan, TakenSnapshot Now)> PlanAsync(params (TakenSnapshot Before, TakenSnapshot? After)[] spans)
    {
        var now = await TakeAsync();
        return (await UndoPlan.MakeAsync(SpansAsync(), now.Seen.Tree, async paths => await WorkspaceLister.IgnoredAsync(
            Store, await Store.LoadAsync(spans[0].Before.Commit, default), paths, Limits.Time, default)), now);

        async IAsyncEnumerable<UndoSpan> SpansAsync()
        {
            foreach (var (before, after) in spans)
            {
                // From the store, as later: not from what is still in memory.
                yield return new UndoSpan(
                    await Store.LoadAsync(before.Commit, default), after is null ? null : await Store.LoadAsync(after.Commit, default));
            }
        }
    }

    public async Task<IReadOnlyList<(Machine.Paths.TreePath Path, string Why)>> UndoAsync(TakenSnapshot before, TakenSnapshot after)
    {
        var (plan, now) = await PlanAsync((before, after));
        return await new Restorer(Store, now.Seen).ApplyAsync(plan, default);
    }

    /// <summary>Every file and link beneath the project but repositories' own: kind, mode, name, target and content.</summary>
    public Task<string> FingerprintAsync() => ShAsync(
        """
        find . -name .git -prune -o \( -type f -o -type l \) -printf '%y %m %p %l\n' | LC_ALL=C sort
        find . -name .git -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum
        """);

    public async Task<string> ShAsync(string script, string? directory = null)
    {
        var result = await CommandRun.RunAsync(
            new ProcessStart
            {
                Program = "/bin/sh",
                Arguments = ["-ec", script],
                WorkingDirectory = directory ?? Project,
                Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin", ["HOME"] = _root }
            },
            Wait.Limit, 4 * 1024 * 1024, TimeProvider.System, default);
        Assert.True(result.ExitCode == 0, $"{script}\n{result.Output}");
        return result.Output;
    }

    /// <summary>git itself finds nothing wrong with the store.</summary>
    public Task FsckAsync() => ShAsync(
        $"git --git-dir='{StoreFolder}' fsck --strict --no-dangling 2>&1 | (! grep -E 'error|missing|corrupt')", _root);

    /// <summary>By rm: .NET can't remove names that are no UTF-8.</summary>
    public async ValueTask DisposeAsync() => await ShAsync($"rm -rf '{_root}'", "/");
}
