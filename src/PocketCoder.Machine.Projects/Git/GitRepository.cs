using System.Text;
using System.Text.Unicode;
using PocketCoder.Git;
using PocketCoder.Processes;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>
/// A project's repository, for one request. What goes wrong is a <see cref="RequestFailure"/> with the codes of docs/git.md.
/// </summary>
/// <param name="runners">Makes what runs git, and the sandbox of what writes; given absolute paths of protected configuration that may be
/// changed.</param>
/// <param name="opened">Those that may.</param>
internal sealed class GitRepository(
    ProjectInfo project,
    GitPlace place,
    SandboxKind sandbox,
    Func<IReadOnlyList<string>, (IRepositoryRunner Runner, Func<CancellationToken, Task<ISandbox>> Writing)> runners,
    AsyncSemaphore gate,
    IReadOnlyList<string>? opened = null)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly (IRepositoryRunner Runner, Func<CancellationToken, Task<ISandbox>> Writing) _run = runners(opened ?? []);

    public ProjectInfo Project { get; } = project;

    public GitPlace Place { get; } = place;

    public SandboxKind Sandbox { get; } = sandbox;

    public byte[] Prefix { get; } = Encoding.UTF8.GetBytes(place.Prefix);

    /// <summary>The whole project, for commands that take paths from their arguments.</summary>
    public string Everything => Place.Prefix.Length == 0 ? "." : Place.Prefix;

    /// <exception cref="RequestFailure">As the codes say.</exception>
    public async Task<GitResult> RunAsync(GitCommand command, CancellationToken cancellationToken)
    {
        try
        {
            return await _run.Runner.RunAsync(command, cancellationToken);
        }
        catch (GitException e)
        {
            throw GitErrors.ToRequest(e);
        }
    }

    /// <summary>The filters of the repository's own configuration; they don't run for what only reads. Untrusted names.</summary>
    /// <exception cref="RequestFailure">As the codes say.</exception>
    public async Task<IReadOnlyList<string>> FiltersAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _run.Runner.FiltersAsync(cancellationToken);
        }
        catch (GitException e)
        {
            throw GitErrors.ToRequest(e);
        }
    }

    /// <summary>The sandbox of what writes; for what must put a socket into it. Not without a sandbox.</summary>
    /// <exception cref="SandboxException">It can't be made.</exception>
    public Task<ISandbox> WritingSandboxAsync(CancellationToken cancellationToken) => _run.Writing(cancellationToken);

    /// <summary>
    /// The same repository, in which some protected configuration may be changed besides: what a person allowed, or a fixed change of git's
    /// own configuration.
    /// </summary>
    /// <param name="paths">Absolute.</param>
    public GitRepository Opening(params IReadOnlyList<string> paths) => new(Project, Place, Sandbox, runners, gate, paths);

    /// <summary>Sets where a branch is pushed to and pulled from.</summary>
    /// <param name="merge">The branch there, in full.</param>
    public async Task SetUpstreamAsync(string branch, string remote, string merge)
    {
        var open = Opening(Path.Combine(Place.CommonDir, "config"));
        await open.WriteAsync(CancellationToken.None, "config", "--local", $"branch.{branch}.remote", remote);
        await open.WriteAsync(CancellationToken.None, "config", "--local", $"branch.{branch}.merge", merge);
    }

    /// <summary>Reads; takes no lock.</summary>
    public Task<GitResult> ReadAsync(CancellationToken cancellationToken, params IReadOnlyList<string> arguments)
        => RunAsync(new GitCommand(arguments), cancellationToken);

    public Task<GitResult> WriteAsync(CancellationToken cancellationToken, params IReadOnlyList<string> arguments)
        => RunAsync(new GitCommand(arguments) { Writes = true, TimeLimit = TimeSpan.FromSeconds(60) }, cancellationToken);

    /// <summary>Has the repository for itself. What was begun is not broken off when the device goes away.</summary>
    /// <exception cref="RequestFailure">CONFLICT when it is not to be had in 30 seconds, or what the work throws.</exception>
    public async Task<T> ExclusiveAsync<T>(Func<Task<T>> work)
    {
        if (!await gate.WaitAsync(s_patience))
        {
            throw new RequestFailure(ErrorCode.Conflict, "Another operation is running in this repository. Try again.");
        }

        try
        {
            return await work();
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>The whole id of what a person named.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST, GIT_ERROR when there is none.</exception>
    public async Task<string> IdAsync(string? revision, CancellationToken cancellationToken, string kind = "commit")
    {
        var name = Checked(() => GitNames.Revision(revision));
        var result = await RunAsync(new GitCommand("rev-parse", "--verify", "--quiet", "--end-of-options", $"{name}^{{{kind}}}")
        { AlsoFine = [1, 128] }, cancellationToken);
        var id = result.Text.Trim();
        return GitNames.IsId(id)
            ? id
            : throw new RequestFailure(ErrorCode.GitError, "No such commit, branch or tag.",
                new Dictionary<string, string>(StringComparer.Ordinal) { ["ref"] = name });
    }

    /// <summary>The last commit; null before the first.</summary>
    public async Task<string?> HeadAsync(CancellationToken cancellationToken)
    {
        var result = await RunAsync(
            new GitCommand("rev-parse", "--verify", "--quiet", "HEAD^{commit}") { AlsoFine = [1, 128] }, cancellationToken);
        var id = result.Text.Trim();
        return GitNames.IsId(id) ? id : null;
    }

    /// <summary>The branch that is checked out; null when detached.</summary>
    public async Task<string?> BranchAsync(CancellationToken cancellationToken)
    {
        var result = await RunAsync(
            new GitCommand("symbolic-ref", "--quiet", "--short", "HEAD") { AlsoFine = [1, 128] }, cancellationToken);
        var name = result.Text.TrimEnd('\n');
        return name.Length > 0 ? name : null;
    }

    public async Task<RepositoryStatus> StatusAsync(CancellationToken cancellationToken)
        => Parsed(StatusParser.Parse, (await ReadAsync(cancellationToken, StatusParser.Arguments)).Output);

    /// <summary>A path of a request from the repository's top, as bytes.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public byte[] PathOf(string? path) => [.. Prefix, .. Checked(() => GitNames.Path(path))];

    /// <summary>
    /// Paths as git's arguments, which are text: of one that is no UTF-8, the nearest folder above it that is. Then what git says must be
    /// held against the bytes.
    /// </summary>
    /// <param name="exact">None had to be replaced.</param>
    public IReadOnlyList<string> Arguments(IReadOnlyList<byte[]> paths, out bool exact)
    {
        exact = paths.All(p => Utf8.IsValid(p));
        return [.. paths.Select(Near).Distinct(StringComparer.Ordinal)];
    }

    /// <inheritdoc cref="Arguments"/>
    public string Near(byte[] path)
    {
        var text = path.AsSpan();
        while (!Utf8.IsValid(text))
        {
            text = text[..Math.Max(0, text.LastIndexOf((byte)'/'))];
        }

        return text.IsEmpty ? Everything : Encoding.UTF8.GetString(text);
    }

    /// <summary>All paths of a request, closed by NULs, for <c>--pathspec-from-file=-</c>.</summary>
    public byte[] PathList(IReadOnlyList<string>? paths)
        => paths is { Count: > 0 and <= GitLimits.Paths }
            ? [.. paths.SelectMany(p => PathOf(p).Append((byte)0))]
            : throw new RequestFailure(ErrorCode.InvalidRequest, $"Name 1 to {GitLimits.Paths} paths.");

    public static T Checked<T>(Func<T> check)
    {
        try
        {
            return check();
        }
        catch (GitException e)
        {
            throw GitErrors.ToRequest(e);
        }
    }

    private delegate RepositoryStatus StatusRead(ReadOnlySpan<byte> output, ReadOnlySpan<byte> prefix, int limit);

    private RepositoryStatus Parsed(StatusRead parse, ReadOnlyMemory<byte> output)
        => Checked(() => parse(output.Span, Prefix, GitLimits.StatusEntries));
}
