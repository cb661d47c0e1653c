using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>Makes directories, renames and moves. Stateless.</summary>
internal static class Arranging
{
    public static async Task<FsMkdirResponse> MakeDirectoryAsync(ProjectRoot root, FsMkdirRequest request, Recorder record)
    {
        var path = ProjectPath.Parse(request.Path);
        if (request.Parents)
        {
            MakeParents(root, path);
        }

        using var place = root.PlaceOf(path);
        if (Libc.Stat(place.Folder, place.Name) is { } there)
        {
            using var found = there.IsLink ? root.TryFind(path, follow: true, out _) : null;
            return there.IsDirectory || found is { Stat.IsDirectory: true } ? new FsMkdirResponse(true, path.Wire, Created: false)
                : throw Errno.Failure(Errno.Exists, path);
        }

        await record(new FileChange(FileAction.MakeDirectory, place.Path.Wire));
        Make(place, path);
        return new FsMkdirResponse(true, path.Wire, Created: true);
    }

    public static async Task<FsMoveResponse> MoveAsync(ProjectRoot root, FsMoveRequest request, Recorder record)
    {
        var (from, to) = (ProjectPath.Parse(request.From), ProjectPath.Parse(request.To));
        using var source = root.PlaceOf(from);
        using var target = root.PlaceOf(to);
        if (Libc.Stat(source.Folder, source.Name) is null)
        {
            throw Errno.Failure(Libc.LastError, from);
        }

        if (Libc.Stat(target.Folder, target.Name) is not null)
        {
            throw Errno.Failure(Errno.Exists, to);
        }

        if (target.Path.IsBeneath(source.Path))
        {
            throw new WorkspaceException(ErrorCode.InvalidRequest, "A directory can't be moved into itself.");
        }

        await record(new FileChange(FileAction.Move, source.Path.Wire, target.Path.Wire));
        if (!Libc.RenameNew(source.Folder, source.Name, target.Folder, target.Name))
        {
            throw Libc.LastError == Errno.CrossDevice
                ? new WorkspaceException(ErrorCode.InvalidRequest, $"{to.Wire} is on another file system. Copy it in a terminal.")
                : Errno.Failure(Libc.LastError, Libc.LastError == Errno.Exists ? to : from);
        }

        return new FsMoveResponse(true, to.Wire);
    }

    /// <summary>Makes the directories in which something is to be.</summary>
    public static void MakeParents(ProjectRoot root, ProjectPath path)
    {
        var at = ProjectPath.Root;
        foreach (var name in path.Parent.Names)
        {
            at /= name;
            using var there = root.TryFind(at, follow: true, out var error);
            if (there is null && error != Errno.NotFound)
            {
                throw Errno.Failure(error, at);
            }

            if (there is null)
            {
                using var place = root.PlaceOf(at);
                Make(place, at);
            }
        }
    }

    private static void Make(Place place, ProjectPath path)
    {
        if (!Libc.MakeDirectory(place.Folder, place.Name))
        {
            throw Errno.Failure(Libc.LastError, path);
        }

        // A daemon of root makes things for whom the place belongs to.
        if (Environment.IsPrivilegedProcess && !Libc.SetOwner(place.Folder, place.Name, place.FolderStat.User, place.FolderStat.Group))
        {
            throw Errno.Failure(Libc.LastError, path);
        }
    }
}
