using PocketCoder.Git;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// Staging and stashing look into submodules, and git runs there the filters that their own configuration names. Where nothing confines
/// those, it is refused.
/// </summary>
internal static class Submodules
{
    /// <param name="list">What is meant, each closed by a NUL; null: everything.</param>
    /// <exception cref="RequestFailure">GIT_ERROR</exception>
    public static async Task RequireNoneAsync(GitRepository repo, byte[]? list, CancellationToken cancellationToken)
    {
        if (repo.Sandbox is not (SandboxKind.None or SandboxKind.Landlock))
        {
            return;
        }

        var staged = await repo.ReadAsync(cancellationToken, "ls-files", "--stage", "-z", "--", repo.Everything);
        var links = GitRepository.Checked(() => IndexParser.Parse(staged.Output.Span)).Where(e => e.Mode == "160000").ToList();
        var wanted = list is null ? null : Split(list);
        if (staged.Truncated || links.Any(
            l => wanted is null || wanted.Exists(w => GitNames.Covers(w, l.Path.ToArray()) || GitNames.Covers(l.Path.ToArray(), w))))
        {
            throw new RequestFailure(
                ErrorCode.GitError,
                "git would enter submodules for that, and run filters from their own configuration, which no sandbox confines here. Do it in a terminal, or name files outside of submodules.");
        }
    }

    private static List<byte[]> Split(byte[] list)
    {
        var pieces = new List<byte[]>();
        for (var rest = list.AsSpan(); rest.IndexOf((byte)0) is var end and >= 0; rest = rest[(end + 1)..])
        {
            pieces.Add(rest[..end].ToArray());
        }

        return pieces;
    }
}
