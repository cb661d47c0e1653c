using PocketCoder.Protocol;

namespace PocketCoder.Risks;

/// <summary>One program (or shell builtin) that the command would start, wherever it stood: in a pipe, a substitution, behind <c>sudo</c>, in <c>find -exec</c>.</summary>
/// <param name="Argv">The program and its arguments after quoting and expansion. Untrusted.</param>
/// <param name="Exact">False when an argument is a pattern or is only known at run time; then <paramref name="Argv"/> shows its source.</param>
/// <param name="Via">The wrappers around it, outermost first: <c>sudo</c>, <c>xargs</c>.</param>
/// <param name="Known">Whether this program's effects are known.</param>
public sealed record CommandCall(IReadOnlyList<string> Argv, bool Exact, IReadOnlyList<string> Via, bool Known);

/// <summary>What a command or an edit would do, told before it is done.</summary>
/// <param name="Understood">Every command was found and its effects are known. When false the tier is never <see cref="RiskTier.Read"/>.</param>
/// <param name="Complete">
/// <paramref name="Commands"/> names everything that the shell itself starts, with exact arguments. A standing rule may be matched against the
/// commands only when this holds; it may hold although a program's effects are not known (<c>dotnet test</c>).
/// </param>
/// <param name="Reversible">Nothing changes but workspace files, and none of them is deleted: a snapshot taken before can bring everything back.</param>
/// <param name="Consequences">In the order of the command, without repetition, at most <see cref="RiskLimits.MaxConsequences"/>.</param>
public sealed record Risk(
    RiskTier Tier,
    bool Understood,
    bool Complete,
    bool Reversible,
    IReadOnlyList<Consequence> Consequences,
    IReadOnlyList<CommandCall> Commands)
{
    /// <summary>
    /// Absolute paths, links followed, of the files that it runs as code, as far as they are named: <c>./build.sh</c>, <c>bash x.sh</c>, <c>python x.py</c>,
    /// <c>source x</c>. In the order of the command, at most <see cref="RiskLimits.MaxScripts"/>. They need not exist.
    /// </summary>
    public IReadOnlyList<string> Scripts { get; init; } = [];
}
