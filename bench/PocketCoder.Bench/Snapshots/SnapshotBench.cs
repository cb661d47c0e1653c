using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Bench.Results;
using PocketCoder.Ledger;
using PocketCoder.Machine.Snapshots;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Bench.Snapshots;

/// <summary>
/// What a snapshot adds to an approval in a project of 10,000 files, in this process: from asking for it until what was allowed may begin.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal static class SnapshotBench
{
    private const int Files = 10_000;
    private const int Folders = 100;
    private const int Samples = 20;

    /// <summary>What is younger may be written again within the same tick of the file system's clock, and is read again.</summary>
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(1.5);

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        var folder = Directory.CreateDirectory(Path.Combine(options.Folder, Guid.CreateVersion7().ToString("N")));
        try
        {
            var project = folder.CreateSubdirectory("project").FullName;
            for (var i = 0; i < Files; i++)
            {
                var inside = Directory.CreateDirectory(Path.Combine(project, $"folder{i % Folders}"));
                await File.WriteAllTextAsync(Path.Combine(inside.FullName, $"file{i}.txt"), $"text {i}\n");
            }

            await Task.Delay(s_settled, TimeProvider.System);
            var tables = new MigrationSet("snapshots", typeof(SnapshotService).Assembly, "PocketCoder.Machine.Snapshots.Migrations");
            await using var ledger = await LedgerStore.OpenAsync(
                new LedgerOptions(Path.Combine(folder.FullName, "ledger.db"), "bench") { MigrationSets = [tables] }, TimeProvider.System,
                CancellationToken.None);
            var store = new Store(ledger, new StreamHub("bench"), "none", TimeProvider.System, static body => body);
            await using var room = new SnapshotService(
                Path.Combine(folder.FullName, "snapshots"), store, SnapshotLimits.Default, TimeProvider.System, NullLogger.Instance);
            var projectId = Guid.CreateVersion7();
            for (var run = 0; run <= options.Runs; run++)
            {
                // The first reads everything and compiles this side's code; it does not count.
                var took = await SampleAsync(room, project, projectId);
                if (run > 0)
                {
                    measured.AddPercentiles(took, Claims.SnapshotNothing, null);
                    measured.Add(Claims.SnapshotGit, await ListAsync(project));
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<List<double>> SampleAsync(SnapshotService room, string project, Guid projectId)
    {
        var took = new List<double>(Samples);
        for (var i = 0; i < Samples; i++)
        {
            var clock = Stopwatch.StartNew();
            var approval = Approval(projectId);
            var taken = await room.BeforeAsync(approval, project);
            took.Add(taken.Commit is null ? throw new InvalidOperationException(taken.Problem) : clock.Elapsed.TotalMilliseconds);
            room.Forget(approval.ApprovalId);
        }

        return took;
    }

    /// <summary>The names alone, as the snapshot has git list them.</summary>
    private static async Task<double> ListAsync(string project)
    {
        var clock = Stopwatch.StartNew();
        await using var git = OwnedProcess.Start(
            new ProcessStart
            {
                Program = "git",
                Arguments = ["ls-files", "--others", "--exclude-standard", "-z"],
                WorkingDirectory = project,
                Environment = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
                    ["GIT_DIR"] = Directory.EnumerateDirectories(Path.Combine(project, "..", "snapshots")).Single(),
                    ["GIT_INDEX_FILE"] = Path.Combine(project, "..", "no-index"),
                    ["GIT_WORK_TREE"] = project,
                },
            },
            TimeProvider.System);
        git.StandardInput.Close();
        await git.StandardOutput.CopyToAsync(Stream.Null);
        var code = await git.Exited;
        return code == 0 ? clock.Elapsed.TotalMilliseconds : throw new InvalidOperationException($"git ended with {code}");
    }

    private static ApprovalInfo Approval(Guid projectId) => new(
        Guid.CreateVersion7(),
        Guid.CreateVersion7(),
        Guid.CreateVersion7(),
        projectId,
        "bench",
        null,
        ApprovalKind.Command,
        ApprovalState.Allowed,
        "",
        new CommandSubject("touch x", "", "Bash", "{}"),
        null,
        null,
        SandboxKind.None,
        TimeProvider.System.GetUtcNow(),
        TimeProvider.System.GetUtcNow(),
        null,
        null);
}
