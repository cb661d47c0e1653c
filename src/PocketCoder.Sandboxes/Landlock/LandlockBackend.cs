using System.Globalization;
using System.Runtime.InteropServices;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Host;
using PocketCoder.Sandboxes.Seccomp;
using PocketCoder.Platform;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Landlock;

/// <summary>
/// Reduced isolation without any program: the kernel's Landlock rules (Linux 5.13; the network from 6.7, signals from 6.12) and the system
/// call filter. Files outside of the project, TCP and foreign processes are out of reach, but the process list, UDP, other network
/// interfaces and the host's name are the host's own, and memory has no bound. Only by explicit choice, shown as reduced. Read-only binds
/// beneath the project are not kept. Never runs as root.
/// </summary>
public sealed class LandlockBackend(SandboxOptions options) : ISandboxBackend
{
    private const string Folder = HostSessions.Landlock;
    private const int LeastVersion = 4; // below that TCP is open

    private static readonly string[] s_readable =
    [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf",
        "/etc/ld.so.cache",
        "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/localtime", "/etc/mime.types", "/etc/terminfo",
        "/dev/urandom", "/dev/random",
    ];

    private static readonly string[] s_devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"];

    public SandboxKind Kind => SandboxKind.Landlock;

    public async Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken)
    {
        var trial = new TrialSandbox(options, Folder + "-probe");
        trial.Facts["landlock"] = Rules.Version().ToString(CultureInfo.InvariantCulture);
        trial.Reasons.Add("Reduced: processes, UDP and memory are shared with the host.");
        var usable = await trial.HoldsAsync(
            () => Task.CompletedTask, spec => CreateAsync(spec, cancellationToken), hasOwnNamespaces: false, cancellationToken);
        return new SandboxProbe(Kind, usable, trial.Reasons, trial.Facts, LimitSource.ResourceLimits);
    }

    public Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec, options);
        SpecRules.NoState(spec);
        SpecRules.NoSide(spec);
        if (Rules.Version() < LeastVersion)
        {
            throw new SandboxException(
                SandboxError.NotAvailable, $"This kernel's Landlock is version {Rules.Version()}; {LeastVersion} is needed (Linux 6.7).");
        }

        if (spec.WorkspaceInside is { } inside && inside != spec.Workspace)
        {
            throw new SandboxException(SandboxError.InvalidSpec, "Landlock can show the project only at its own path.");
        }

        var filter = SeccompFilter.Build(RuntimeInformation.ProcessArchitecture, spec.AllowTracing);
        var user = SessionUser.For(spec.Workspace, options);
        if (user.Reserved)
        {
            SessionUser.Release(options, user.User!.Value);
            throw new SandboxException(SandboxError.WorkspaceRefused,
                $"{spec.Workspace} belongs to root, and commands never run as root. Give it to an ordinary user (chown -R), or use bubblewrap.");
        }

        var folder = HostSessions.Create(options, Folder, spec.Id);
        string[] writable = [.. s_devices, .. spec.WorkspaceReadOnly ? (string[])[] : [spec.Workspace], folder.Home, folder.Temporary];
        if (user.User is { } id)
        {
            SessionFolder.Make(options.StateDirectory, SessionFolder.PassThrough);
            folder.GiveTo(id, user.Group!.Value);
        }

        return Task.FromResult<ISandbox>(new HostSandbox(spec, Kind, folder, s => Start(s, spec, user, writable, filter), options));
    }

    public async Task<IReadOnlyList<ISandbox>> RecoverAsync(CancellationToken cancellationToken)
    {
        await HostSessions.CleanAsync(options, Folder, cancellationToken);
        return [];
    }

    /// <summary>
    /// On a thread of its own, since the rules hold for the thread that takes them and all it starts; it ends right after.
    /// </summary>
    private OwnedProcess Start(ProcessStart start, SandboxSpec spec, SessionUser user, string[] writable, byte[] filter)
    {
        var number = (long n) => n.ToString(CultureInfo.InvariantCulture);
        string[] identity = user.User is { } id ? ["--reuid", number(id), "--regid", number(user.Group!.Value), "--clear-groups",
            "--bounding-set=-all", "--inh-caps=-all"] : [];
        var limited = start with
        {
            Program = "/usr/bin/setpriv",
            Arguments =
            [
                .. identity, "--no-new-privs",
                // counts all processes of this user
                "prlimit", "--nproc=" + number(Limits.HardLimits.Clamp("Max processes", Math.Max(spec.Limits.Processes, 4096))),
                "--fsize=" + number(Limits.HardLimits.Clamp("Max file size", spec.Limits.FileSize)),
                "--nofile=" + number(Limits.HardLimits.Clamp("Max open files", spec.Limits.OpenFiles)), "--core=0",
                start.Program, .. start.Arguments,
            ],
        };
        OwnedProcess? process = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Rules.RestrictThisThread(spec.WorkspaceReadOnly ? [.. s_readable, spec.Workspace] : s_readable, writable, filter);
                process = OwnedProcess.Start(limited, options.Time);
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return process ?? throw failure as SandboxException
            ?? new SandboxException(SandboxError.StartFailed, $"The command could not be started: {failure?.Message}", failure);
    }
}
