using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Routing;
using PocketCoder.Platform;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Projects;

/// <summary>
/// What devices see of the machine's folders while they look for a project: step by step beneath a root, by handles, never through a link,
/// never into what is hidden, another user's, or writable by everybody. What is outside of the roots is refused by its text alone, so
/// nobody learns whether it exists. Linux only. Stateless.
/// </summary>
internal static class FolderBrowser
{
    public const int OthersWrite = 2;
    private const int GroupWrite = 16;
    private const int MostShown = 1000;
    private const int MostNames = 20_000;

    /// <param name="closed">Real paths that do not exist for devices: the daemon's own.</param>
    /// <param name="projects">Id by folder.</param>
    /// <exception cref="RequestFailure">As <see cref="Open"/>.</exception>
    public static FoldersListResponse List(
        string path, IReadOnlyList<string> roots, IReadOnlyList<string> closed, IReadOnlyDictionary<string, Guid> projects)
    {
        using var opened = Open(path, roots, closed);
        using var folder = Libc.Reopen(opened.Handle, Libc.DirectoryOnly) ?? throw Denied(path);
        var (names, seen) = (new List<string>(), 0);
        var all = FolderEntries.Read(folder, ProjectPath.Root, (raw, kind) =>
        {
            if (kind is FsKind.Dir or null && Text(raw) is { } name && FolderNames.IsOpen(name))
            {
                names.Add(name);
            }

            return ++seen < MostNames;
        });
        names.Sort(StringComparer.OrdinalIgnoreCase);
        var shown = new List<FolderEntry>();
        foreach (var name in names)
        {
            if (shown.Count == MostShown)
            {
                all = false;
                break;
            }

            var place = Join(path, name);
            using var child = Libc.Open(opened.Handle, Raw(name), Libc.PathOnly | Libc.DirectoryOnly);
            if (child is not null && opened.IsOurs(child) && !IsClosed(place, closed))
            {
                shown.Add(new FolderEntry(
                    name, place, Libc.Stat(child, ".git") is not null, projects.TryGetValue(place, out var id) ? id : null));
            }
        }

        return new FoldersListResponse(path, opened.IsRoot ? null : path[..Math.Max(1, path.LastIndexOf('/'))], shown, !all);
    }

    /// <summary>Opens a root or a folder beneath one.</summary>
    /// <exception cref="RequestFailure">PERMISSION_DENIED: not beneath a root, hidden, a link, another user's; FILE_NOT_FOUND;
    /// INVALID_REQUEST: no absolute path in its one spelling; UNAVAILABLE: not Linux</exception>
    public static OpenFolder Open(string path, IReadOnlyList<string> roots, IReadOnlyList<string> closed)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new RequestFailure(ErrorCode.Unavailable, "Folders can be looked at from a device on Linux machines only so far.");
        }

        if (path.Length is 0 or > FileLimits.PathLength || path[0] != '/' || path.Contains('\0', StringComparison.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "Give an absolute path, as folders_list tells it.");
        }

        var root = roots.Where(r => path == r || path.StartsWith(Join(r, ""), StringComparison.Ordinal)).MaxBy(r => r.Length)
            ?? throw new RequestFailure(
                ErrorCode.PermissionDenied,
                "That folder is not beneath one that this machine's owner allowed. The owner can at the machine: pocketcoder roots add FOLDER");
        var names = path.Length == root.Length ? [] : path[Join(root, "").Length..].Split('/');
        if (names.Length > FileLimits.Depth || names.Any(n => !FolderNames.IsOpen(n)) || IsClosed(path, closed))
        {
            throw Denied(path);
        }

        var at = Libc.Open(root, Libc.PathOnly | Libc.DirectoryOnly) ?? throw Gone(root);
        try
        {
            var first = Libc.Stat(at) ?? throw Gone(root);
            foreach (var name in names)
            {
                var next = Libc.Open(at, Raw(name), Libc.PathOnly | Libc.DirectoryOnly)
                    ?? throw (Libc.LastError == Errno.NotFound ? Gone(path) : Denied(path));
                at.Dispose();
                at = next;
                if (!OpenFolder.IsOurs(at, first))
                {
                    throw Denied(path);
                }
            }

            // The root's own path is followed: if a link took its place, this is somewhere else.
            return Libc.WhereIs(at) == Raw(path) ? new OpenFolder(at, first, names.Length == 0) : throw Denied(path);
        }
        catch
        {
            at.Dispose();
            throw;
        }
    }

    public static string Join(string folder, string name) => folder.EndsWith('/') ? folder + name : $"{folder}/{name}";

    /// <summary>A name for <see cref="Libc"/>.</summary>
    public static string Raw(string name) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(name));

    /// <summary>Whether a folder is one of these or in one.</summary>
    public static bool IsClosed(string path, IReadOnlyList<string> closed)
        => closed.Any(c => path == c || path.StartsWith(c + "/", StringComparison.Ordinal));

    private static string? Text(string raw)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(Encoding.Latin1.GetBytes(raw));
        }
        catch (ArgumentException)
        {
            return null; // no UTF-8: it has no name that could be sent back
        }
    }

    private static RequestFailure Denied(string path) => new(
        ErrorCode.PermissionDenied,
        $"{path} can't be used from a device: it is hidden, a link, another user's, or others may write to it. The owner can at the machine: pocketcoder add FOLDER");

    private static RequestFailure Gone(string path) => new(ErrorCode.FileNotFound, $"{path} does not exist any more.");

    /// <summary>A folder that is held open, whatever happens to its name.</summary>
    /// <param name="root">The root above it.</param>
    internal sealed class OpenFolder(SafeFileHandle handle, NodeStat root, bool isRoot) : IDisposable
    {
        public SafeFileHandle Handle => handle;

        public bool IsRoot => isRoot;

        public bool IsOurs(SafeFileHandle child) => IsOurs(child, root);

        /// <summary>It belongs to the daemon's user, or to whom the root belongs, and only that user or their group may write to
        /// it.</summary>
        public static bool IsOurs(SafeFileHandle child, NodeStat root)
            => Libc.Stat(child) is { IsDirectory: true } stat && (stat.User == CurrentUser.Id || stat.User == root.User)
                && (stat.Permissions & OthersWrite) == 0
                && ((stat.Permissions & GroupWrite) == 0 || stat.Group == CurrentUser.Group || stat.Group == root.Group);

        public void Dispose() => handle.Dispose();
    }
}
