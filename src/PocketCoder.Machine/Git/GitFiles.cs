using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>What can be told of a repository by which files are there. Nothing of them is read or believed.</summary>
internal static class GitFiles
{
    private const int MostHooks = 50;

    /// <summary>What was begun and is not done.</summary>
    public static GitOperationKind? Operation(GitPlace place)
    {
        bool Has(string name) => Path.Exists(Path.Combine(place.GitDir, name));
        return Has("rebase-merge") ? GitOperationKind.Rebase
            : Has("rebase-apply") ? Has("rebase-apply/applying") ? GitOperationKind.Am : GitOperationKind.Rebase
            : Has("MERGE_HEAD") ? GitOperationKind.Merge
            : Has("CHERRY_PICK_HEAD") ? GitOperationKind.CherryPick
            : Has("REVERT_HEAD") ? GitOperationKind.Revert
            : Has("BISECT_LOG") ? GitOperationKind.Bisect
            : null;
    }

    /// <summary>The hooks that git would run in a terminal, by name.</summary>
    public static IReadOnlyList<string> Hooks(GitPlace place)
    {
        try
        {
            var folder = new DirectoryInfo(Path.Combine(place.CommonDir, "hooks"));
            return folder.Exists && folder.LinkTarget is null
                ? [.. folder.EnumerateFiles().Where(f => !f.Name.EndsWith(".sample", StringComparison.Ordinal) && IsProgram(f)).Take(MostHooks).Select(f => f.Name).Order(StringComparer.Ordinal)]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsProgram(FileInfo file) => OperatingSystem.IsWindows() || (file.UnixFileMode & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None;
}
