using PocketCoder.Protocol;

namespace PocketCoder.Risks;

/// <summary>
/// One program (or shell builtin) that the command would start, wherever it stood: in a pipe, a substitution, behind <c>sudo</c>, in
/// <c>find -exec</c>.
/// </summary>
/// <param name="Argv">The program and its arguments after quoting and expansion. Untrusted.</param>
/// <param name="Exact">False when an argument is a pattern or is only known at run time; then <paramref name="Argv"/> shows its
/// source.</param>
/// <param name="Via">The wrappers around it, outermost first: <c>sudo</c>, <c>xargs</c>.</param>
/// <param name="Known">Whether this program's effects are known.</param>
public sealed record CommandCall(IReadOnlyList<string> Argv, bool Exact, IReadOnlyList<string> Via, bool Known)
{
    /// <summary>Absolute paths of the folders it may begin in; null when that is only known at run time.</summary>
    public IReadOnlyList<string>? Folders { get; init; }
}

/// <summary>A program downloads packages from the servers that its ecosystem's configuration names.</summary>
/// <param name="Sources">What the ecosystem calls them, for people: <see cref="NuGet"/>.</param>
/// <param name="Folders">Absolute paths of the folders that the configuration is looked for from; null when that is only known at run
/// time.</param>
public sealed record PackageFetch(string Sources, IReadOnlyList<string>? Folders)
{
    public const string Npm = "npm registries";
    public const string Python = "Python package indexes";
    public const string NuGet = "NuGet sources";
    public const string Cargo = "Cargo registries";
    public const string Go = "Go module proxies";
}

/// <summary>What a command or an edit would do, told before it is done.</summary>
/// <param name="Understood">Every command was found and its effects are known. When false the tier is never
/// <see cref="RiskTier.Read"/>.</param>
/// <param name="Complete">
/// <paramref name="Commands"/> names everything that the shell itself starts, with exact arguments. A standing rule may be matched against
/// the commands only when this holds; it may hold although a program's effects are not known (<c>dotnet test</c>).
/// </param>
/// <param name="Reversible">Nothing changes but the workspace files of <see cref="Changes"/>: a snapshot that holds them brings everything
/// back, also what is deleted.</param>
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
    /// Absolute paths, links followed, of the files that it runs as code, as far as they are named: <c>./build.sh</c>, <c>bash x.sh</c>,
    /// <c>python x.py</c>, <c>source x</c>. In the order of the command, at most <see cref="RiskLimits.MaxScripts"/>. They need not exist.
    /// </summary>
    public IReadOnlyList<string> Scripts { get; init; } = [];

    /// <summary>
    /// Absolute paths of the workspace's files and folders that it writes or deletes. All of them while <see cref="Reversible"/> holds.
    /// </summary>
    public IReadOnlyList<string> Changes { get; init; } = [];

    /// <summary>
    /// Every value that the command gives to <c>PATH</c>, as written when it isn't known: <c>.:$PATH</c>. At most
    /// <see cref="RiskLimits.MaxScripts"/>.
    /// </summary>
    public IReadOnlyList<string> SearchPaths { get; init; } = [];

    /// <summary>The downloads of packages, in the order of the command, at most <see cref="RiskLimits.MaxScripts"/>.</summary>
    public IReadOnlyList<PackageFetch> Fetches { get; init; } = [];

    /// <summary>What the parts of the command were taken for; null when that was not asked for, or could not be read.</summary>
    public IReadOnlyList<CommandMark>? Marks { get; init; }

    /// <summary>
    /// A program gets other commands, or code, in its arguments or from what it reads, and that can't be seen through: <c>python -c</c>,
    /// <c>gdb -ex</c>, <c>tar --to-command</c>, awk's <c>system</c>. <see cref="Commands"/> may name some of it; no standing rule may be
    /// taken to cover it.
    /// </summary>
    public bool RunsUnseen { get; init; }
}
