using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// Registers, makes and renames projects, for the owner and for devices. A device reaches only what is beneath the roots
/// (<see cref="FolderRoots"/>), by handles that stay open until the folder is registered; the owner may register any folder. Thread-safe.
/// </summary>
/// <param name="userHome">As for <see cref="FolderRoots"/>.</param>
public sealed class ProjectSetup(ProjectStore projects, FolderRoots roots, Home home, string? userHome)
{
    private const uint NewFolderMode = 0x1ED; // 0755, less the umask

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

    /// <exception cref="RequestFailure">INVALID_REQUEST: the name; FILE_EXISTS; as <see cref="FolderBrowser.Open"/> for the parent</exception>
    public async Task<ProjectCreateResponse> CreateAsync(
        Device device, ProjectCreateRequest request, CancellationToken cancellationToken)
    {
        var name = FolderNames.New(request.Name);
        using var parent = FolderBrowser.Open(request.Parent, await roots.ListAsync(cancellationToken), Closed());
        var (path, raw) = (FolderBrowser.Join(request.Parent, name), FolderBrowser.Raw(name));
        if (FolderBrowser.IsClosed(path, Closed()))
        {
            throw Exists(path);
        }

        if (!Libc.MakeDirectory(parent.Handle, raw, NewFolderMode))
        {
            throw Libc.LastError == Errno.Exists ? Exists(path) : new RequestFailure(
                Libc.LastError is Errno.NoSpace or Errno.Quota or Errno.ReadOnly ? ErrorCode.StorageFull : ErrorCode.PermissionDenied,
                $"{path} could not be made: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(Libc.LastError)}.");
        }

        var made = Libc.Open(parent.Handle, raw, Libc.PathOnly | Libc.DirectoryOnly) ?? throw Exists(path);
        using var folder = new FolderBrowser.OpenFolder(made, default, isRoot: false);
        try
        {
            if (request.Git)
            {
                NewRepository.Make(made);
            }

            return new ProjectCreateResponse((await RegisterAsync(folder, path, name, device)).Project);
        }
        catch
        {
            NewRepository.Undo(made);
            Unix.RemoveEmptyDirectory(parent.Handle, raw);
            throw;
        }
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND; INVALID_REQUEST: the name, or a worktree</exception>
    public async Task<ProjectRenameResponse> RenameAsync(Device device, ProjectRenameRequest request)
        => new(await projects.RenameAsync(request.ProjectId, FolderNames.Project(request.Name), device));

    private async Task<ProjectAddResponse> RegisterAsync(FolderBrowser.OpenFolder folder, string path, string? name, Device device)
    {
        var resolved = ProjectFolder.Resolve(path, force: false, home, userHome);
        // Whatever was put in its place meanwhile is not what was opened.
        return resolved == path && Libc.WhereIs(folder.Handle) == FolderBrowser.Raw(path)
            ? await projects.AddAsync(path, ProjectFolder.NameOf(name, path), device)
            : throw new RequestFailure(ErrorCode.Conflict, $"{path} was replaced meanwhile. Look again.");
    }

    private List<string> Closed() => [.. home.Own.Append(home.Worktrees).Select(ProjectFolder.RealPath)];

    private static RequestFailure Exists(string path)
        => new(ErrorCode.FileExists, $"{path} is there already. Choose another name, or register that folder.");
}
