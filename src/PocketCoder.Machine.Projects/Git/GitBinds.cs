using System.Globalization;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Guard;
using PocketCoder.Risks.Paths;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git;

/// <summary>
/// The part of a repository that one of git's sandboxes may write: nothing for operations that only read; for others everything but
/// protected configuration, less the files that a person allowed to be changed. Sandboxes are told apart by <see cref="Key"/>.
/// </summary>
/// <param name="Writes">False: the whole repository is read-only.</param>
/// <param name="Side">What lies outside of <paramref name="Bound"/>: a worktree's repository, or the folder of one that is made.</param>
internal sealed record GitBinds(
    string Bound, bool Writes, IReadOnlyList<ReadOnlyBind> ReadOnly, IReadOnlyList<string> Pinned, SideFolder? Side = null)
{
    /// <summary>Within git's folder: what it keeps of each worktree.</summary>
    public const string Worktrees = "worktrees";

    /// <summary>
    /// Names the sandbox. Holds the inode of each bind: a file that was replaced on the machine meanwhile takes its bind away from a
    /// sandbox that is running, so the next operation gets a new one.
    /// </summary>
    public string Key { get; } = string.Join('\0',
        [Bound, Writes ? "w" : "r", .. ReadOnly.Select(b => $"{b.Source} {Inode(b.Source)}"), .. Pinned.Select(p => $"{p} {Inode(p)}"),
            .. Side is null ? [] : Side.Writable.Prepend(Side.Path).Select(p => $"{p} {Inode(p)}")]);

    /// <summary>For operations that only read.</summary>
    public static GitBinds Reading(GitPlace place) => new(place.Bound, Writes: false, [], [],
        place.Side is { } side ? new SideFolder(side, []) : null);

    /// <summary>For operations that change something. Looks at which protected configuration is there now.</summary>
    /// <param name="opened">Absolute paths that may be changed although they are protected; files in protected folders open the whole
    /// folder. One outside of the repository is the folder of a worktree that is made.</param>
    public static GitBinds Writing(GitPlace place, IReadOnlyList<string> opened)
    {
        string[] folders = [.. ((string[])[place.Bound, place.Top]).Distinct(StringComparer.Ordinal)];
        string[] inGit = [.. ((string[])[place.CommonDir, place.GitDir]).Distinct(StringComparer.Ordinal)
            .SelectMany(g => ProtectedPaths.InGit.Select(n => Path.Combine(g, n)))];
        var binds = folders.SelectMany(Protection.ReadOnly)
            .Concat(inGit.Where(p => Path.Exists(p) && new FileInfo(p).LinkTarget is null).Select(p => new ReadOnlyBind(p)))
            .DistinctBy(b => b.Source, StringComparer.Ordinal)
            .Where(b => b.Source != place.Bound && !opened.Any(o => Holds(b.Source, o) || Holds(o, b.Source)))
            .OrderBy(b => b.Source, StringComparer.Ordinal);
        var pinned = folders.SelectMany(Protection.Pinned).Append(place.CommonDir).Where(p => p.StartsWith(
            place.Bound + "/", StringComparison.Ordinal) && !opened.Any(o => Holds(o, p))).Distinct(StringComparer.Ordinal);
        var made = opened.FirstOrDefault(o => !Holds(place.Bound, o) && !Holds(place.CommonDir, o));
        return new GitBinds(
            place.Bound, Writes: true, [.. binds], [.. pinned.Order(StringComparer.Ordinal)],
            place.Side is { } side ? new SideFolder(side, [side, place.GitDir]) : made is not null ? new SideFolder(made, [made]) : null);
    }

    private static bool Holds(string folder, string path) => path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);

    private static string Inode(string path)
    {
        using var node = Libc.Open(path, Libc.PathOnly | Libc.NoFollow);
        return node is not null && Libc.Stat(node) is { } stat ? string.Create(CultureInfo.InvariantCulture, $"{stat.Device}:{stat.Inode}")
            : "";
    }
}
