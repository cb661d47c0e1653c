using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Snapshots.Git;

namespace PocketCoder.Machine.Snapshots.Undo;

/// <summary>
/// Brings paths back: removes, links, and writes each file whole or not at all (temporary file, rename). Follows no link, so whatever is
/// swapped meanwhile, nothing outside of the project is written. A path that fails does not stop the others.
/// </summary>
internal sealed class Restorer(SnapshotStore store, SeenProject seen)
{
    private readonly List<(TreePath Path, string Why)> _failed = [];

    /// <summary>Paths whose file is not any more what the plan was made from, by stat.</summary>
    public IReadOnlyList<TreePath> Moved(UndoPlan plan)
    {
        using var folders = OpenFolders.Of(store.Project);
        return [.. plan.Steps.Where(s => !IsAsSeen(folders, s.Path)).Select(s => s.Path)];
    }

    /// <summary>Does it; returns what could not be done.</summary>
    /// <exception cref="SnapshotException">The store can't be read. What was done by then is done.</exception>
    public async Task<IReadOnlyList<(TreePath Path, string Why)>> ApplyAsync(UndoPlan plan, CancellationToken cancellationToken)
    {
        using var folders = OpenFolders.Of(store.Project);
        Remove(folders, plan);
        var back = plan.Steps.Where(s => s.Target is not null).ToList();
        var next = 0;
        await store.ReadAsync(
            [.. back.Select(s => s.Target!.Value.Oid!)],
            async (_, size, content, token) =>
            {
                var step = back[next++];
                await TryAsync(step.Path, () => PutAsync(folders, step, size, content, token));
            },
            cancellationToken);
        return _failed;
    }

    private void Remove(OpenFolders folders, UndoPlan plan)
    {
        var emptied = new HashSet<TreePath>();
        foreach (var step in plan.Steps.Where(s => s.Target is null || s.Target.Value.IsLink != s.Now?.IsLink))
        {
            if (step.Now is null || folders.Find(step.Path.Parent) is not { } folder)
            {
                continue;
            }

            try
            {
                Unix.Remove(folder, step.Path.Name);
                emptied.Add(step.Path.Parent);
            }
            catch (IOException e)
            {
                _failed.Add((step.Path, e.Message));
            }
        }

        // Directories that only held what is gone; deepest first. One that still holds something (what is ignored, say) stays.
        folders.Forget();
        for (var deepest = emptied.OrderByDescending(p => p.Raw.Length).ToList(); deepest.Count > 0; deepest =
            [.. deepest.Where(p => p.Raw.Length > 0).Select(p => p.Parent).Distinct().OrderByDescending(p => p.Raw.Length)])
        {
            deepest.RemoveAll(path => path.Raw.Length == 0 || folders.Find(path.Parent) is not { } parent
                || !Unix.RemoveEmptyDirectory(parent, path.Name));
            folders.Forget();
        }
    }

    private static async Task PutAsync(OpenFolders folders, UndoStep step, long size, Stream content, CancellationToken cancellationToken)
    {
        var target = step.Target!.Value;
        var folder = folders.Make(step.Path.Parent, GiveToOwnerOf);
        var there = Unix.Stat(folder, step.Path.Name);
        if (there is { IsDirectory: true } && !Unix.RemoveEmptyDirectory(folder, step.Path.Name))
        {
            throw new IOException("a directory that is not empty stands there");
        }

        var temporary = $".pocketcoder-{Guid.CreateVersion7():N}";
        try
        {
            if (target.IsLink)
            {
                var points = new byte[size];
                await content.ReadExactlyAsync(points, cancellationToken);
                Unix.MakeLink(folder, temporary, points);
            }
            else
            {
                using var file = Unix.CreateNew(folder, temporary);
                await CopyAsync(content, file, cancellationToken);
                Unix.SetMode(file, target.Permissions);
                RandomAccess.FlushToDisk(file);
            }

            if (there is { } old && Environment.IsPrivilegedProcess)
            {
                Unix.GiveTo(folder, temporary, old.User, old.Group);
            }
            else
            {
                GiveToOwnerOf(folder, temporary);
            }

            Unix.Rename(folder, temporary, step.Path.Name);
        }
        catch
        {
            Unix.Remove(folder, temporary);
            throw;
        }
    }

    /// <summary>What root makes belongs to whom the directory belongs.</summary>
    private static void GiveToOwnerOf(SafeFileHandle parent, string name)
    {
        if (Environment.IsPrivilegedProcess && Unix.Stat(parent) is { } owner)
        {
            Unix.GiveTo(parent, name, owner.User, owner.Group);
        }
    }

    private static async Task CopyAsync(Stream content, SafeFileHandle file, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        long at = 0;
        int read;
        while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
        {
            RandomAccess.Write(file, buffer.AsSpan(0, read), at);
            at += read;
        }
    }

    private async Task TryAsync(TreePath path, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _failed.Add((path, e.Message));
        }
    }

    private bool IsAsSeen(OpenFolders folders, TreePath path)
    {
        var stat = folders.Find(path.Parent) is { } folder ? Unix.Stat(folder, path.Name) : null;
        if (!seen.Files.TryGetValue(path, out var then))
        {
            return stat is null or { IsDirectory: true };
        }

        return stat is { } now && now.Inode == then.Stat.Inode && now.Size == then.Stat.Size && now.Changed == then.Stat.Changed
            && now.Mode == then.Stat.Mode;
    }
}
