using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>A file of protected configuration in the work tree that an operation would change, or may.</summary>
/// <param name="Path">From the repository's top, as in messages. Untrusted.</param>
/// <param name="After">The object that it will be; null: it is removed, or that is not known (see <paramref name="Known"/>).</param>
/// <param name="Known">Whether <paramref name="After"/> says what becomes of it.</param>
internal sealed record GitTouch(string Path, string? After, bool Known)
{
    /// <summary>What it will be, where no object of the repository has it yet.</summary>
    public string? Text { get; init; }
}

/// <summary>What an operation would do, found out before it is done.</summary>
/// <param name="Touches">Protected configuration that it would change.</param>
/// <param name="Bound">The objects that it brings, by their ids: a decision is about these.</param>
internal sealed record GitPlan(IReadOnlyList<GitTouch> Touches, string Bound)
{
    public static GitPlan Nothing { get; } = new([], "");
}

/// <summary>An operation that changes a repository on a device's word.</summary>
/// <param name="Action">The message's type.</param>
/// <param name="Target">A name, a ref, an id: for the row.</param>
/// <param name="Plan">Finds out what it would change of the work tree; null: nothing.</param>
internal sealed record GitAct(string Action, string? Target = null, Func<GitRepository, Task<GitPlan>>? Plan = null)
{
    public IReadOnlyList<string>? Paths { get; init; }

    /// <summary>The target is a new id for each request, so a decision is not about it.</summary>
    public bool TargetIsNew { get; init; }

    /// <summary>
    /// It makes or removes a worktree, of which git keeps a folder in its own: the only operations that may write <c>.git/worktrees</c>.
    /// </summary>
    public bool Worktrees { get; init; }

    /// <summary>The request's other fields that matter: they are a part of what is decided on.</summary>
    public IReadOnlyList<string?> Exactly { get; init; } = [];
}
