using System.Globalization;
using System.Runtime.InteropServices;
using PocketCoder.Hands.Bubblewrap;
using PocketCoder.Hands.Host;
using PocketCoder.Hands.Seccomp;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Hands.Landlock;

/// <summary>
/// Reduced isolation without any program: the kernel's Landlock rules (Linux 5.13; the network from 6.7, signals from 6.12) and the system call
/// filter. Files outside of the project, TCP and foreign processes are out of reach, but the process list, UDP, other network interfaces and
/// the host's name are the host's own, and memory has no bound. Only by explicit choice, shown as reduced. Read-only binds beneath the project
/// are not kept. Never runs as root.
/// </summary>
public sealed class LandlockBackend(HandsOptions options) : ISandboxBackend
{
    private const string Folder = HostSessions.Landlock;
    private const int LeastVersion = 4; // below that TCP is open

    private static readonly string[] Readable =
    [
        "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc", "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ld.so.cache",
        "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/localtime", "/etc/mime.types", "/etc/terminfo", "/dev/urandom", "/dev/random",
    ];

    private static readonly string[] Devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty"];

    public SandboxKind Kind => SandboxKind.Landlock;

    public async Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken)
    {
        var facts = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["landlock"] = Rules.Version().ToString(CultureInfo.InvariantCulture) };
        var reasons = new List<string> { "Reduced: processes, UDP and memory are shared with the host." };
        var usable = false;
        var workspace = Path.Combine(options.StateDirectory, Folder + "-probe", Guid.CreateVersion7().ToString("N"));
        try
        {
            Directory.CreateDirectory(workspace);
            if (Native.EffectiveUser() == 0)
            {
                Native.GiveTo(workspace, options.FirstUser, options.FirstUser);
            }

            var sandbox = await CreateAsync(new SandboxSpec { Id = $"probe-{Guid.CreateVersion7():N}", Workspace = workspace }, cancellationToken);
            try
            {
                var found = await InsideChecks.RunAsync(sandbox, hasFilter: true, hasOwnNamespaces: false, cancellationToken);
                foreach (var check in found)
                {
                    facts["inside." + check.Name] = check.Seen;
                }

                reasons.AddRange(found.Where(c => !c.Holds).Select(c => $"Not isolated: {c.Name} is {c.Seen}."));
                usable = found.All(c => c.Holds);
            }
            finally
            {
                await sandbox.KillAsync(CancellationToken.None);
            }
        }
        catch (Exception e) when (e is SandboxException or IOException or UnauthorizedAccessException)
        {
            reasons.Add(e.Message);
        }
        finally
        {
            if (Directory.Exists(workspace))
            {
                Directory.Delete(Path.GetDirectoryName(workspace)!, recursive: true);
            }
        }

        return new SandboxProbe(Kind, usable, reasons, facts, LimitSource.ResourceLimits);
    }

    public Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec);
        SpecRules.NoState(spec);
        if (Rules.Version() < LeastVersion)
        {
            throw new SandboxException(SandboxError.NotAvailable, $"This kernel's Landlock is version {Rules.Version()}; {LeastVersion} is needed (Linux 6.7).");
        }

        if (spec.WorkspaceInside is { } inside && inside != spec.Workspace)
        {
            throw new SandboxException(SandboxError.InvalidSpec, "Landlock shows the project where it is.");
        }

        var filter = SeccompFilter.Build(RuntimeInformation.ProcessArchitecture, spec.AllowTracing);
        var user = SessionUser.For(spec.Workspace, options);
        if (user.Reserved)
        {
            SessionUser.Release(options, user.User!.Value);
            throw new SandboxException(SandboxError.WorkspaceRefused, $"{spec.Workspace} belongs to root, and commands never run as root. Give it to an ordinary user (chown -R), or use bubblewrap.");
        }

        var folder = HostSessions.Create(options, Folder, spec.Id);
        string[] writable = [.. Devices, spec.Workspace, folder.Home, folder.Temporary];
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

    /// <summary>On a thread of its own, since the rules hold for the thread that takes them and all it starts; it ends right after.</summary>
    private OwnedProcess Start(ProcessStart start, SandboxSpec spec, SessionUser user, string[] writable, byte[] filter)
    {
        var number = (long n) => n.ToString(CultureInfo.InvariantCulture);
        string[] identity = user.User is { } id ? ["--reuid", number(id), "--regid", number(user.Group!.Value), "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"] : [];
        var limited = start with
        {
            Program = "/usr/bin/setpriv",
            Arguments =
            [
                .. identity, "--no-new-privs",
                "prlimit", "--nproc=" + number(Limits.HardLimits.Clamp("Max processes", Math.Max(spec.Limits.Processes, 4096))), // counts all processes of this user
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
                Rules.RestrictThisThread(Readable, writable, filter);
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
