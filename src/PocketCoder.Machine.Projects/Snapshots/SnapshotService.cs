using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Guard;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Snapshots.Git;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using PocketCoder.Risks.Paths;

namespace PocketCoder.Machine.Snapshots;

/// <summary>What came of taking a snapshot before something that was allowed.</summary>
/// <param name="Commit">The snapshot; null: none was needed, or there is none.</param>
/// <param name="Problem">Why there is none although it was needed.</param>
/// <param name="MustNotRun">It destroys, and the person who allowed it was not told that it can't be undone.</param>
public sealed record Coverage(string? Commit, string? Problem, bool MustNotRun)
{
    public static Coverage NotNeeded { get; } = new(null, null, false);
}

/// <summary>Snapshots of projects around what was allowed in them. Thread-safe.</summary>
public sealed partial class SnapshotService(string directory, Store store, SnapshotLimits limits, TimeProvider time, ILogger log)
    : IAsyncDisposable
{
    private static readonly TimeSpan s_stopLimit = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Guid, ProjectSnapshots> _projects = new();
    private readonly ConcurrentDictionary<Guid, Begun> _begun = new();
    private readonly ConcurrentDictionary<Task, bool> _work = new();
    private readonly CancellationTokenSource _stop = new();

    private sealed record Begun(ApprovalInfo Approval, string Folder, SeenProject Before)
    {
        public Guid ApprovalId => Approval.ApprovalId;

        public Guid SessionId => Approval.AgentSessionId!.Value; // only what sessions ask for is seen before and after

        public Guid TurnId => Approval.TurnId;

        public Guid ProjectId => Approval.ProjectId;
    }

    public SnapshotLimits Limits { get; } = limits;

    /// <summary>Why nothing in this project can be undone at present, as far as it is known.</summary>
    public string? WhyNot(Guid projectId) => _projects.GetValueOrDefault(projectId)?.Problem;

    /// <summary>Something was asked for: the first snapshot of a project reads all of it, so that is done while the person reads.</summary>
    public void Warm(Guid projectId, string folder)
    {
        var project = Of(projectId, folder);
        if (project.IsFirst())
        {
            Track(WarmAsync());
        }

        async Task WarmAsync()
        {
            try
            {
                await project.ExclusiveAsync(git => git.TakeAsync(_stop.Token));
            }
            catch (Exception e) when (e is SnapshotException or OperationCanceledException)
            {
                LogFailed(log, projectId, e.Message); // tried again when it matters
            }
        }
    }

    /// <summary>Takes a snapshot before what was allowed begins, unless it only looks. Never faults.</summary>
    public Task<Coverage> BeforeAsync(ApprovalInfo approval, string folder)
    {
        if (approval.Kind is not (ApprovalKind.Command or ApprovalKind.Edit or ApprovalKind.Tool) || approval.Risk?.Tier == RiskTier.Read)
        {
            return Task.FromResult(Coverage.NotNeeded);
        }

        var work = TakeBeforeAsync(approval, folder);
        Track(work);
        return work;
    }

    /// <summary>It did not begin after all: there is nothing to undo.</summary>
    public void Forget(Guid approvalId)
    {
        if (_begun.TryRemove(approvalId, out _))
        {
            Track(ForgetAsync());
        }

        async Task ForgetAsync()
        {
            try
            {
                await store.WriteAsync(change => SnapshotRows.Delete(change, approvalId));
            }
            catch (LedgerException e)
            {
                LogFailed(log, approvalId, e.Message); // a row too many: its undo says that nobody saw how it ended
            }
        }
    }

    /// <summary>Takes the snapshot after it ended, soon. What is allowed next in the same project waits for it.</summary>
    /// <param name="told">Paths that an alarm was raised for already, as <see cref="TreePath"/> has them.</param>
    public void After(Guid approvalId, IReadOnlySet<string>? told = null)
    {
        if (_begun.TryRemove(approvalId, out var begun))
        {
            Track(AfterAsync([begun], told));
        }
    }

    /// <summary>The turn is over and nothing of it runs any more: whatever was not seen to end has ended.</summary>
    public void TurnEnded(Guid turnId)
    {
        var left = _begun.Values.Where(b => b.TurnId == turnId && _begun.TryRemove(b.ApprovalId, out _)).ToList();
        if (left.Count > 0)
        {
            Track(AfterAsync(left));
        }
    }

    /// <summary>Deletes the snapshots that only a deleted session has. Again does nothing.</summary>
    /// <param name="folder">What the project is registered with.</param>
    /// <exception cref="IOException">The store can't be used.</exception>
    public async Task DeleteAsync(Guid session, Guid projectId, string folder)
    {
        try
        {
            await DeleteOfAsync(session, projectId, folder);
        }
        catch (SnapshotException e)
        {
            throw new IOException($"its snapshots can't be deleted: {e.Message}", e);
        }
    }

    /// <summary>The project's store. Its folder is what the project is registered with.</summary>
    internal ProjectSnapshots Of(Guid projectId, string folder) => _projects.GetOrAdd(
        projectId, id => new ProjectSnapshots(
            new SnapshotStore(Path.Combine(directory, id.ToString("N")), folder, HomeWithin(folder), Limits, time)));

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Task.WhenAll(_work.Keys).WaitAsync(s_stopLimit, time);
        }
        catch (TimeoutException)
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_work.Keys);
        }

        _stop.Dispose();
    }

    private async Task DeleteOfAsync(Guid session, Guid projectId, string folder)
    {
        await Of(projectId, folder).ExclusiveAsync(async git =>
        {
            // Read in this turn: nothing is taken meanwhile. The rows go last, since they say what there is to do.
            var (any, keep) = await store.ReadAsync(reader => SnapshotRows.Without(reader, projectId, session), _stop.Token);
            if (any)
            {
                await git.PruneAsync(keep, _stop.Token, everything: true);
                await store.WriteAsync(change => SnapshotRows.DeleteOf(change, session));
            }

            return true;
        });
    }

    /// <summary>Does something after the present step; the daemon's stop waits for it.</summary>
    private void Track(Task work)
    {
        _work[work] = true;
        work.Observed(log, "a snapshot");
        _ = work.ContinueWith(done => _work.TryRemove(done, out _), TaskScheduler.Default);
    }

    private async Task<Coverage> TakeBeforeAsync(ApprovalInfo approval, string folder)
    {
        var project = Of(approval.ProjectId, folder);
        try
        {
            return await project.ExclusiveAsync(async git =>
            {
                var taken = await git.TakeAsync(_stop.Token);
                await store.WriteAsync(change => SnapshotRows.Insert(
                    change,
                    new SnapshotRow(approval.ApprovalId, UndoKind.Approval, approval.ProjectId, approval.AgentSessionId!.Value,
                        approval.TurnId, change.Now, taken.Commit, null, null)));
                _begun[approval.ApprovalId] = new Begun(approval, folder, taken.Seen);
                project.Problem = null;
                return new Coverage(taken.Commit, null, false);
            });
        }
        catch (Exception e) when (e is SnapshotException or LedgerException or OperationCanceledException or IOException
            or UnauthorizedAccessException)
        {
            var why = e is OperationCanceledException ? "the daemon is stopping" : e.Message;
            LogFailed(log, approval.ProjectId, why);
            project.Problem = why;
            var told = approval.Risk?.Consequences.Any(c => c.Kind == ConsequenceKind.NotUndoable) ?? false;
            return new Coverage(null, why, approval.Risk?.Tier == RiskTier.Destructive && !told);
        }
    }

    private async Task AfterAsync(IReadOnlyList<Begun> ended, IReadOnlySet<string>? told = null)
    {
        var project = Of(ended[0].ProjectId, ended[0].Folder);
        try
        {
            var taken = await project.ExclusiveAsync(async git =>
            {
                var snapshot = await git.TakeAsync(_stop.Token);
                await store.WriteAsync(change =>
                {
                    foreach (var begun in ended)
                    {
                        SnapshotRows.SetAfter(change, begun.ApprovalId, snapshot.Commit);
                    }
                });
                return snapshot;
            });
            foreach (var begun in ended.Where(b => b.Before.Commit != taken.Commit))
            {
                await AlarmAsync(
                    begun, [.. SnapshotTree.Differences(begun.Before.Tree, taken.Seen.Tree).Where(p => told?.Contains(p.Raw) != true)]);
            }

            if (project.ShouldTidy())
            {
                await project.ExclusiveAsync(git => TidyAsync(ended[0].ProjectId, git));
            }
        }
        catch (Exception e) when (e is SnapshotException or LedgerException or OperationCanceledException or IOException
            or UnauthorizedAccessException)
        {
            // Then nobody saw how it ended: undoing it asks to be meant.
            LogFailed(log, ended[0].ProjectId, e.Message);
        }
    }

    /// <summary>
    /// Says so when something wrote protected configuration that was not allowed with that in view: a command can do what its text does not
    /// show.
    /// </summary>
    private async Task AlarmAsync(Begun ended, List<TreePath> changed)
    {
        if (Protection.Touches(ended.Approval.Subject, ended.Approval.Risk, ended.Folder)
            || changed.Where(p => ProtectedPaths.Covers(p.Shown)).ToList() is not { Count: > 0 } written)
        {
            return;
        }

        var what = $"{string.Join(", ", written.Take(5).Select(p => p.Shown))}{(written.Count > 5 ? $" and {written.Count - 5} more" : "")} changed while something ran that was not allowed to: other programs obey such files";
        await store.WriteAsync(change =>
        {
            change.Ledger(new LedgerEntry(LedgerKind.AlarmRaised)
            {
                SessionId = ended.SessionId.ToString(),
                TurnId = ended.TurnId.ToString(),
                ApprovalId = ended.ApprovalId.ToString(),
                Sandbox = SandboxName.Of(ended.Approval.Sandbox),
                Data = new AlarmData(what).ToJson(),
            });
            change.Event(ended.SessionId, new NoticeEvent(NoticeLevel.Warning, $"{what}. Look at them; undo brings back what was before.")
            { At = change.Now, TurnId = ended.TurnId });
        });
    }

    private async Task<bool> TidyAsync(Guid projectId, SnapshotStore git)
    {
        var keep = await store.WriteAsync(change => SnapshotRows.Prune(change, projectId, change.Now - Limits.Age, Limits.Count));
        await git.PruneAsync(keep, _stop.Token);
        return true;
    }

    /// <summary>Where a project holds the daemon's own home, that is never looked at.</summary>
    private string? HomeWithin(string folder)
    {
        var home = Path.GetDirectoryName(directory)!;
        return home.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal) ? home[(folder.TrimEnd('/').Length + 1)..] : null;
    }

    [LoggerMessage(EventId = 531, Level = LogLevel.Warning, Message = "No snapshot of project {Project}: {Why}")]
    private static partial void LogFailed(ILogger log, Guid project, string why);
}
