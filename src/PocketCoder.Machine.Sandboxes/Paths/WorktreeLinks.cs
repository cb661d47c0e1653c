using System.Collections.Concurrent;
using System.Text;

namespace PocketCoder.Machine.Paths;

/// <summary>
/// A worktree that this machine made for sessions: a project of its own, whose repository is another project's. All paths absolute and
/// real. The record is the daemon's; what the files say is only ever compared with it.
/// </summary>
/// <param name="ProjectId">The worktree's own.</param>
/// <param name="ParentId">The project that the repository is in.</param>
/// <param name="Folder">What is checked out.</param>
/// <param name="ParentFolder">The parent's.</param>
/// <param name="GitDir">What git keeps of this worktree: <c>.git/worktrees/NAME</c> of the parent.</param>
/// <param name="CommonDir">The parent's <c>.git</c>.</param>
public sealed record WorktreeLink(
    Guid ProjectId, Guid ParentId, string Folder, string ParentFolder, string GitDir, string CommonDir)
{
    private const int PointerBytes = 8192;

    /// <summary>It was thrown away, or is being: whatever is at its place by now is not it.</summary>
    public bool Gone { get; init; }

    /// <summary>Git's file that keeps it from being pruned.</summary>
    public const string Lock = "locked";

    /// <summary>Why nothing may run in it: it was removed or redirected since it was made. Null: it is as it was made.</summary>
    public string? Broken()
    {
        if (Gone)
        {
            return "This worktree was thrown away. Its sessions can only be read.";
        }

        if (!Directory.Exists(Folder) || new DirectoryInfo(Folder).LinkTarget is not null)
        {
            return $"The worktree's folder {Folder} no longer exists: somebody removed it.";
        }

        if (!IsPlain(ParentFolder) || !IsPlain(CommonDir))
        {
            return $"The repository of this worktree, {CommonDir}, no longer exists.";
        }

        if (!IsPlain(GitDir))
        {
            return $"The repository does not know this worktree any more ({GitDir} is gone): somebody removed it.";
        }

        return Reads(Path.Combine(Folder, ".git"), $"gitdir: {GitDir}")
            && Reads(Path.Combine(GitDir, "gitdir"), Path.Combine(Folder, ".git"))
            && Reads(Path.Combine(GitDir, "commondir"), "../..")
                ? null
                : $"The worktree {Folder} does not lead to its own repository any more. Nothing runs in it.";
    }

    private static bool IsPlain(string folder) => Directory.Exists(folder) && new DirectoryInfo(folder).LinkTarget is null;

    private static bool Reads(string file, string text)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: < PointerBytes, LinkTarget: null }
                && File.ReadAllText(file, Encoding.UTF8).TrimEnd('\n') == text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

/// <summary>The worktrees that this machine made, by their folders. Thread-safe.</summary>
public sealed class WorktreeLinks
{
    private readonly ConcurrentDictionary<string, WorktreeLink> _links = new(StringComparer.Ordinal);

    public WorktreeLink? Find(string folder) => _links.GetValueOrDefault(folder);

    /// <summary>Whose budgets hold for a project: a worktree's count for its parent.</summary>
    public Guid Ruling(Guid project) => _links.Values.FirstOrDefault(l => l.ProjectId == project)?.ParentId ?? project;

    /// <summary>From now on it is this; it stays known when it is gone.</summary>
    public void Set(WorktreeLink link) => _links[link.Folder] = link;
}
