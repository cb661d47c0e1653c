using System.Collections.Concurrent;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Host;

/// <summary>
/// A session whose commands are plain processes of the host: with nothing around them (none), or started under rules of the kernel
/// (landlock). Commands end with the daemon: after a crash what is left is found by its record and killed.
/// </summary>
/// <param name="start">Starts a process in whatever this backend puts around it.</param>
internal sealed class HostSandbox(
    SandboxSpec spec, SandboxKind kind, HostFolder folder, Func<ProcessStart, OwnedProcess> start, SandboxOptions options) : ISandbox
{
    private readonly ConcurrentDictionary<string, HostExec> _running = new(StringComparer.Ordinal);
    private readonly MemoryWatch _memory = new(kind == SandboxKind.None ? 0 : spec.Limits.Memory, () => [], options);
    private readonly DiskWatch? _disk = kind == SandboxKind.None
        ? null
        : new([folder.Temporary, folder.Home], spec.Limits.ProjectGrowth > 0 ? spec.Workspace : null,
            new DiskLimits(spec.Limits.Disk, spec.Limits.ProjectGrowth, spec.Limits.Files), options);

    private volatile bool _ended;

    public string Id => spec.Id;

    public SandboxKind Kind => kind;

    public bool IsAlive => !_ended;

    public string? SocketDirectory => null;

    public IReadOnlyList<ISandboxExec> Recovered => [];

    public Task<ISandboxExec> ExecAsync(ExecSpec exec, CancellationToken cancellationToken)
    {
        SpecRules.Check(exec);
        cancellationToken.ThrowIfCancellationRequested();
        if (_ended)
        {
            throw new SandboxException(SandboxError.Lost, $"The sandbox {Id} has ended.");
        }

        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
            ["HOME"] = folder.Home,
            ["TMPDIR"] = folder.Temporary,
            ["LANG"] = "C.UTF-8",
            ["TERM"] = "dumb",
        };
        foreach (var (name, value) in spec.Environment.Concat(exec.Environment))
        {
            environment[name] = value;
        }

        OwnedProcess process;
        try
        {
            process = start(new ProcessStart
            {
                Program = exec.Command[0],
                Arguments = [.. exec.Command.Skip(1)],
                WorkingDirectory = exec.WorkingDirectory ?? spec.Workspace,
                Environment = environment,
            });
        }
        catch (ProcessStartException e)
        {
            throw new SandboxException(SandboxError.StartFailed, e.Message, e);
        }

        folder.Record(exec.Id, process.Identity);
        if (!exec.KeepInputOpen)
        {
            process.StandardInput.Close();
        }

        var started = new HostExec(exec, process, options.Time, () => Forget(exec.Id));
        _running[exec.Id] = started;
        _memory.Watch(started);
        _disk?.Watch(started);
        return Task.FromResult<ISandboxExec>(started);
    }

    public Task<ITerminal> OpenTerminalAsync(TerminalSpec terminal, CancellationToken cancellationToken)
        => throw new SandboxException(SandboxError.Unsupported, $"There are no terminals without a sandbox of its own ({kind}).");

    public Task<IReadOnlyList<TerminalFound>> TerminalsAsync(CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<TerminalFound>>([]);

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _ended = true;
        _memory.Stop();
        _disk?.Stop();
        await Task.WhenAll(_running.Values.Select(e => e.KillAsync(TimeSpan.Zero)));
        await folder.RemoveAsync(options.Time);
    }

    private void Forget(string exec)
    {
        _running.TryRemove(exec, out _);
        folder.Forget(exec);
    }
}

/// <summary>Where a host session keeps its home, its temporary files and the records of its commands.</summary>
internal sealed class HostFolder(string root)
{
    public string Home => Path.Combine(root, "home");

    public string Temporary => Path.Combine(root, "tmp");

    /// <summary>Seen read-only by containers.</summary>
    public string Sockets => Path.Combine(root, "sockets");

    private string Commands => Path.Combine(root, "commands");

    public void Create()
    {
        foreach (var directory in (string[])[root, Home, Temporary, Commands])
        {
            SessionFolder.Make(directory, SessionFolder.Private);
        }
    }

    /// <summary>A resolv.conf that names nobody.</summary>
    public string NoResolver => Path.Combine(root, "resolv.conf");

    public void CreateForContainer()
    {
        SessionFolder.Make(Sockets, SessionFolder.Readable);
        File.WriteAllText(NoResolver, "");
        File.SetUnixFileMode(NoResolver, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    /// <summary>For commands that run as another user: the home and the temporary files are that user's, the way to them is open.</summary>
    public void GiveTo(uint user, uint group)
    {
        File.SetUnixFileMode(root, SessionFolder.PassThrough);
        File.SetUnixFileMode(Path.GetDirectoryName(root)!, SessionFolder.PassThrough);
        Native.GiveTo(Home, user, group);
        Native.GiveTo(Temporary, user, group);
    }

    public void Record(string exec, ProcessIdentity identity)
        => StateFile.Write(Path.Combine(Commands, exec + ".json"), identity, StateJson.Default.ProcessIdentity);

    public void Forget(string exec) => File.Delete(Path.Combine(Commands, exec + ".json"));

    /// <summary>Ends what the records name and removes the folder.</summary>
    public async Task RemoveAsync(TimeProvider time)
    {
        if (!Directory.Exists(root))
        {
            return;
        }

        var known = Directory.Exists(Commands)
            ? Directory.EnumerateFiles(Commands, "*.json").Select(f => StateFile.Read(f, StateJson.Default.ProcessIdentity))
                .OfType<ProcessIdentity>().ToList()
            : [];
        var left = await ProcessGroup.ReapAsync(known, TimeSpan.Zero, time);
        if (left.Count > 0)
        {
            throw new SandboxException(
                SandboxError.CleanupFailed, $"Processes that could not be ended: {string.Join(", ", left.Select(i => i.Pid))}.");
        }

        await Trees.RemoveAsync(root, time);
        try
        {
            Directory.Delete(Path.GetDirectoryName(root)!);
        }
        catch (IOException)
        {
            // other sessions have their folders beside it
        }
    }
}
