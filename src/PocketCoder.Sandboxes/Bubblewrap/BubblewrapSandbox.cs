using System.Globalization;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Sandboxes.Terminals;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>A session in two rings. State is on disk; this object only knows where.</summary>
internal sealed class BubblewrapSandbox(
    SessionState state, SessionFolder folder, string scripts, SandboxOptions options, IReadOnlyList<ISandboxExec> recovered) : ISandbox
{
    private const string TerminalOptions = "terminal-";

    private readonly DiskWatch _disk = new([folder.Temporary, folder.Home], state.ProjectGrowth > 0 ? state.Workspace : null,
        new DiskLimits(state.Disk, state.ProjectGrowth, state.Files), options);

    private readonly MemoryWatch _memory = new(
        state.ControlGroups.Count > 0 ? 0 : state.Memory, () => TerminalProcesses.Of(state.Holder), options);

    public string Id => state.Id;

    public SandboxKind Kind => SandboxKind.Bubblewrap;

    public bool IsAlive => SandboxProcesses.IsWhole(state.Holder);

    public string? SocketDirectory => folder.Sockets;

    public IReadOnlyList<ISandboxExec> Recovered => recovered;

    /// <summary>Watches what was found again.</summary>
    public BubblewrapSandbox Watched()
    {
        foreach (var exec in recovered.OfType<BubblewrapExec>())
        {
            _disk.Watch(exec);
            _memory.Watch(exec);
        }

        _memory.Wake();
        return this;
    }

    internal SessionState State => state;

    public async Task<ISandboxExec> ExecAsync(ExecSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec);
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfLost();
        if (File.Exists(folder.Command(spec.Id)))
        {
            throw new SandboxException(SandboxError.Exists, $"This sandbox already has a command {spec.Id}.");
        }

        await _disk.BeginAsync();
        var record = new CommandState(spec.Id, spec.Spooled, options.Time.GetUtcNow(), null);
        OwnedProcess? process = null;
        try
        {
            StateFile.Write(folder.Command(spec.Id), record, StateJson.Default.CommandState);
            WriteOptions(spec);
            if (spec.Spooled)
            {
                SessionFolder.Make(folder.Spool(spec.Id), SessionFolder.Private);
                Give(folder.Spool(spec.Id));
            }

            process = OwnedProcess.Start(Launch(spec), options.Time);
            StateFile.Write(folder.Command(spec.Id), record with { Leader = process.Identity with { Mark = null } },
                StateJson.Default.CommandState);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ProcessStartException)
        {
            if (process is not null)
            {
                await process.DisposeAsync();
            }

            File.Delete(folder.Command(spec.Id));
            File.Delete(folder.OptionsOf(spec.Id));
            throw new SandboxException(SandboxError.StartFailed, $"The command could not be started: {e.Message}", e);
        }

        if (!spec.KeepInputOpen)
        {
            process.StandardInput.Close();
        }

        var exec = new BubblewrapExec(spec, process, folder, () => IsAlive, options);
        _disk.Watch(exec);
        _memory.Watch(exec);
        return exec;
    }

    public async Task<ITerminal> OpenTerminalAsync(TerminalSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec);
        ThrowIfLost();
        _memory.Wake();
        if (spec.WorkingDirectory is null)
        {
            string[] command = spec.Command.Count == 0 ? [] : ["/run/hands/pane.sh", state.Id, "-", .. spec.Command];
            return await TmuxTerminal.OpenAsync(spec, Tmux, command, options.Time, cancellationToken);
        }

        // The directory goes the way of a command's own options. tmux says that a pane is there before what runs in it has read them, so
        // they stay for a while.
        SweepTerminalOptions();
        var begin = new ExecSpec
        {
            Id = TerminalOptions + Guid.CreateVersion7().ToString("N"),
            Command = spec.Command.Count == 0 ? [File.Exists("/bin/bash") ? "/bin/bash" : "/bin/sh"] : spec.Command,
            WorkingDirectory = spec.WorkingDirectory,
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["TERM"] = "tmux-256color" },
        };
        WriteOptions(begin);
        return await TmuxTerminal.OpenAsync(
            spec, Tmux, ["/run/hands/pane.sh", state.Id, begin.Id, .. begin.Command], options.Time, cancellationToken);
    }

    public async Task<IReadOnlyList<TerminalFound>> TerminalsAsync(CancellationToken cancellationToken)
    {
        ThrowIfLost();
        return await TmuxTerminal.ListAsync(Tmux, options.Time, cancellationToken);
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _disk.Stop();
        _memory.Stop();
        var left = await SessionCleanup.RemoveAsync(state, folder, options);
        if (left.Count > 0)
        {
            throw new SandboxException(SandboxError.CleanupFailed, $"Leftovers of sandbox {Id}: {string.Join("; ", left)}.");
        }
    }

    /// <summary>A client of the session's terminal server. It runs in ring one too: a server gone bad could make it run commands.</summary>
    private OwnedProcess Tmux(IReadOnlyList<string> arguments) => OwnedProcess.Start(
        Enter("enter.sh", [], ["/usr/bin/env", "TERM=xterm-256color", "LANG=C.UTF-8", "PATH=/usr/bin:/bin", "tmux", "-N", "-S", "/run/tm/s",
            .. arguments]),
        options.Time);

    private ProcessStart Launch(ExecSpec spec)
    {
        string[] command = ["/run/hands/pane.sh", state.Id, spec.Id, .. spec.Command];
        return spec.Spooled
            ? Enter("spool.sh", [folder.Spool(spec.Id), state.FileSize.ToString(CultureInfo.InvariantCulture)], command)
            : Enter("enter.sh", [], command);
    }

    private ProcessStart Enter(string script, IReadOnlyList<string> first, IReadOnlyList<string> command)
    {
        var pid = state.Holder.Pid.ToString(CultureInfo.InvariantCulture);
        var user = state.User?.ToString(CultureInfo.InvariantCulture) ?? "-";
        var group = state.Group?.ToString(CultureInfo.InvariantCulture) ?? "-";
        var join = state.ControlGroups.Select(d => Path.Combine(d, "cgroup.procs"));
        string[] arguments = first.Count > 0
            ? [.. first, user, group, .. join, "--", pid, .. command]
            : [pid, user, group, .. join, "--", .. command];
        return new ProcessStart
        {
            Program = "/bin/sh",
            Arguments = [Path.Combine(scripts, script), .. arguments],
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
        };
    }

    /// <summary>Those of terminals that began long ago; the last few go with the sandbox.</summary>
    private void SweepTerminalOptions()
    {
        var old = options.Time.GetUtcNow().UtcDateTime - (2 * SandboxDefaults.StartLimit);
        foreach (var file in new DirectoryInfo(folder.Options).EnumerateFiles(TerminalOptions + "*").Where(f => f.LastWriteTimeUtc < old)
            .ToList())
        {
            file.Delete();
        }
    }

    private void WriteOptions(ExecSpec spec)
    {
        const UnixFileMode ownerReads = UnixFileMode.UserRead;
        var path = folder.OptionsOf(spec.Id);
        using (var file = new FileStream(path, new FileStreamOptions
        { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = ownerReads | UnixFileMode.UserWrite }))
        {
            file.Write(BubblewrapArguments.Command(spec));
            if (spec.WorkingDirectory is null)
            {
                file.Write(File.ReadAllBytes(Path.Combine(folder.Files, "begin.args")));
            }
        }

        Give(path);
    }

    private void Give(string path)
    {
        if (state.User is { } user)
        {
            Native.GiveTo(path, user, state.Group!.Value);
        }
    }

    private void ThrowIfLost()
    {
        if (!IsAlive)
        {
            throw new SandboxException(SandboxError.Lost, $"The sandbox {Id} is no longer running.");
        }
    }
}
