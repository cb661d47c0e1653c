using System.Globalization;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// What was deleted from one project: kept beside the machine's state, a folder each with the thing and a few words about it, bounded by
/// number, bytes and age. What is on another file system is copied there first. Changes are the caller's to serialise.
/// </summary>
internal sealed class Trash(StateFolder state, TimeProvider time)
{
    private const string Folder = "trash";
    private const string Item = "item";
    private const string Partial = "part";
    private const string About = "about.json";
    private const int MaxPage = 200;

    public FsTrashListResponse List(FsTrashListRequest request)
    {
        if (request.Limit is < 1 or > MaxPage)
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, $"limit is 1 to {MaxPage}.");
        }

        var items = Items().Where(i => request.Before is not { } before
            || string.CompareOrdinal(i.TrashId.ToString(), before.ToString()) < 0).Take(request.Limit + 1).ToList();
        return new FsTrashListResponse([.. items.Take(request.Limit)], items.Count > request.Limit);
    }

    /// <exception cref="WorkspaceException">FILE_NOT_FOUND</exception>
    public FsTrashItem Find(Guid id) => Read(id) ?? throw new WorkspaceException(ErrorCode.FileNotFound, "That is no longer in the trash.");

    public async Task<FsDeleteResponse> DeleteAsync(ProjectRoot root, FsDeleteRequest request, string by, Recorder record)
    {
        FileWriting.CheckEtag(request.ExpectedEtag, onlyNew: false);
        var path = ProjectPath.Parse(request.Path);
        using var place = root.PlaceOf(path);
        var stat = Libc.Stat(place.Folder, place.Name) ?? throw Errno.Failure(Libc.LastError, path);
        if (request.ExpectedEtag is { } expected)
        {
            CheckEtag(place, expected);
        }

        var measured = Trees.Measure(place.Folder, place.Name, FileLimits.TrashBytes) ?? throw new WorkspaceException(
            ErrorCode.FileTooLarge,
            $"{path.Wire} has more than the {FileLimits.TrashBytes >> 20} MiB that the trash holds. Delete it in a terminal.",
            ("limit", FileLimits.TrashBytes.ToString(CultureInfo.InvariantCulture)));
        Expire(measured.Bytes);
        var item = new FsTrashItem(
            Guid.CreateVersion7(time.GetUtcNow()), path.Wire, stat.Kind, measured.Bytes, measured.Entries, time.GetUtcNow(), by);
        using var entry = state.Open(Folder, item.TrashId.ToString("N"));
        try
        {
            File.WriteAllBytes(AboutOf(item.TrashId), JsonSerializer.SerializeToUtf8Bytes(item, ProtocolJson.Default.FsTrashItem));
            await record(new FileChange(FileAction.Delete, place.Path.Wire, Bytes: measured.Bytes));
            Take(place, entry);
        }
        catch (Exception e)
        {
            Forget(item.TrashId);
            throw e is IOException or UnauthorizedAccessException ? Errno.Failure(e, path) : e;
        }

        return new FsDeleteResponse(true, item);
    }

    /// <summary>The first protected configuration within what would be restored; null: none.</summary>
    public string? Protected(Guid id, WorkspaceOptions options, ProjectPath to)
    {
        using var entry = state.Open(Folder, id.ToString("N"));
        using var item = Libc.Open(entry, Item, Libc.DirectoryOnly); // null: a file, whose name alone counts
        return item is null ? null : ChangeInspector.Within(item, options, to);
    }

    public async Task<FsRestoreResponse> RestoreAsync(ProjectRoot root, FsRestoreRequest request, Recorder record)
    {
        var item = Find(request.TrashId);
        var path = ProjectPath.Parse(request.To ?? item.Path);
        using var entry = state.Open(Folder, item.TrashId.ToString("N"));
        if (!path.IsRoot)
        {
            Arranging.MakeParents(root, path);
        }

        using var place = root.PlaceOf(path);
        if (Libc.Stat(place.Folder, place.Name) is not null)
        {
            throw Errno.Failure(Errno.Exists, path);
        }

        await record(new FileChange(FileAction.Restore, place.Path.Wire, Bytes: item.Bytes));
        if (!Libc.RenameNew(entry, Item, place.Folder, place.Name))
        {
            if (Libc.LastError != Errno.CrossDevice)
            {
                throw Errno.Failure(Libc.LastError, path);
            }

            CopyBack(entry, place, path);
        }

        Forget(item.TrashId);
        return new FsRestoreResponse(true, path.Wire);
    }

    /// <summary>
    /// After a kill: what was copied whole is in the trash, and what is left of it in the project goes; what was not is put back. Notes
    /// name the rest.
    /// </summary>
    public void Recover(ProjectRoot root)
    {
        foreach (var folder in Directory.EnumerateDirectories(state.Make(Folder)))
        {
            if (!Guid.TryParseExact(Path.GetFileName(folder), "N", out var id))
            {
                continue;
            }

            using var entry = state.Open(Folder, id.ToString("N"));
            var whole = Libc.Stat(entry, Item) is not null;
            var moving = Path.Combine(folder, "moving");
            if (File.Exists(moving))
            {
                var parts = File.ReadAllText(moving, System.Text.Encoding.Latin1).Split('\0');
                if (!whole && parts is [var temporary, var original]
                    && root.TryFind(new ProjectPath(original).Parent, follow: false, out _) is { } parent)
                {
                    using (parent)
                    {
                        _ = Libc.RenameNew(parent.Handle, temporary, parent.Handle, new ProjectPath(original).Name);
                    }
                }
            }

            if (!whole)
            {
                Forget(id);
            }
        }
    }

    private string AboutOf(Guid id) => Path.Combine(state.Path, Folder, id.ToString("N"), About);

    private static void CheckEtag(Place place, string expected)
    {
        using var node = Libc.Open(place.Folder, place.Name, Libc.PathOnly) ?? throw Errno.Failure(Libc.LastError, place.Path);
        using var file = Libc.Stat(node) is { IsRegular: true } ? Libc.Reopen(node, 0)
            ?? throw Errno.Failure(Libc.LastError, place.Path) : null;
        var etag = file is null ? null : FileReading.Etag(file);
        if (etag != expected)
        {
            throw new WorkspaceException(
                ErrorCode.Conflict, $"{place.Path.Wire} has changed in the meantime.", etag is null ? [] : [("etag", etag)]);
        }
    }

    private void Take(Place place, SafeFileHandle entry)
    {
        if (Libc.Rename(place.Folder, place.Name, entry, Item))
        {
            return;
        }

        if (Libc.LastError != Errno.CrossDevice)
        {
            throw Errno.Failure(Libc.LastError, place.Path);
        }

        // Out of the way first, so that nobody sees half of it; then a copy; then it is gone. The note and "moving" say what to do after a
        // kill at any point.
        var temporary = StateFolder.TemporaryName();
        using var moving = Libc.Open(entry, "moving", Libc.WriteOnly | Libc.Create | Libc.Exclusive, 0x180)
            ?? throw Errno.Failure(Libc.LastError, place.Path);
        RandomAccess.Write(moving, System.Text.Encoding.Latin1.GetBytes($"{temporary}\0{place.Path.Raw}"), 0);
        var note = state.Remember(place.Path.Parent / temporary);
        try
        {
            if (!Libc.RenameNew(place.Folder, place.Name, place.Folder, temporary))
            {
                throw Errno.Failure(Libc.LastError, place.Path);
            }

            Trees.Copy(place.Folder, temporary, entry, Partial);
            if (!Libc.Rename(entry, Partial, entry, Item))
            {
                throw Errno.Failure(Libc.LastError, place.Path);
            }
        }
        catch
        {
            _ = Libc.RenameNew(place.Folder, temporary, place.Folder, place.Name);
            note.Dispose();
            throw;
        }

        try
        {
            Trees.Remove(place.Folder, temporary);
            note.Dispose();
        }
        catch (WorkspaceException)
        {
            // The trash has it whole. What can't be removed stays out of sight, and the note says so to the next start.
        }
    }

    private void CopyBack(SafeFileHandle entry, Place place, ProjectPath path)
    {
        var temporary = StateFolder.TemporaryName();
        using var note = state.Remember(place.Path.Parent / temporary);
        try
        {
            Trees.Copy(entry, Item, place.Folder, temporary);
            if (!Libc.RenameNew(place.Folder, temporary, place.Folder, place.Name))
            {
                throw Errno.Failure(Libc.LastError, path);
            }
        }
        catch
        {
            Trees.Remove(place.Folder, temporary);
            throw;
        }
    }

    /// <summary>Makes room for what comes.</summary>
    private void Expire(long bytes)
    {
        var count = 1;
        var oldest = time.GetUtcNow() - TimeSpan.FromDays(FileLimits.TrashDays);
        foreach (var item in Items())
        {
            bytes += item.Bytes;
            if (++count > FileLimits.TrashItems || bytes > FileLimits.TrashBytes || item.DeletedAt < oldest)
            {
                Forget(item.TrashId);
                bytes -= item.Bytes;
                count--;
            }
        }
    }

    /// <summary>The newest first; ids of the trash sort by time.</summary>
    private IEnumerable<FsTrashItem> Items() => Directory.EnumerateDirectories(state.Make(Folder))
        .Select(f => Guid.TryParseExact(Path.GetFileName(f), "N", out var id) ? id : Guid.Empty)
        .Where(id => id != Guid.Empty)
        .OrderByDescending(id => id.ToString("N"), StringComparer.Ordinal)
        .Select(Read)
        .OfType<FsTrashItem>();

    private FsTrashItem? Read(Guid id)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(AboutOf(id)), ProtocolJson.Default.FsTrashItem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // not whole: a crash left it
        }
    }

    private void Forget(Guid id)
    {
        using var trash = state.Open(Folder);
        Trees.Remove(trash, id.ToString("N"));
    }
}
