using System.Text;
using PocketCoder.Git;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Marks of a conflict that stayed in a file: git takes such a file for resolved as soon as it is staged, and so it would go on into a
/// commit and to others without a word.
/// </summary>
internal static class ConflictMarkers
{
    /// <summary>Files that are looked at; of a change of more nothing is said.</summary>
    private const int MostFiles = 100;

    private const int MostTold = 20;

    /// <summary>As git writes them. A row of = alone is too common in texts.</summary>
    private const string Marks = "^(<{7}|>{7})( |$)";

    /// <summary>Those among the staged files. Shown as git names them.</summary>
    public static Task<IReadOnlyList<string>> StagedAsync(
        GitRepository repo, IReadOnlyList<GitFileChange> staged, CancellationToken cancellationToken)
        => FindAsync(repo, ["--cached"], [.. staged.Where(c => c.Kind != GitChangeKind.Deleted).Select(c => repo.Near(repo.PathOf(c.Path)))
            .Distinct(StringComparer.Ordinal)], cancellationToken);

    /// <summary>Those among the files that the commits change, as they are in the last one.</summary>
    /// <param name="id">The last commit.</param>
    /// <param name="range">Arguments of <c>git log</c>.</param>
    public static async Task<IReadOnlyList<string>> CommittedAsync(
        GitRepository repo, string id, IReadOnlyList<string> range, CancellationToken cancellationToken)
    {
        var changed = await repo.ReadAsync(cancellationToken, ["log", "-z", "--name-only", "--format=", "--no-renames",
            "--diff-merges=separate", "--diff-filter=d", "--no-show-signature", "--max-count=200", .. range, "--"]);
        var paths = changed.Text.Split(['\0', '\n'], StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToList();
        return await FindAsync(repo, [id], paths, cancellationToken);
    }

    private static async Task<IReadOnlyList<string>> FindAsync(
        GitRepository repo, IReadOnlyList<string> where, List<string> paths, CancellationToken cancellationToken)
    {
        if (paths.Count is 0 or > MostFiles)
        {
            return [];
        }

        var found = await repo.RunAsync(
            new GitCommand(["grep", "--no-recurse-submodules", "--no-textconv", "-I", "-l", "-z", "-E", "-e", Marks, .. where, "--",
                .. paths])
            { AlsoFine = [1, 128] }, cancellationToken);
        return [.. Encoding.UTF8.GetString(found.Output.Span).Split('\0', StringSplitOptions.RemoveEmptyEntries).Take(MostTold)
            .Select(n => GitNames.Shown(n[(n.IndexOf(':', StringComparison.Ordinal) + 1)..]))];
    }
}
