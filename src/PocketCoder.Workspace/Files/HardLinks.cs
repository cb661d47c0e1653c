using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// Further names of files: a name says nothing about a file that has another one outside of the project, or one that is a secret's. The
/// project is looked through once, when the first such file is met. Not thread-safe.
/// </summary>
internal sealed class HardLinks(ProjectRoot root, WorkspaceOptions options)
{
    /// <summary>Entries of a project that are looked at; in a larger one no name can be trusted.</summary>
    private const int MostEntries = 100_000;

    private const int MostDepth = 256;

    private Dictionary<(ulong Device, ulong Inode), List<ProjectPath>>? _names;

    /// <summary>Whether a file may be read under a name: it has no other, or all others are within the project and no secrets.</summary>
    /// <param name="secret">Reading it is decided on anyway; then only names outside matter.</param>
    public bool May(NodeStat stat, bool secret, out string? other)
    {
        other = null;
        if (!stat.IsRegular || stat.Links <= 1)
        {
            return true;
        }

        _names ??= Find();
        if (!_names.TryGetValue((stat.Device, stat.Inode), out var names) || names.Count < stat.Links)
        {
            return false;
        }

        other = secret || names.Find(options.IsSecretAt) is not { Raw.Length: > 0 } found ? null : found.Wire;
        return other is null;
    }

    /// <exception cref="WorkspaceException">PERMISSION_DENIED</exception>
    public void Require(NodeStat stat, ProjectPath path, bool secret)
    {
        if (!May(stat, secret, out var other))
        {
            throw new WorkspaceException(
                ErrorCode.PermissionDenied,
                other is null
                    ? $"{path.Wire} has {stat.Links} names (hard links), some of which may be outside of the project: it is not read. Copy it in a terminal to make it a file of its own."
                    : $"{path.Wire} is another name (a hard link) of {other}, which looks like a secret. Ask for it by that name.");
        }
    }

    private Dictionary<(ulong Device, ulong Inode), List<ProjectPath>> Find()
    {
        var names = new Dictionary<(ulong, ulong), List<ProjectPath>>();
        var left = MostEntries;
        using var top = Libc.Reopen(root.Handle, Libc.DirectoryOnly);
        if (top is not null)
        {
            Walk(top, ProjectPath.Root, 0);
        }

        return names;

        void Walk(Microsoft.Win32.SafeHandles.SafeFileHandle folder, ProjectPath path, int depth)
        {
            var folders = new List<string>();
            Read(folder, path, (name, kind) =>
            {
                var stat = kind is null or FsKind.File ? Libc.Stat(folder, name) : null;
                if ((kind ?? stat?.Kind) == FsKind.Dir)
                {
                    folders.Add(name);
                }
                else if (stat is { IsRegular: true, Links: > 1 } file)
                {
                    (names.TryGetValue((file.Device, file.Inode), out var known) ? known : names[(file.Device, file.Inode)] = []).Add(
                        path / name);
                }

                return --left > 0;
            });
            foreach (var name in folders.Where(_ => left > 0 && depth < MostDepth))
            {
                using var next = Libc.Open(folder, name, Libc.DirectoryOnly);
                if (next is not null)
                {
                    Walk(next, path / name, depth + 1);
                }
            }
        }

        static void Read(Microsoft.Win32.SafeHandles.SafeFileHandle folder, ProjectPath path, FolderEntries.Visit visit)
        {
            try
            {
                FolderEntries.Read(folder, path, visit);
            }
            catch (WorkspaceException)
            {
                // Names in a folder that can't be read stay unknown, and a file that has one there is refused.
            }
        }
    }
}
