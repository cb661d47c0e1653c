using PocketCoder.Git;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>What can be told of a repository by which files are there. Nothing of them is read or believed.</summary>
internal static class GitFiles
{
    private const int MostHooks = 50;

    /// <summary>Lines of a todo that take a commit and run nothing.</summary>
    private static readonly string[] s_takes =
        ["pick", "p", "reword", "r", "edit", "e", "squash", "s", "fixup", "f", "drop", "d", "revert"];

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

    /// <summary>The commit that was checked out when a rebase, cherry-pick or revert was begun; null: none is said. Untrusted.</summary>
    public static string? Begun(GitPlace place)
        => ((string[])["rebase-merge/orig-head", "rebase-apply/orig-head", "sequencer/head"]).Select(n => Text(place, n)?.Trim())
            .FirstOrDefault(GitNames.IsId);

    /// <summary>
    /// The commits that a rebase, cherry-pick or revert still has to take; null: that can't be told, or it would do something else than
    /// take commits, like run a program. Untrusted.
    /// </summary>
    public static IReadOnlyList<string>? Left(GitPlace place)
    {
        if (Path.Exists(Path.Combine(place.GitDir, "rebase-apply")))
        {
            return null; // patches
        }

        var commits = new List<string>();
        foreach (var name in (string[])["rebase-merge/git-rebase-todo", "sequencer/todo"])
        {
            if (!Path.Exists(Path.Combine(place.GitDir, name)))
            {
                continue;
            }

            foreach (var line in (Text(place, name) ?? "x").Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#'))
            {
                var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                var id = words.FirstOrDefault(w => w.Length >= 4 && w.All(char.IsAsciiHexDigit), "");
                if (words[0] is "noop")
                {
                    continue;
                }

                if (!s_takes.Contains(words[0], StringComparer.Ordinal) || id.Length == 0 || Array.IndexOf(words, id) > 2)
                {
                    return null;
                }

                commits.Add(id);
            }
        }

        return commits;
    }

    private static string? Text(GitPlace place, string name)
    {
        const int Most = 1024 * 1024;
        try
        {
            return new FileInfo(Path.Combine(place.GitDir, name)) is { Exists: true, LinkTarget: null, Length: <= Most } file
                ? File.ReadAllText(file.FullName) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The hooks that git would run in a terminal, by name.</summary>
    public static IReadOnlyList<string> Hooks(GitPlace place)
    {
        try
        {
            var folder = new DirectoryInfo(Path.Combine(place.CommonDir, "hooks"));
            return folder.Exists && folder.LinkTarget is null
                ? [.. folder.EnumerateFiles().Where(f => !f.Name.EndsWith(".sample", StringComparison.Ordinal) && IsProgram(f))
                    .Take(MostHooks).Select(f => f.Name).Order(StringComparer.Ordinal)]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsProgram(FileInfo file) => OperatingSystem.IsWindows()
        || (file.UnixFileMode & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != UnixFileMode.None;
}
