using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Guard;

/// <summary>
/// Keeps what runs in a project from leaving something there by which the owner's git, shell or editor runs a program (docs/snapshots.md,
/// <em>Planted configuration</em>). Linux; elsewhere there is no sandbox either, and nothing is looked at. Thread-safe.
/// </summary>
/// <param name="keep">Where what is taken away is kept.</param>
/// <param name="state">Where scans are kept while something runs.</param>
/// <param name="worktrees">What runs in one of these can reach its repository too: both projects are looked at.</param>
public sealed class RepositoryGuard(string keep, string state, ILogger log, WorktreeLinks? worktrees = null) : IDisposable
{
    private readonly ConcurrentDictionary<string, ProjectGuard> _projects = new(StringComparer.Ordinal);

    /// <summary>Something is about to run; call before what it may do is looked at for the last time.</summary>
    /// <param name="folder">The project's.</param>
    /// <param name="open">It was allowed with protected configuration in view.</param>
    /// <param name="planted">Told when something was planted and put back while it runs.</param>
    /// <returns>To be ended or cancelled; null: nothing is looked at on this system.</returns>
    /// <exception cref="IOException">The project can't be looked at.</exception>
    public async Task<GuardedRun?> BeginAsync(string folder, bool open, Action? planted = null)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        if (worktrees?.Find(folder) is not { } link)
        {
            return await Of(folder).EnterAsync(open, planted);
        }

        if (link.Broken() is { } why)
        {
            throw new IOException(why);
        }

        // What was allowed was allowed in the worktree: the repository that others share stays as protected as for any command.
        var beside = await Of(link.ParentFolder).EnterAsync(open: false, planted);
        try
        {
            return await Of(folder).EnterAsync(open, planted, beside);
        }
        catch
        {
            await beside.CancelAsync();
            throw;
        }
    }

    /// <summary>
    /// Looks at the projects in which something ran when an earlier daemon ended. Call before the first <see cref="BeginAsync"/>, after
    /// what it left was ended.
    /// </summary>
    /// <param name="tell">Told of each project in which something was found.</param>
    public async Task RecoverAsync(Func<string, GuardReport, Task> tell)
    {
        foreach (var path in Directory.Exists(state) ? Directory.GetFiles(state) : [])
        {
            if (KeptScan.Read(path) is { } kept && Directory.Exists(kept.Folder)
                && await Of(kept.Folder).RecoverAsync(kept) is { Findings.Count: > 0 } report)
            {
                await tell(kept.Folder, report);
            }

            File.Delete(path);
        }
    }

    private ProjectGuard Of(string folder) => _projects.GetOrAdd(folder, f => new ProjectGuard(f, keep, state, log));

    public void Dispose()
    {
        foreach (var project in _projects.Values)
        {
            project.Dispose();
        }
    }

    /// <summary>Records what was found, as a part of the change that tells the result.</summary>
    /// <param name="entry">Whose it is; its kind and data are set here.</param>
    /// <param name="session">Whose transcript tells it; null: none.</param>
    public static void Record(Change change, GuardReport report, LedgerEntry entry, Guid? session, Guid? turn)
    {
        if (report.Alarm is { } alarm)
        {
            change.Ledger(entry with { Kind = LedgerKind.AlarmRaised, Data = new AlarmData(alarm).ToJson() });
            Tell(NoticeLevel.Warning, alarm);
        }

        if (report.Notice is { } notice)
        {
            Tell(NoticeLevel.Info, notice);
        }

        void Tell(NoticeLevel level, string text)
        {
            if (session is { } id)
            {
                change.Event(id, new NoticeEvent(level, text) { At = change.Now, TurnId = turn });
            }
        }
    }
}
