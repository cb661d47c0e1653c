using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Sessions.Search;
using PocketCoder.Machine.Terminals;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Sessions.Deleting;

/// <summary>
/// Deletes sessions for good: transcript, prompts, requests, attachments, outputs, the agent's own files in our home, snapshots and words
/// in the search index. The ledger's rows and the counted usage stay. What a crash or a full disk leaves, the next start deletes.
/// Thread-safe.
/// </summary>
public sealed class SessionDeletion(
    SessionServices services, SessionDirectory sessions, TerminalService terminals, SessionFiles files, SessionSearch search)
    : IAsyncDisposable
{
    private readonly AsyncSemaphore _one = new(); // one deletion at a time: each takes the disk and the database's writer
    private Task _goingOn = Task.CompletedTask;

    /// <returns>Whether all of it is deleted; else the next start does the rest.</returns>
    /// <exception cref="RequestFailure">SESSION_NOT_FOUND; CONFLICT: it does not rest</exception>
    public async Task<bool> DeleteAsync(Guid session, Device device)
    {
        await _one.WaitAsync();
        try
        {
            if (await services.Store.ReadAsync(reader => DeletionRows.IsDone(reader, session), CancellationToken.None) is { } done)
            {
                return done;
            }

            var actor = sessions.Get(session);
            var project = actor.Info.ProjectId;
            if (terminals.List(session).Count > 0)
            {
                throw new RequestFailure(ErrorCode.Conflict, "The session has a terminal open. Close it first.");
            }

            await actor.DeleteAsync(device.Name, device.DeviceId);
            await sessions.RemoveAsync(session);
            return await TryFinishAsync(session, project);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Begins to delete what an earlier daemon left; nobody waits for it.</summary>
    public void GoOn()
    {
        _goingOn = GoOnAsync();
        _goingOn.Observed(services.Logger, "going on with deletions");
    }

    public async ValueTask DisposeAsync()
    {
        await _goingOn.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _one.WaitAsync(); // the one that runs comes to its end; a later one finds its session stopped
        _one.Release();
    }

    private async Task GoOnAsync()
    {
        await _one.WaitAsync();
        try
        {
            foreach (var (session, project) in await services.Store.ReadAsync(DeletionRows.Unfinished, CancellationToken.None))
            {
                await TryFinishAsync(session, project);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<bool> TryFinishAsync(Guid session, Guid project)
    {
        try
        {
            await FinishAsync(session, project);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or LedgerException or SqliteException
            or OperationCanceledException)
        {
            SessionLog.NotDeleted(services.Logger, session, e.Message);
            return false;
        }
    }

    /// <summary>Each step may have been done before; the rows go last but one, since they say what the others are.</summary>
    private async Task FinishAsync(Guid session, Guid project)
    {
        var store = services.Store;
        store.Seam("deletion begun");
        var (heir, folder) = await store.ReadAsync(
            reader => (DeletionRows.Heir(reader, session), DeletionRows.Folder(reader, project)), CancellationToken.None);
        files.Delete(session);
        await services.Attachments.DeleteAsync(session, heir);
        store.Seam("deletion files");
        if (folder is not null)
        {
            await services.Snapshots.DeleteAsync(session, project, folder);
        }

        store.Seam("deletion snapshots");
        await DeletionRows.DeleteAsync(store, session);
        store.Seam("deletion rows");
        await search.ForgetAsync(session);
        await store.WriteAsync(change => DeletionRows.End(change, session));
    }
}

/// <summary>The message of it.</summary>
public static class DeletionRoutes
{
    public static MessageTable MapDeletion(this MessageTable table, SessionDeletion deletion) => table.Map(
        DeviceVerbs.AgentSessionDelete, Scope.Manage,
        async (caller, request, _) => new AgentSessionDeleteResponse(
            request.AgentSessionId, await deletion.DeleteAsync(request.AgentSessionId, caller.Device)),
        concurrent: true);
}
