using System.Globalization;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// Registers, makes and renames projects, for the owner and for devices. A device reaches only what is beneath the roots
/// (<see cref="FolderRoots"/>), by handles that stay open until the folder is registered; the owner may register any folder. Thread-safe.
/// </summary>
/// <param name="userHome">As for <see cref="FolderRoots"/>.</param>
public sealed class ProjectSetup(ProjectStore projects, FolderRoots roots, Store store, Home home, string? userHome)
{
    private const uint NewFolderMode = 0x1ED; // 0755, less the umask

    private readonly AsyncSemaphore _creating = new(); // the same request over two connections makes one folder

    public async Task<FoldersListResponse> ListAsync(FoldersListRequest request, CancellationToken cancellationToken)
    {
        var allowed = await roots.ListAsync(cancellationToken);
        var known = (await projects.ListAsync(cancellationToken)).DistinctBy(p => p.Path, StringComparer.Ordinal)
            .ToDictionary(p => p.Path, p => p.ProjectId, StringComparer.Ordinal);
        return request.Path is { } path
            ? FolderBrowser.List(path, allowed, Closed(), known)
            : new FoldersListResponse(
                null, null, [.. allowed.Select(r => new FolderEntry(Path.GetFileName(r), r, false, null))], Truncated: false);
    }

    /// <exception cref="RequestFailure">UNAUTHORIZED: a device can't force; else as <see cref="ProjectFolder.Resolve"/>, and for devices
    /// PERMISSION_DENIED where the roots or the folder itself don't allow it</exception>
    public async Task<ProjectAddResponse> AddAsync(Device? device, ProjectAddRequest request, CancellationToken cancellationToken)
    {
        if (device is null)
        {
            var resolved = ProjectFolder.Resolve(request.Path, request.Force, home, userHome);
            return await projects.AddAsync(resolved, ProjectFolder.NameOf(request.Name, resolved));
        }

        if (request.Force)
        {
            throw new RequestFailure(
                ErrorCode.Unauthorized, "Only the owner can register such a folder, at the machine: pocketcoder add --force FOLDER");
        }

        using var opened = FolderBrowser.Open(request.Path, await roots.ListAsync(cancellationToken), Closed());
        if (opened.IsRoot)
        {
            throw new RequestFailure(
                ErrorCode.PermissionDenied,
                "Projects are registered beneath this folder, not the folder itself. The owner can at the machine: pocketcoder add FOLDER");
        }

        return await RegisterAsync(opened, request.Path, request.Name, device);
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: the name, or no id; FILE_EXISTS; CONFLICT: the id is another creation's, or its
    /// project was removed; as <see cref="FolderBrowser.Open"/> for the parent</exception>
    public async Task<ProjectCreateResponse> CreateAsync(
        Device device, ProjectCreateRequest request, CancellationToken cancellationToken)
    {
        var name = FolderNames.New(request.Name);
        var path = FolderBrowser.Join(request.Parent, name);
        if (request.CreationId == Guid.Empty)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "creationId must be a UUID made for this request.");
        }

        var creation = new Creation(request.CreationId ?? Guid.CreateVersion7(), path, request.Git);
        await _creating.WaitAsync(cancellationToken);
        try
        {
            var begun = await CreationRows.FindAsync(store, creation.CreationId, cancellationToken);
            if (begun is not null && (begun.Path, begun.Git) != (path, request.Git))
            {
                throw new RequestFailure(ErrorCode.Conflict, "This creationId is in use for another project.");
            }

            if (begun?.ProjectId is { } made)
            {
                return new ProjectCreateResponse(
                    (await projects.ListAsync(cancellationToken)).FirstOrDefault(p => p.ProjectId == made)
                    ?? throw new RequestFailure(ErrorCode.Conflict, "This project was made, and removed since."));
            }

            using var parent = FolderBrowser.Open(request.Parent, await roots.ListAsync(cancellationToken), Closed());
            if (FolderBrowser.IsClosed(path, Closed()))
            {
                throw Exists(path);
            }

            if (begun is null)
            {
                await store.WriteAsync(change => CreationRows.Begin(change, creation));
            }

            return new ProjectCreateResponse(
                await MakeAsync(device, parent, FolderBrowser.Raw(name), begun ?? creation, again: begun is not null));
        }
        finally
        {
            _creating.Release();
        }
    }

    /// <param name="again">A crash cut it off: its folder may be there.</param>
    private async Task<ProjectInfo> MakeAsync(Device device, FolderBrowser.OpenFolder parent, string raw, Creation creation, bool again)
    {
        var path = creation.Path;
        var fresh = Libc.MakeDirectory(parent.Handle, raw, NewFolderMode);
        if (!fresh && !(again && Libc.LastError == Errno.Exists))
        {
            var error = Libc.LastError;
            await store.WriteAsync(change => CreationRows.Forget(change, creation.CreationId));
            throw error == Errno.Exists ? Exists(path) : new RequestFailure(
                error is Errno.NoSpace or Errno.Quota or Errno.ReadOnly ? ErrorCode.StorageFull : ErrorCode.PermissionDenied,
                $"{path} could not be made: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}.");
        }

        var made = Libc.Open(parent.Handle, raw, Libc.PathOnly | Libc.DirectoryOnly) ?? throw Exists(path);
        using var folder = new FolderBrowser.OpenFolder(made, default, isRoot: false);
        if (!fresh && !(parent.IsOurs(made) && (Identity(made) == creation.Folder || IsEmpty(made))))
        {
            throw Exists(path);
        }

        store.Seam("creation_folder");
        try
        {
            await store.WriteAsync(change => CreationRows.Made(change, creation.CreationId, Identity(made)));
            if (creation.Git)
            {
                NewRepository.Complete(made);
            }

            store.Seam("creation_repository");
            Check(folder, path);
            return await store.WriteAsync(change =>
            {
                var project = ProjectStore.Add(change, path, ProjectFolder.NameOf(null, path), device.DeviceId).Project;
                CreationRows.Finish(change, creation.CreationId, project.ProjectId);
                return project;
            });
        }
        catch when (fresh)
        {
            NewRepository.Undo(made);
            Unix.RemoveEmptyDirectory(parent.Handle, raw);
            throw;
        }
    }

    /// <summary>The folder in which something is made, held open.</summary>
    /// <exception cref="RequestFailure">As <see cref="FolderBrowser.Open"/>; FILE_EXISTS: that name is taken there.</exception>
    internal async Task<FolderBrowser.OpenFolder> OpenParentAsync(string parent, string name, CancellationToken cancellationToken)
    {
        var opened = FolderBrowser.Open(parent, await roots.ListAsync(cancellationToken), Closed());
        var path = FolderBrowser.Join(parent, name);
        if (!FolderBrowser.IsClosed(path, Closed()) && Libc.Stat(opened.Handle, FolderBrowser.Raw(name)) is null)
        {
            return opened;
        }

        opened.Dispose();
        throw Exists(path);
    }

    /// <summary>Device and inode; empty: it can't be told.</summary>
    internal static string Identity(SafeFileHandle folder)
        => Libc.Stat(folder) is { } stat ? string.Create(CultureInfo.InvariantCulture, $"{stat.Device}:{stat.Inode}") : "";

    private static bool IsEmpty(SafeFileHandle folder)
    {
        using var read = Libc.Reopen(folder, Libc.DirectoryOnly);
        return read is not null && FolderEntries.Read(read, ProjectPath.Root, static (_, _) => false);
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND; INVALID_REQUEST: the name, or a worktree</exception>
    /// <param name="device">Null: the owner at the machine.</param>
    public async Task<ProjectRenameResponse> RenameAsync(Device? device, ProjectRenameRequest request)
        => new(await projects.RenameAsync(request.ProjectId, FolderNames.Project(request.Name), device));

    private async Task<ProjectAddResponse> RegisterAsync(FolderBrowser.OpenFolder folder, string path, string? name, Device device)
    {
        Check(folder, path);
        return await projects.AddAsync(path, ProjectFolder.NameOf(name, path), device);
    }

    /// <summary>Whatever was put in its place meanwhile is not what was opened.</summary>
    /// <exception cref="RequestFailure">CONFLICT, or as <see cref="ProjectFolder.Resolve"/>.</exception>
    internal void Check(FolderBrowser.OpenFolder folder, string path)
    {
        if (ProjectFolder.Resolve(path, force: false, home, userHome) != path || Libc.WhereIs(folder.Handle) != FolderBrowser.Raw(path))
        {
            throw new RequestFailure(ErrorCode.Conflict, $"{path} was replaced meanwhile. Look again.");
        }
    }

    private List<string> Closed() => [.. home.Own.Append(home.Worktrees).Select(ProjectFolder.RealPath)];

    internal static RequestFailure Exists(string path)
        => new(ErrorCode.FileExists, $"{path} is there already. Choose another name, or register that folder.");
}
