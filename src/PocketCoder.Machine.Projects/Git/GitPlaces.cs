using System.Text;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Routing;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>Where a project's repository lies on the machine. All paths absolute.</summary>
/// <param name="Top">What is checked out: the project, or a folder above it.</param>
/// <param name="GitDir">What git is told as GIT_DIR: the <c>.git</c> folder, or a worktree's own folder within the repository.</param>
/// <param name="CommonDir">What all worktrees share; one lock for each.</param>
/// <param name="Bound">The only folder git sees in its sandbox. Holds all of the above.</param>
/// <param name="Prefix">The project within <paramref name="Top"/>, with a closing slash; empty: it is the same.</param>
internal sealed record GitPlace(string Top, string GitDir, string CommonDir, string Bound, string Prefix)
{
    /// <summary>
    /// Of a worktree that this machine made: <paramref name="CommonDir"/>, which lies outside of <paramref name="Bound"/>.
    /// </summary>
    public string? Side { get; init; }
}

/// <summary>
/// Finds a project's repository without git, and without believing what lies in the project: a <c>.git</c> file may be written by an agent,
/// and what it names is only used within a folder that the owner registered and that holds both (docs/decisions, <em>git</em>).
/// </summary>
internal static class GitPlaces
{
    private const int PointerBytes = 8192;

    /// <param name="projects">The folders of all projects.</param>
    /// <param name="forbidden">Folders that must not be within what is bound: the daemon's own.</param>
    /// <param name="link">The project is a worktree that this machine made; null: it is none.</param>
    /// <exception cref="RequestFailure">GIT_NOT_INITIALIZED, PERMISSION_DENIED; CONFLICT: the worktree is not what was made</exception>
    public static GitPlace Find(
        string project, IReadOnlyList<string> projects, IReadOnlyList<string> forbidden, WorktreeLink? link = null)
    {
        if (link is not null)
        {
            return link.Broken() is { } why ? throw new RequestFailure(ErrorCode.Conflict, why)
                : new GitPlace(link.Folder, link.GitDir, link.CommonDir, link.Folder, "") { Side = link.CommonDir };
        }

        var folder = Real(project);
        for (var top = folder; top is not null and not "/"; top = Path.GetDirectoryName(top))
        {
            var git = Path.Combine(top, ".git");
            var entry = new FileInfo(git);
            if (entry.LinkTarget is not null)
            {
                throw Refused("Its .git is a symbolic link. git is not run through such a link.");
            }

            if (Directory.Exists(git) && File.Exists(Path.Combine(git, "HEAD")))
            {
                if (top != folder)
                {
                    CheckAbove(top, folder, forbidden);
                }

                if (File.Exists(Path.Combine(git, "commondir")))
                {
                    throw Refused("Its .git names another repository as its own (commondir).");
                }

                return new GitPlace(top, git, git, top, Prefix(top, folder));
            }

            if (entry.Exists)
            {
                return Pointed(top, git, folder, projects, forbidden);
            }
        }

        throw new RequestFailure(ErrorCode.GitNotInitialized, "This project is not a git repository. On the machine: git init.");
    }

    /// <summary>A worktree or a submodule: the file says where its repository is.</summary>
    private static GitPlace Pointed(string top, string git, string folder, IReadOnlyList<string> projects, IReadOnlyList<string> forbidden)
    {
        var own = Target(top, git, "gitdir: ")
            ?? throw new RequestFailure(ErrorCode.GitNotInitialized, "This project's .git file names no repository.");
        var common = Target(own, Path.Combine(own, "commondir"), "") ?? own;
        var bound = projects.Select(Real).Append(folder).Where(p => Holds(p, top) && Holds(p, own) && Holds(p, common))
            .OrderByDescending(p => p.Length).FirstOrDefault()
            ?? throw Refused($"Its repository is elsewhere ({common}), and no project contains both. Register the folder that does, with: pocketcoder add <path>");
        if (top != folder)
        {
            CheckAbove(top, folder, forbidden);
        }

        return new GitPlace(top, own, common, bound, Prefix(top, folder));
    }

    /// <summary>A repository above a project is the owner's when it is no home directory and not the daemon's.</summary>
    private static void CheckAbove(string top, string folder, IReadOnlyList<string> forbidden)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if ((home.Length > 1 && Holds(top, Real(home))) || forbidden.Any(f => Holds(top, f)) || !SameOwner(top, folder))
        {
            throw Refused($"It is inside the repository {top}, and git is not run there: it contains a home directory or PocketCoder's own files, or belongs to somebody else.");
        }
    }

    private static bool SameOwner(string top, string folder)
    {
        try
        {
            return OperatingSystem.IsWindows() || FileOwner.IsCurrentUser(top) == FileOwner.IsCurrentUser(folder);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string? Target(string from, string file, string lead)
    {
        try
        {
            if (!File.Exists(file) || new FileInfo(file) is not { Length: > 0 and < PointerBytes, LinkTarget: null })
            {
                return null;
            }

            var text = File.ReadAllText(file, Encoding.UTF8).TrimEnd('\n', '\r');
            if (!text.StartsWith(lead, StringComparison.Ordinal) || text.Contains('\n', StringComparison.Ordinal)
                || text.Contains('\0', StringComparison.Ordinal))
            {
                return null;
            }

            var named = Path.GetFullPath(Path.Combine(from, text[lead.Length..]));
            return Directory.Exists(named) ? Real(named) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static bool Holds(string folder, string path) => path == folder
        || path.StartsWith(folder.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static string Prefix(string top, string folder) => top == folder ? "" : folder[(top.TrimEnd('/').Length + 1)..] + "/";

    private static string Real(string path)
    {
        try
        {
            return RealPath.Of(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new RequestFailure(ErrorCode.GitNotInitialized, $"{path} can't be read on the machine.");
        }
    }

    private static RequestFailure Refused(string message) => new(ErrorCode.PermissionDenied, message);
}
