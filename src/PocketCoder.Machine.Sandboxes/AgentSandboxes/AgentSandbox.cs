using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Sandboxes;
using PocketCoder.Processes;
using PocketCoder.Risks.Paths;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// The sandbox in which an agent's own program runs: the read-only system, its program, the project, one folder of its own, and as its only
/// way out a loopback port that leads to the session's model endpoint, and a second one to our tools for an agent that takes them that way.
/// One start, one sandbox.
/// </summary>
/// <param name="backend">Makes the sandboxes.</param>
/// <param name="project">Absolute.</param>
/// <param name="stateDirectory">The session's, existing.</param>
/// <param name="openModels">Opens the endpoint on the socket path given.</param>
/// <param name="socketMode">Who may connect to the tools' socket. Its folder is the sandbox's own.</param>
/// <param name="readable">A folder to be seen read-only at its own path; null: none.</param>
internal sealed class AgentSandbox(ISandboxBackend backend, string project, string stateDirectory,
    Func<string, CancellationToken, Task<ModelEndpoint>> openModels, UnixFileMode socketMode, string? readable = null)
    : IAgentSandbox
{
    /// <summary>Where the agent finds its models, inside.</summary>
    public const int ModelPort = 8787;

    private const int MaxCompanions = 8;

    private const string Socket = "m"; // short: the path of a Unix socket has 107 bytes
    private const string ToolSocket = "t";
    private const string Empty = "empty"; // in the state directory

    /// <summary>Where the agent's program is seen when it lies outside of the system's own folders.</summary>
    private const string ProgramFolder = "/opt/agent";

    /// <summary>
    /// What is read-only in the sandbox where it exists: settings that run programs or widen rights when somebody works in the project
    /// later, outside of any sandbox. The folders themselves are bound, so that they can't be moved away either.
    /// </summary>
    private static readonly string[] s_guarded = [".git", .. ProtectedPaths.AtRoot];

    public string StateDirectory => stateDirectory;

    public async Task<IAgentChild> StartAsync(ProcessStart start, AgentSandboxNeeds needs, CancellationToken cancellationToken)
    {
        var (program, binds) = Program(start.Program);
        List<SocketRelay> relays = [new SocketRelay(ModelPort, Socket)];
        if (needs.Tools is { } door)
        {
            relays.Add(new SocketRelay(door.Port, ToolSocket));
        }
        ISandbox? sandbox = null;
        ModelEndpoint? models = null;
        try
        {
            sandbox = await backend.CreateAsync(
                new SandboxSpec
                {
                    // a new one each time: what may be left of an earlier sandbox is never taken for this one
                    Id = $"b{Guid.CreateVersion7():N}",
                    Workspace = project,
                    StateDirectory = stateDirectory,
                    ReadOnlyBinds = [.. binds, .. Settings(needs), .. Guarded(needs.Emptied, start.WorkingDirectory),
                        .. readable is null ? [] : new[] { new ReadOnlyBind(readable) }],
                    Relays = relays,
                    HostName = "brain",
                    RootInside = needs.RootInside,
                },
                cancellationToken);
            models = await openModels(Path.Combine(sandbox.SocketDirectory!, Socket), cancellationToken);
            if (needs.Tools is { } tools)
            {
                await tools.OpenAsync(Path.Combine(sandbox.SocketDirectory!, ToolSocket), socketMode, cancellationToken);
            }

            var exec = await sandbox.ExecAsync(
                new ExecSpec
                {
                    Command = [program, .. start.Arguments],
                    WorkingDirectory = start.WorkingDirectory == project ? null
                    : start.WorkingDirectory,
                    Environment = start.Environment,
                    KeepInputOpen = true,
                    Id = "agent"
                },
                cancellationToken);
            var identity = exec.HostPid is { } pid && ProcessGroup.Identify(pid) is { } running ? running : ProcessIdentity.ToCome("ended");
            return new SandboxedAgent(sandbox, exec, identity, models);
        }
        catch (Exception e)
        {
            if (models is not null)
            {
                await models.DisposeAsync();
            }

            if (sandbox is not null)
            {
                await SandboxedAgent.EndAsync(sandbox);
            }

            throw e is SandboxException or IOException
                ? new AgentException(AgentError.FailedToStart,
                    $"The agent's own sandbox could not be made: {e.Message}{(e.Message.Contains(start.Program, StringComparison.Ordinal) ? " The agent's program must be readable for other users: install it with the system's npm, or run PocketCoder as an ordinary user." : "")}", e)
                : e;
        }
    }

    /// <summary>
    /// The program's path inside, and what must be bound for it. A binary needs itself and its companions only; a script also what lies
    /// beside it.
    /// </summary>
    private static (string Inside, IReadOnlyList<ReadOnlyBind> Binds) Program(string path)
    {
        var real = new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path;
        if (real.StartsWith("/usr/", StringComparison.Ordinal))
        {
            return (real, []);
        }

        var inside = $"{ProgramFolder}/{Path.GetFileName(real)}";
        return IsBinary(real) ? (inside, [new ReadOnlyBind(real, inside), .. Companions(real)])
            : (inside, [new ReadOnlyBind(Path.GetDirectoryName(real)!, ProgramFolder)]);
    }

    /// <summary>
    /// Programs beside a binary that carry its name with a dash: parts of it (Codex has one that runs scripts of the model's).
    /// </summary>
    private static IEnumerable<ReadOnlyBind> Companions(string program)
        => Directory.EnumerateFiles(Path.GetDirectoryName(program)!, "*", new EnumerationOptions { IgnoreInaccessible = true })
            .Where(f => Path.GetFileName(f).StartsWith(Path.GetFileName(program) + "-", StringComparison.Ordinal) && FileKind.IsRegular(f)
                && IsBinary(f))
            .Take(MaxCompanions)
            .Select(f => new ReadOnlyBind(f, $"{ProgramFolder}/{Path.GetFileName(f)}"));

    private static bool IsBinary(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            Span<byte> start = stackalloc byte[4];
            return file.ReadAtLeast(start, 4, throwOnEndOfStream: false) == 4 && start.SequenceEqual("\u007fELF"u8);
        }
        catch (UnauthorizedAccessException)
        {
            return true; // it may be run and not read
        }
    }

    private static IEnumerable<ReadOnlyBind> Settings(AgentSandboxNeeds needs)
        => needs.Settings is { } folder ? [new ReadOnlyBind(folder, AgentSandboxNeeds.SettingsInside)] : [];

    /// <summary>
    /// In the project's folder, in the one that the program begins in, and in those between: it looks for settings there.
    /// </summary>
    private IEnumerable<ReadOnlyBind> Guarded(IReadOnlyList<string> emptied, string workingDirectory)
    {
        var levels = Levels(workingDirectory);
        if (levels.SelectMany(at => emptied.Select(name => Path.Combine(at, name)))
            .FirstOrDefault(path => new FileInfo(path).LinkTarget is not null) is { } link)
        {
            throw new AgentException(
                AgentError.FailedToStart,
                $"{Path.GetRelativePath(project, link)} in the project is a link: what it leads to can't be kept from the agent. Remove it.");
        }

        return levels.SelectMany(at => s_guarded.Union(emptied, StringComparer.Ordinal)
            .Select(name => (Path: Path.Combine(at, name), IsEmptied: emptied.Contains(name, StringComparer.Ordinal))))
            .Where(g => new FileInfo(g.Path).LinkTarget is null && Path.Exists(g.Path))
            .Select(g => g.IsEmptied && Directory.Exists(g.Path) ? new ReadOnlyBind(EmptyFolder(), g.Path) : new ReadOnlyBind(g.Path));
    }

    private List<string> Levels(string workingDirectory)
    {
        List<string> levels = [project];
        if (workingDirectory.StartsWith(project + "/", StringComparison.Ordinal))
        {
            foreach (var name in workingDirectory[(project.Length + 1)..].Split('/'))
            {
                levels.Add(Path.Combine(levels[^1], name));
            }
        }

        return levels;
    }

    private string EmptyFolder()
    {
        var folder = Path.Combine(stateDirectory, Empty);
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no sandboxes on Windows.");
        }

        // It was the agent's in earlier runs: it may be a link, or full.
        if (new DirectoryInfo(folder) is { LinkTarget: not null } link)
        {
            link.Delete();
        }
        else if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return folder;
    }
}
