using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Snapshots.Git;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Snapshots.Undo;

/// <summary>
/// Undoing: what it would do, and doing exactly that. Each undo has its snapshot too, so it can itself be undone. Thread-safe.
/// </summary>
public sealed class UndoService(SnapshotService snapshots, Store store, ProjectStore projects, string machineId)
{
    public const string Domain = "pocketcoder-undo-v1";

    private const int ShownAlone = 50;
    private const int ShownPaths = 20;

    /// <summary>Finds what a person means by an id or the beginning of one (8 characters or more).</summary>
    /// <exception cref="RequestFailure">SNAPSHOT_NOT_FOUND, INVALID_REQUEST</exception>
    public async Task<UndoTarget> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (id.Length < 8 || id.Any(c => !char.IsAsciiHexDigit(c) && c != '-'))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest, "Give the id of an approval, turn or undo, or a prefix of at least 8 characters.");
        }

        var found = await store.ReadAsync(reader => SnapshotRows.Beginning(reader, id.ToLowerInvariant()), cancellationToken);
        return found switch
        {
            [var one] => one,
            [] => throw new RequestFailure(ErrorCode.SnapshotNotFound,
                "No snapshot of that. Snapshots exist only for actions that changed something and were allowed in the last 30 days."),
            _ => throw new RequestFailure(ErrorCode.InvalidRequest,
                $"That could be {string.Join(" or ", found.Select(t => $"{Word(t.Kind)} {t.Id}"))}. Say which by its whole id."),
        };
    }

    /// <summary>What undoing would do, now.</summary>
    /// <exception cref="RequestFailure">SNAPSHOT_NOT_FOUND, PROJECT_NOT_FOUND</exception>
    public async Task<SnapshotDiffResponse> LookAsync(UndoTarget target, CancellationToken cancellationToken)
    {
        var project = await ProjectAsync(target, cancellationToken);
        return await TellAsync(() => snapshots.Of(project.ProjectId, project.Path).ExclusiveAsync(async git =>
        {
            var rows = await RowsAsync(target, cancellationToken);
            var (plan, _) = await PlanAsync(git, rows, cancellationToken);
            var files = await UndoDiffs.ShowAsync(git, plan, cancellationToken);
            var running = await store.ReadAsync(reader => SnapshotRows.IsRunning(reader, project.ProjectId), cancellationToken);
            return new SnapshotDiffResponse(
                target, rows[0].TakenAt, plan.Digest(Text(target)), plan.Steps.Count, files, plan.Steps.Count(s => s.ChangedSince),
                plan.OutcomeUnknown, running, Alone(plan.LeftAlone));
        }));
    }

    /// <summary>Undoes it, for a device or (without one) for the owner at the machine.</summary>
    /// <exception cref="RequestFailure">BAD_SIGNATURE, SNAPSHOT_NOT_FOUND, PROJECT_NOT_FOUND, DIGEST_MISMATCH, FILES_CHANGED,
    /// CONFLICT</exception>
    public async Task<UndoInfo> UndoAsync(Device? device, SnapshotUndoRequest request)
    {
        if (request.UndoId == Guid.Empty)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "undoId must be a UUID made for this undo.");
        }

        var signed = device is null ? null : Verify(device, request);
        if (await DoneAsync(request) is { } earlier)
        {
            return earlier;
        }

        var project = await ProjectAsync(request.Target, CancellationToken.None);
        return await TellAsync(() => snapshots.Of(project.ProjectId, project.Path).ExclusiveAsync(async git =>
        {
            if (await DoneAsync(request) is { } meanwhile)
            {
                return meanwhile;
            }

            var rows = await RowsAsync(request.Target, CancellationToken.None);
            var (plan, now) = await PlanAsync(git, rows, CancellationToken.None);
            await CheckAsync(plan, request, project);
            var restorer = new Restorer(git, now.Seen);
            if (restorer.Moved(plan) is { Count: > 0 } moved)
            {
                throw Changed("Files are being changed at this moment. Look again.", moved.Select(p => p.Shown));
            }

            return await DoAsync(git, restorer, plan, now, rows[^1], device, request, signed);
        }));
    }

    private static string Text(UndoTarget target) => $"{Word(target.Kind)} {target.Id}";

    private static string Word(UndoKind kind) => JsonSerializer.Serialize(kind, ProtocolJson.Default.UndoKind).Trim('"');

    private static RequestFailure Changed(string message, IEnumerable<string> paths) => new(
        ErrorCode.FilesChanged, message,
        new Dictionary<string, string>(StringComparer.Ordinal) { ["paths"] = string.Join('\n', paths.Take(ShownPaths)) });

    private static List<UndoLeftAlone> Alone(IEnumerable<(TreePath Path, string Why)> paths)
        => [.. paths.Take(ShownAlone).Select(p => new UndoLeftAlone(p.Path.Shown, p.Why))];

    /// <summary>What can't be read or taken is an answer.</summary>
    private static async Task<T> TellAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is SnapshotException or IOException or UnauthorizedAccessException)
        {
            throw new RequestFailure(ErrorCode.SnapshotNotFound, $"It can't be undone: {e.Message}.");
        }
    }

    private async Task<UndoInfo> DoAsync(
        SnapshotStore git, Restorer restorer, UndoPlan plan, TakenSnapshot now, SnapshotRow last, Device? device,
        SnapshotUndoRequest request, string? signed)
    {
        var by = device?.Name ?? "cli";
        var entry = new LedgerEntry(LedgerKind.UndoStarted)
        {
            SessionId = last.SessionId.ToString(),
            TurnId = last.TurnId?.ToString(),
            ApprovalId = request.Target.Kind == UndoKind.Approval ? request.Target.Id.ToString() : null,
            DeviceId = device?.DeviceId,
            Actor = by,
        };
        await store.WriteAsync(change =>
        {
            SnapshotRows.Insert(change, new SnapshotRow(
                request.UndoId, UndoKind.Undo, last.ProjectId, last.SessionId, last.TurnId, change.Now, now.Commit, null, null));
            change.Ledger(entry with
            {
                Data = new UndoStartedData(
                    request.UndoId, request.Target.Kind, request.Target.Id, by, request.Digest, request.Force, plan.Steps.Count, now.Commit,
                    device is null ? null : Base64Url.EncodeToString(device.SigningKey), signed,
                    device is null ? null : request.Signature)
                { Proof = device is null ? DecisionProof.OwnerSocket : DecisionProof.DeviceKey }.ToJson(),
            });
        });

        IReadOnlyList<(TreePath Path, string Why)> failed;
        string? after = null;
        try
        {
            failed = await restorer.ApplyAsync(plan, CancellationToken.None);
            after = (await git.TakeAsync(CancellationToken.None)).Commit;
        }
        catch (SnapshotException e)
        {
            failed = [(TreePath.Root, e.Message)];
        }

        return await store.WriteAsync(change =>
        {
            var undo = new UndoInfo(
                request.UndoId, request.Target, last.SessionId, last.TurnId, by, change.Now, Math.Max(0, plan.Steps.Count - failed.Count),
                [.. plan.Steps.Take(ShownPaths).Select(s => s.Path.Shown)], Alone(failed));
            if (after is not null)
            {
                SnapshotRows.SetAfter(change, request.UndoId, after);
            }

            SnapshotRows.SetDone(change, undo);
            change.Ledger(entry with
            { Kind = LedgerKind.UndoFinished, Data = new UndoFinishedData(request.UndoId, undo.Files, failed.Count, after).ToJson() });
            change.Event(last.SessionId, new UndoEvent(undo) { At = change.Now, TurnId = last.TurnId });
            return undo;
        });
    }

    private async Task CheckAsync(UndoPlan plan, SnapshotUndoRequest request, ProjectInfo project)
    {
        if (plan.Steps.Count == 0)
        {
            throw new RequestFailure(ErrorCode.Conflict, "There is nothing to undo: everything is as it was before.");
        }

        if (plan.Digest(Text(request.Target)) != request.Digest)
        {
            throw new RequestFailure(ErrorCode.DigestMismatch, "The files changed since you looked. Look again at what undoing would do.");
        }

        if (request.Force)
        {
            return;
        }

        if (plan.Steps.Where(s => s.ChangedSince).ToList() is { Count: > 0 } changed)
        {
            throw Changed($"{changed.Count} of these files were changed since by somebody else; undoing would discard those changes.",
                changed.Select(s => s.Path.Shown));
        }

        if (plan.OutcomeUnknown)
        {
            throw Changed("Nobody saw how it ended, so what others changed since can't be told from its own changes.",
                plan.Steps.Select(s => s.Path.Shown));
        }

        if (await store.ReadAsync(reader => SnapshotRows.IsRunning(reader, project.ProjectId), CancellationToken.None))
        {
            throw Changed("Something that was allowed runs in this project now. Wait for it or stop it.", []);
        }
    }

    private async Task<(UndoPlan Plan, TakenSnapshot Now)> PlanAsync(
        SnapshotStore git, IReadOnlyList<SnapshotRow> rows, CancellationToken cancellationToken)
    {
        var now = await git.TakeAsync(cancellationToken);
        var tree = now.Seen.Tree;
        SnapshotTree? first = null;
        var plan = await UndoPlan.MakeAsync(
            SpansAsync(),
            tree,
            paths => WorkspaceLister.IgnoredAsync(git, first ?? SnapshotTree.Empty, paths, snapshots.Limits.Time, cancellationToken));
        return (plan, now);

        async IAsyncEnumerable<UndoSpan> SpansAsync()
        {
            (string Commit, SnapshotTree Tree)? last = null;
            foreach (var row in rows)
            {
                // The state before one is mostly the state after the one before it.
                var before = last is { } known
                    && known.Commit == row.Before ? known.Tree : await git.LoadAsync(row.Before, cancellationToken);
                first ??= before;
                var after = row.After is null ? null : row.After == row.Before ? before : await git.LoadAsync(row.After, cancellationToken);
                last = row.After is null ? null : (row.After, after!);
                yield return new UndoSpan(before, after);
            }
        }
    }

    /// <summary>The project, after seeing to it that what has ended gets its second snapshot before anybody looks.</summary>
    private async Task<ProjectInfo> ProjectAsync(UndoTarget target, CancellationToken cancellationToken)
    {
        var rows = await RowsAsync(target, cancellationToken);
        foreach (var open in rows.Where(r => r.After is null))
        {
            if (!await store.ReadAsync(reader => SnapshotRows.IsOpen(reader, open.ActionId), cancellationToken))
            {
                snapshots.After(open.ActionId);
            }
        }

        return await projects.GetAsync(rows[0].ProjectId, cancellationToken);
    }

    private async Task<IReadOnlyList<SnapshotRow>> RowsAsync(UndoTarget target, CancellationToken cancellationToken)
    {
        var rows = await store.ReadAsync(reader => SnapshotRows.Of(reader, target), cancellationToken);
        return rows.Count > 0 ? rows : throw new RequestFailure(
            ErrorCode.SnapshotNotFound, "No snapshot of that: it changed nothing, none could be taken, or it has expired.");
    }

    private async Task<UndoInfo?> DoneAsync(SnapshotUndoRequest request)
    {
        var rows = await store.ReadAsync(
            reader => SnapshotRows.Of(reader, new UndoTarget(UndoKind.Undo, request.UndoId)), CancellationToken.None);
        return rows is not [{ Done: { } done }] ? null
            : done.Target == request.Target ? done
            : throw new RequestFailure(ErrorCode.Conflict, "This undo id belongs to another undo.");
    }

    private string Verify(Device device, SnapshotUndoRequest request)
    {
        string[] fields = [machineId, request.UndoId.ToString(), Word(request.Target.Kind), request.Target.Id.ToString(), request.Digest,
            request.Force ? "true" : "false"];
        if (CanonicalBase64.FromUrl(request.Signature) is { } signature && Signatures.Verify(device.SigningKey, signature, Domain, fields))
        {
            return Encoding.UTF8.GetString(Signatures.Text(Domain, fields));
        }

        throw DecisionCheck.BadSignature(request.Signature);
    }
}
