using PocketCoder.Hands;
using PocketCoder.Protocol;
using PocketCoder.Risks.Paths;

namespace PocketCoder.Machine.Approvals;

/// <summary>Configuration that an agent could widen its rights with: always asked, and read-only to commands in a sandbox (docs/snapshots.md, <em>Protected configuration</em>).</summary>
internal static class Protection
{
    /// <summary>Whether what is asked for would write such a file, as far as it can be told. Then it is decided once, never for a turn or session.</summary>
    public static bool Touches(ApprovalSubject subject, RiskInfo? risk, string directory)
        => (subject is EditSubject edit && ProtectedPaths.Covers(Path.GetRelativePath(directory, edit.Path)))
            || (risk?.Consequences.Any(c => c.Kind is ConsequenceKind.RunsLater or ConsequenceKind.WritesPath or ConsequenceKind.DeletesPath or ConsequenceKind.ChangesRights
                && ProtectedPaths.Covers(c.Subject)) ?? false);

    /// <summary>What of a project is read-only to commands: what of it is there now, and is no link.</summary>
    public static IReadOnlyList<ReadOnlyBind> ReadOnly(string directory) =>
    [
        .. ProtectedPaths.AtRoot.Select(n => Path.Combine(directory, n)).Where(IsPlain).Select(p => new ReadOnlyBind(p)),
        .. IsPlain(Path.Combine(directory, ".git"))
            ? File.Exists(Path.Combine(directory, ".git"))
                ? [new ReadOnlyBind(Path.Combine(directory, ".git"))] // a worktree's or submodule's: the file says where the repository is
                : ProtectedPaths.InGit.Select(n => Path.Combine(directory, ".git", n)).Where(IsPlain).Select(p => new ReadOnlyBind(p))
            : (IEnumerable<ReadOnlyBind>)[],
    ];

    /// <summary>Folders that must stay where they are, or moving them would take what is bound read-only out of the way.</summary>
    public static IReadOnlyList<string> Pinned(string directory)
        => Path.Combine(directory, ".git") is var git && Directory.Exists(git) && IsPlain(git) ? [git] : [];

    private static bool IsPlain(string path) => Path.Exists(path) && new FileInfo(path).LinkTarget is null;
}
