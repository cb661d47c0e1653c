using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Host;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Sandboxes.Seccomp;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// The default: two rings of bubblewrap (≥ 0.8). Ring one is the session: user, process, network, mount, IPC, host name and control group
/// namespaces of its own, and in it the terminal server only. Each command and each terminal gets a second ring inside, with the system
/// call filter, no capabilities, and no sight of the first. Linux on x86-64 and arm64.
/// </summary>
public sealed class BubblewrapBackend : ISandboxBackend
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(2);

    private readonly SandboxOptions _options;
    private readonly Lazy<ControlGroups> _groups;

    public BubblewrapBackend(SandboxOptions options)
    {
        if (!Path.IsPathFullyQualified(options.StateDirectory))
        {
            throw new ArgumentException("The state directory must be an absolute path.", nameof(options));
        }

        _options = options;
        _groups = new(() => !options.ControlGroups ? ControlGroups.Off
            : ControlGroups.Detect("/sys/fs/cgroup", File.ReadAllLines("/proc/self/cgroup")));
    }

    public SandboxKind Kind => SandboxKind.Bubblewrap;

    internal ControlGroups Groups => _groups.Value;

    public Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken)
        => new BubblewrapProbe(this, _options).RunAsync(cancellationToken);

    public async Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec, _options);
        if (MissingProgram(spec.Relays.Count > 0) is { } missing)
        {
            throw new SandboxException(SandboxError.NotAvailable, missing);
        }

        var filter = SeccompFilter.Build(RuntimeInformation.ProcessArchitecture, spec.AllowTracing);
        PrepareStateDirectory();
        var folder = new SessionFolder(_options.StateDirectory, spec.Id);
        if (Path.Exists(folder.Root))
        {
            throw new SandboxException(SandboxError.Exists, $"The sandbox {spec.Id} already exists.");
        }

        if (spec.Side is { } shown && Native.OwnerOf(shown.Path)?.User != Native.OwnerOf(spec.Workspace)?.User)
        {
            throw new SandboxException(
                SandboxError.WorkspaceRefused, $"{shown.Path} and {spec.Workspace} belong to different users, so they can't be shown together.");
        }

        var user = SessionUser.For(spec.Workspace, _options);
        ControlGroup? group = null;
        WorkspaceMount? mount = null;
        OwnedProcess? launcher = null;
        ProcessIdentity? holder = null;
        try
        {
            folder.Create(user.User, user.Group);
            var workspace = spec.Workspace;
            if (user.Reserved)
            {
                mount = WorkspaceMount.Create(spec.Workspace, folder.Mapped, user.User!.Value, _options);
                workspace = folder.Mapped;
                if (spec.Side is { } side)
                {
                    WorkspaceMount.Create(side.Path, folder.MappedSide, user.User!.Value, _options);
                }
            }

            var stateDirectory = spec.StateDirectory is { } own ? await StateForAsync(own, user, folder, _options) : null;
            WriteFiles(spec, folder, filter, (workspace, user.Reserved ? folder.MappedSide : spec.Side?.Path, stateDirectory));
            group = Groups.Source is LimitSource.CgroupV1 or LimitSource.CgroupV2 ? MakeGroup(spec) : null;
            launcher = OwnedProcess.Start(
                new ProcessStart
                {
                    Program = "/bin/sh",
                    Arguments = [Script("start.sh"), folder.Root, Number(user.User), Number(user.Group), .. group?.JoinFiles ?? []],
                    WorkingDirectory = "/",
                    Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/bin:/bin" },
                },
                _options.Time);
            holder = await ReadyAsync(launcher, folder, cancellationToken);
            var state = new SessionState(
                spec.Id, user.User, user.Group, user.Reserved, holder, launcher.Identity, group?.Directories ?? [],
                spec.WorkspaceInside ?? spec.Workspace, spec.Limits.FileSize, spec.Limits.Disk, mount is not null,
                spec.Workspace, spec.Limits.Memory, spec.Limits.ProjectGrowth, spec.Limits.Files);
            StateFile.Write(folder.State, state, StateJson.Default.SessionState);
            launcher.Release();
            return new BubblewrapSandbox(state, folder, Script(""), _options, []);
        }
        catch (Exception e)
        {
            if (holder is not null)
            {
                await ProcessGroup.KillAsync(holder, TimeSpan.Zero, _options.Time);
            }

            if (launcher is not null)
            {
                await launcher.KillAsync(TimeSpan.Zero);
                launcher.Release();
            }

            // bwrap may have had a child that its launcher's end did not reach.
            foreach (var orphan in SessionCleanup.Naming(folder.Root).ToList())
            {
                await ProcessGroup.KillAsync(orphan, TimeSpan.Zero, _options.Time);
            }

            var cleanup = new SessionState(
                spec.Id, user.User, user.Group, user.Reserved, Nobody, Nobody, group?.Directories ?? [], spec.Workspace, 0, 0,
                mount is not null);
            await SessionCleanup.RemoveAsync(cleanup, folder, _options);
            if (e is SandboxException or OperationCanceledException)
            {
                throw;
            }

            throw new SandboxException(SandboxError.StartFailed, $"The sandbox did not start: {e.Message}", e);
        }
    }

    public async Task<IReadOnlyList<ISandbox>> RecoverAsync(CancellationToken cancellationToken)
    {
        if (!Directory.Exists(_options.StateDirectory))
        {
            return [];
        }

        PrepareStateDirectory();
        var found = new List<ISandbox>();
        foreach (var root in Directory.EnumerateDirectories(_options.StateDirectory))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var id = Path.GetFileName(root);
            if (id == "users" || id.StartsWith("scripts-", StringComparison.Ordinal) || HostSessions.IsKind(id))
            {
                continue;
            }

            var folder = new SessionFolder(_options.StateDirectory, id);
            if (StateFile.Read(folder.State, StateJson.Default.SessionState) is { } state && state.Id == id
                && ProcessGroup.IsAlive(state.Holder))
            {
                found.Add(new BubblewrapSandbox(
                    state, folder, Script(""), _options, await CommandRecovery.RunAsync(state, folder, _options)).Watched());
            }
            else
            {
                await SessionCleanup.RemoveUnfinishedAsync(folder, _options);
            }
        }

        // Groups of sessions whose folder is gone too: nobody else uses our prefix.
        foreach (var directory in Groups.WithPrefix(GroupName(_options, "")))
        {
            if (!found.OfType<BubblewrapSandbox>().Any(s => s.State.ControlGroups.Contains(directory, StringComparer.Ordinal)))
            {
                await new ControlGroup([directory]).RemoveAsync(_options.Time, SandboxDefaults.KillLimit);
            }
        }

        return found;
    }

    /// <summary>The name of a session's control group: two daemons may each have a session of the same id.</summary>
    internal static string GroupName(SandboxOptions options, string id)
        => $"pocketcoder-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(options.StateDirectory)))[..12]}-{id}";

    /// <summary>What to install, or null when all is there.</summary>
    internal string? MissingProgram(bool relays)
    {
        string[] needed = ["bwrap", "tmux", "setpriv", "nsenter", "prlimit", "setsid", "tee", "mkfifo",
            .. relays ? (string[])["socat"] : []];
        var missing = Array.FindAll(needed, n => Executables.Find(n, _options.SearchPath) is null);
        return missing.Length == 0
            ? null
            : $"Missing: {string.Join(", ", missing)}. On Debian or Ubuntu: sudo apt-get install bubblewrap tmux util-linux coreutils socat";
    }

    internal string Script(string name) => Path.Combine(FixedScripts.WriteTo(_options.StateDirectory), name);

    private static ProcessIdentity Nobody { get; } = new(-1, -1, "");

    private static string Number(uint? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "-";

    private ControlGroup MakeGroup(SandboxSpec spec)
    {
        try
        {
            return Groups.Create(GroupName(_options, spec.Id), spec.Limits);
        }
        catch (IOException e)
        {
            throw new SandboxException(SandboxError.StartFailed, e.Message, e);
        }
    }

    internal void PrepareStateDirectory()
    {
        var root = CurrentUser.Id == 0;
        if (!Directory.Exists(_options.StateDirectory))
        {
            SessionFolder.Make(_options.StateDirectory, root ? SessionFolder.PassThrough : SessionFolder.Private);
        }
        else if (Native.OwnerOf(_options.StateDirectory)?.User != CurrentUser.Id)
        {
            throw new SandboxException(SandboxError.StartFailed, $"{_options.StateDirectory} belongs to somebody else.");
        }

        if (!root)
        {
            return;
        }

        for (var above = new DirectoryInfo(_options.StateDirectory); above is not null; above = above.Parent)
        {
            if ((above.UnixFileMode & UnixFileMode.OtherExecute) == UnixFileMode.None)
            {
                throw new SandboxException(
                    SandboxError.StartFailed,
                    $"Other users can't pass through {above.FullName}, and the sandbox runs as one of them. Choose a state directory like /var/lib/pocketcoder.");
            }
        }
    }

    /// <summary>
    /// Where ring one binds the state directory from: itself, given to the session's user, or mounted so that it looks like that user's.
    /// </summary>
    private static async Task<string> StateForAsync(string directory, SessionUser user, SessionFolder folder, SandboxOptions options)
    {
        if (user.Reserved)
        {
            WorkspaceMount.Create(directory, folder.MappedState, user.User!.Value, options);
            return folder.MappedState;
        }

        if (user.User is { } owner)
        {
            await Trees.GiveAsync(directory, owner, user.Group!.Value, options.Time);
        }

        return directory;
    }

    private static void WriteFiles(
        SandboxSpec spec, SessionFolder folder, byte[] filter, (string Workspace, string? Side, string? State) from)
    {
        var shell = File.Exists("/bin/bash") ? "/bin/bash" : "/bin/sh";
        foreach (var name in FixedScripts.Inside)
        {
            folder.WriteFile(name, FixedScripts.Read(name), executable: name == "pane.sh");
        }

        foreach (var (name, text) in BubblewrapArguments.EtcFiles())
        {
            folder.WriteFile("etc/" + name, Encoding.UTF8.GetBytes(text));
        }

        folder.WriteFile("deny.bpf", filter);
        folder.WriteFile("ring1.args", BubblewrapArguments.One(spec, folder, from.Workspace, from.State, from.Side));
        folder.WriteFile("ring2.args", BubblewrapArguments.Two(spec));
        folder.WriteFile("begin.args", BubblewrapArguments.Begin(spec));
        folder.WriteFile("session", Encoding.UTF8.GetBytes($"{spec.Id} {shell}\n"));
        var processes = HardLimits.Clamp("Max processes", spec.Limits.Processes);
        var size = HardLimits.Clamp("Max file size", spec.Limits.FileSize);
        var files = HardLimits.Clamp("Max open files", spec.Limits.OpenFiles);
        folder.WriteFile("limits", Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{processes} {size} {files}\n")));
        folder.WriteFile("relays", Encoding.UTF8.GetBytes(
            string.Concat(spec.Relays.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Port} {r.Socket}\n")))));
    }

    /// <summary>Waits until ring one is whole; entering it earlier would meet a half-built one.</summary>
    private async Task<ProcessIdentity> ReadyAsync(OwnedProcess launcher, SessionFolder folder, CancellationToken cancellationToken)
    {
        var start = _options.Time.GetTimestamp();
        while (true)
        {
            if (File.Exists(folder.Ready) && new FileInfo(folder.Ready).Length > 0)
            {
                var status = StateFile.Read(folder.Status, StateJson.Default.LauncherStatus)
                    ?? throw new SandboxException(SandboxError.StartFailed, "bwrap did not report its process.");
                return ProcessGroup.Identify(status.ChildPid)
                    ?? throw new SandboxException(SandboxError.StartFailed, $"The sandbox ended at once: {Said(folder)}");
            }

            if (launcher.Exited.IsCompleted)
            {
                throw new SandboxException(SandboxError.StartFailed, $"The sandbox did not start: {Said(folder)}");
            }

            if (_options.Time.GetElapsedTime(start) > SandboxDefaults.StartLimit)
            {
                throw new SandboxException(SandboxError.Timeout,
                    $"The sandbox was not ready within {SandboxDefaults.StartLimit.TotalSeconds:0} s: {Said(folder)}");
            }

            await Task.Delay(s_poll, _options.Time, cancellationToken);
        }
    }

    private static string Said(SessionFolder folder)
    {
        const int most = 2000;
        try
        {
            var text = File.ReadAllText(folder.Log).Trim();
            return text.Length == 0 ? "it gave no output." : text[..Math.Min(most, text.Length)];
        }
        catch (IOException)
        {
            return "it gave no output.";
        }
    }
}
