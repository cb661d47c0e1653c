using System.Diagnostics;
using PocketCoder.Bench.Results;
using PocketCoder.Protocol;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Files;
using PocketCoder.Workspace.Watching;

namespace PocketCoder.Bench.Files;

/// <summary>
/// A project of 100,000 files in 1,000 folders, in this process: listing, searching and watching alone, without the daemon around them.
/// </summary>
internal static class FilesBench
{
    private const int Files = 90_000;
    private const int Folders = 1_000;
    private const int Large = 10_000;

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, Guid.CreateVersion7().ToString("N")));
        try
        {
            var project = folder.CreateSubdirectory("project").FullName;
            Make(project);
            var workspace = new WorkspaceOptions(project, Path.Combine(folder.FullName, "state"));
            var files = new ProjectFiles(workspace);
            for (var run = 0; run <= options.Runs; run++)
            {
                // The first is the warm-up: the JIT's cost and the disk's are not ours.
                await RunOnceAsync(files, workspace, run == 0 ? new Measured() : measured);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Make(string project)
    {
        for (var i = 0; i < Folders; i++)
        {
            Directory.CreateDirectory(Path.Combine(project, $"folder{i}"));
        }

        var large = Directory.CreateDirectory(Path.Combine(project, "large")).FullName;
        for (var i = 0; i < Files; i++)
        {
            File.WriteAllText(Path.Combine(project, $"folder{i % Folders}", $"file{i}.txt"), "one line of text\nanother line of text\n");
        }

        for (var i = 0; i < Large; i++)
        {
            File.WriteAllText(Path.Combine(large, $"file{i}.txt"), "text\n");
        }
    }

    private static async Task RunOnceAsync(ProjectFiles files, WorkspaceOptions workspace, Measured measured)
    {
        var clock = Stopwatch.StartNew();
        var list = await files.ListAsync(new FsListRequest(Guid.Empty, "large"), CancellationToken.None);
        measured.Add(Claims.FilesList, list.Children.Count == Large ? clock.Elapsed.TotalMilliseconds
            : throw new InvalidOperationException($"{list.Children.Count} entries"));
        clock.Restart();
        await SearchAsync("not in any file", FsSearchTarget.Content);
        measured.Add(Claims.FilesSearch, clock.Elapsed.TotalMilliseconds);
        clock.Restart();
        await SearchAsync("not any name", FsSearchTarget.Names);
        measured.Add(Claims.FilesNames, clock.Elapsed.TotalMilliseconds);

        var before = Memory();
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        clock.Restart();
        using var watch = new ProjectWatch(workspace, _ => told.TrySetResult());
        await watch.Ready;
        measured.Add(Claims.WatchReady,
            watch.Warning is null ? clock.Elapsed.TotalMilliseconds : throw new InvalidOperationException(watch.Warning));
        measured.Add(Claims.WatchMemory, (Memory() - before) / 1e6);
        clock.Restart();
        await File.AppendAllTextAsync(Path.Combine(workspace.Path, "folder7", "file7.txt"), "more\n");
        await told.Task;
        measured.Add(Claims.WatchTold, clock.Elapsed.TotalMilliseconds);

        async Task SearchAsync(string query, FsSearchTarget target)
        {
            var found = await files.SearchAsync(new FsSearchRequest(Guid.Empty, query, target), CancellationToken.None);
            if (found.End != FsSearchEnd.Complete || found.Matches.Count != 0)
            {
                throw new InvalidOperationException($"the search ended with {found.End} and {found.Matches.Count} matches");
            }
        }
    }

    /// <summary>What this process holds after a full collection.</summary>
    private static long Memory()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
