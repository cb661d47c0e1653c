namespace PocketCoder.Git;

/// <summary>One call of the git program: an argument list, never a line for a shell.</summary>
/// <param name="Arguments">Beginning with git's own command. What switches the repository's programs off is added by who runs it
/// (<see cref="GitHardening"/>).</param>
public sealed record GitCommand(params IReadOnlyList<string> Arguments)
{
    /// <summary>What it reads. Null: nothing.</summary>
    public ReadOnlyMemory<byte>? Input { get; init; }

    /// <summary>Bytes of output that are kept; beyond that it is ended and the result says so.</summary>
    public int OutputLimit { get; init; } = 8 * 1024 * 1024;

    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>It may write to the repository; others take no lock at all.</summary>
    public bool Writes { get; init; }

    /// <summary>Beside the fixed environment, over which it wins.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Told of everything on its error output as it comes: progress.</summary>
    public GitSaid? Said { get; init; }

    /// <summary>Exit codes that are answers and not failures, beside 0.</summary>
    public IReadOnlyList<int> AlsoFine { get; init; } = [];
}

/// <summary>A piece of what git says, as bytes.</summary>
public delegate void GitSaid(ReadOnlySpan<byte> bytes);

/// <summary>How a call ended.</summary>
/// <param name="Truncated">It was ended because it wrote more than it may.</param>
/// <param name="Errors">The beginning of what it wrote to its error output. Untrusted.</param>
public sealed record GitResult(int ExitCode, ReadOnlyMemory<byte> Output, bool Truncated, string Errors)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Output.Span);
}

/// <summary>Where git runs: in a sandbox, or on the machine when its owner wants none. Thread-safe.</summary>
public interface IGitRunner
{
    /// <summary>Runs it to its end.</summary>
    /// <exception cref="GitException">It failed, ran out of time or could not be started.</exception>
    Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken);
}
