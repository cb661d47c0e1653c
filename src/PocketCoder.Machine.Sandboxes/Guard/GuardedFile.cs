using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Paths;

namespace PocketCoder.Machine.Guard;

/// <summary>Why a file is looked at before and after a command.</summary>
internal enum GuardedKind
{
    /// <summary>
    /// Says where a repository, or what all its worktrees share, is: <c>.git</c> as a file or link, <c>commondir</c>, <c>gitdir</c>, and
    /// folders of a repository that are links.
    /// </summary>
    Redirect,

    /// <summary>Git's settings: <c>config</c>, <c>config.worktree</c>, <c>.gitmodules</c>.</summary>
    Settings,

    Hook,

    /// <summary><c>info/attributes</c>.</summary>
    Attributes,

    /// <summary>Where objects are looked for besides.</summary>
    Alternates,

    /// <summary><c>HEAD</c>: without a valid one a folder is no repository, and git looks for another.</summary>
    Head,

    /// <summary><c>objects</c> and <c>refs</c>, for the same reason.</summary>
    Folder,

    /// <summary>Configuration of other tools (<see cref="Risks.Paths.ProtectedPaths"/>).</summary>
    Tool,
}

/// <summary>What stands at a path.</summary>
/// <param name="Type">f: a file; l: a link; d: a folder; o: something else.</param>
/// <param name="Content">Of a file, or where a link points; null: larger than <see cref="Largest"/>, or neither.</param>
/// <param name="Identity">Differs when the content does.</param>
public sealed record FileState(char Type, int Permissions, byte[]? Content, string Identity)
{
    public const int Largest = 1 << 20;

    public bool Equals(FileState? other) => other is not null && Type == other.Type && Permissions == other.Permissions
        && Identity == other.Identity;

    public override int GetHashCode() => Identity.GetHashCode(StringComparison.Ordinal);

    /// <summary>Null when nothing is there, or it can't be read.</summary>
    public static FileState? Of(SafeFileHandle parent, string name)
    {
        if (Unix.Stat(parent, name) is not { } stat)
        {
            return null;
        }

        if (stat.IsDirectory)
        {
            return new('d', 0, null, "d");
        }

        if (stat.IsLink)
        {
            var target = Unix.ReadLink(parent, name) ?? [];
            return new('l', 0, target, Convert.ToHexStringLower(SHA256.HashData(target)));
        }

        var shape = FormattableString.Invariant($"{stat.Mode}:{stat.Inode}:{stat.Size}:{stat.Changed}");
        if (!stat.IsRegular)
        {
            return new('o', 0, null, shape);
        }

        using var file = stat.Size > Largest ? null : Unix.OpenRead(parent, name);
        if (file is null || Unix.Stat(file) is not { IsRegular: true, Size: <= Largest } opened)
        {
            return new('f', stat.Permissions, null, shape);
        }

        var bytes = new byte[opened.Size];
        var read = 0;
        for (int n; read < bytes.Length && (n = RandomAccess.Read(file, bytes.AsSpan(read), read)) > 0; read += n)
        {
        }

        bytes = bytes[..read];
        return new('f', opened.Permissions, bytes, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }
}

/// <param name="Repository">The folder of the repository that it belongs to; its own path for what belongs to none.</param>
internal sealed record GuardedFile(GuardedKind Kind, TreePath Repository, FileState State);

/// <summary>What of a project decides which programs git and other tools run by themselves, at one moment.</summary>
internal sealed class ProjectScan
{
    public Dictionary<TreePath, GuardedFile> Files { get; } = [];

    /// <summary>Repositories by their own folder (<c>sub/.git</c>), and whether it is one by its looks only: a bare one.</summary>
    public Dictionary<TreePath, bool> Repositories { get; } = [];

    /// <summary>The scripts of each <c>package.json</c>, as its text has them.</summary>
    public Dictionary<TreePath, string> Scripts { get; } = [];

    /// <summary>Why not everything was seen, in words; empty: all was.</summary>
    public List<string> Unseen { get; } = [];
}
