using System.Globalization;
using PocketCoder.Cli.Output;
using PocketCoder.Sandboxes;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Sandboxes.Docker;
using PocketCoder.Sandboxes.Landlock;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// Every kind of sandbox on this machine, tried by its real recipe in a folder of its own that is gone afterwards. Linux only; elsewhere it
/// has none.
/// </summary>
internal sealed class DoctorSandboxes : IAsyncDisposable
{
    private readonly Lazy<DirectoryInfo> _folder;
    private readonly Func<string, string?> _environment;

    public DoctorSandboxes(Func<string, string?> environment)
    {
        _environment = environment;
        _folder = new(MakeFolder);
    }

    /// <summary>A folder that the sandbox's user can pass through; short, since sockets live in it.</summary>
    public string Folder => _folder.Value.FullName;

    /// <summary>All kinds with a way to make one, the best first.</summary>
    public IReadOnlyList<(SandboxKind Kind, Func<ISandboxBackend> Make)> All => OperatingSystem.IsLinux()
        ?
        [
            (SandboxKind.Bubblewrap, () => new BubblewrapBackend(Options())),
            (SandboxKind.Docker, () => new DockerBackend(Options(), DockerOptions.FromHost(_environment("DOCKER_HOST")))),
            (SandboxKind.Landlock, () => new LandlockBackend(Options())),
        ]
        : [];

    /// <summary>One line a kind. Only a machine without any that is more than reduced is warned about.</summary>
    public async Task<IReadOnlyList<CheckShown>> CheckAsync(CancellationToken ct)
    {
        var probes = new List<SandboxProbe>();
        foreach (var (kind, make) in All)
        {
            probes.Add(await ProbeAsync(kind, make, ct));
        }

        var isolated = probes.Exists(p => p is { Usable: true, Kind: not SandboxKind.Landlock });
        return [.. probes.Select(p => Shown(p, isolated))];
    }

    public static async Task<SandboxProbe> ProbeAsync(SandboxKind kind, Func<ISandboxBackend> make, CancellationToken ct)
    {
        try
        {
            var backend = make();
            try
            {
                return await backend.ProbeAsync(ct);
            }
            finally
            {
                (backend as IDisposable)?.Dispose();
            }
        }
        catch (SandboxException e)
        {
            return new SandboxProbe(
                kind, Usable: false, [e.Message], new Dictionary<string, string>(StringComparer.Ordinal), LimitSource.None);
        }
    }

    public static string NameOf(SandboxKind kind) => kind.ToString().ToLowerInvariant();

    public ValueTask DisposeAsync()
    {
        if (_folder.IsValueCreated && Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    private static CheckShown Shown(SandboxProbe probe, bool isolated)
    {
        var name = NameOf(probe.Kind);
        var found = !probe.Usable ? "can't be used"
            : probe.Kind == SandboxKind.Landlock ? "works, with reduced protection: files and signals only"
            : $"works; {LimitWords(probe.Limits)}";
        return new(
            name,
            probe.Usable || isolated ? "ok" : "warn",
            found,
            probe.Reasons.Count == 0 ? null : string.Join(' ', probe.Reasons),
            probe.Facts.OrderBy(f => f.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal),
            probe.Limits.ToString());
    }

    private static string LimitWords(LimitSource limits) => limits switch
    {
        LimitSource.CgroupV2 => "cgroups v2 limit memory, CPU time and processes",
        LimitSource.CgroupV1 => "cgroups v1 limit memory, CPU time and processes",
        LimitSource.Engine => "the container engine limits memory, CPU time and processes",
        LimitSource.ResourceLimits => "processes and file size are limited; memory and CPU time are not",
        _ => "memory, CPU time and processes are not limited",
    };

    private static DirectoryInfo MakeFolder()
    {
        var path = Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"pc-doctor-{Guid.CreateVersion7():N}"));
        return OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(path)
            : Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | (Environment.IsPrivilegedProcess ? UnixFileMode.GroupExecute | UnixFileMode.OtherExecute : UnixFileMode.None));
    }

    private SandboxOptions Options() => new() { StateDirectory = Path.Combine(Folder, "s") };
}
