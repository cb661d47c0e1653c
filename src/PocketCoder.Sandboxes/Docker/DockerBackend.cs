using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Host;
using PocketCoder.Platform;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Docker;

/// <summary>
/// A container a session, of any engine that speaks Docker's API on a Unix socket: no network, read-only root, no capabilities, no new
/// privileges, our own system call filter, limits by the engine. Whoever may use that socket is as good as root on the host: it is never
/// bound into a container. A command's leftovers are found by a variable in their environment; one that clears it lives until the session
/// ends.
/// </summary>
public sealed class DockerBackend(SandboxOptions options, DockerOptions docker) : ISandboxBackend, IDisposable
{
    private const string SessionLabel = "pocketcoder.session", StateLabel = "pocketcoder.state", Folder = HostSessions.Docker;

    /// <summary>What engines mask by default, and all of /sys, which tells about the host's hardware.</summary>
    private static readonly string[] s_masked =
    [
        "/sys", "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
    ];

    private readonly Engine _engine = new(docker.Socket);

    public SandboxKind Kind => SandboxKind.Docker;

    /// <summary>Which containers are ours: those of this state directory.</summary>
    private string Ours => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(options.StateDirectory)))[..16];

    public async Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken)
    {
        var trial = new TrialSandbox(options, Folder + "-probe");
        var usable = await trial.HoldsAsync(
            async () =>
            {
                var version = await _engine.CallAsync(HttpMethod.Get, "/version", null, cancellationToken);
                trial.Facts["engine"] = version?["Version"]?.ToString() ?? "";
                trial.Facts["api"] = version?["ApiVersion"]?.ToString() ?? "";
            },
            spec => CreateAsync(spec with { WorkspaceInside = "/work" }, cancellationToken),
            hasOwnNamespaces: true,
            cancellationToken);
        return new SandboxProbe(Kind, usable, trial.Reasons, trial.Facts, LimitSource.Engine);
    }

    public async Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec, options);
        SpecRules.NoState(spec);
        SpecRules.NoSide(spec);
        var user = SessionUser.For(spec.Workspace, options);
        if (user.Reserved)
        {
            SessionUser.Release(options, user.User!.Value);
            throw new SandboxException(SandboxError.WorkspaceRefused,
                $"{spec.Workspace} belongs to root, and commands never run as root. Give it to an ordinary user (chown -R), or use bubblewrap.");
        }

        var image = docker.Image ?? await EnsureBaseImageAsync(cancellationToken);
        var folder = HostSessions.Create(options, Folder, spec.Id);
        folder.CreateForContainer();
        if (user.User is { } id)
        {
            SessionFolder.Make(options.StateDirectory, SessionFolder.PassThrough);
            folder.GiveTo(id, user.Group!.Value);
        }

        var name = $"pocketcoder-{Ours[..8]}-{spec.Id}";
        try
        {
            await _engine.CallAsync(
                HttpMethod.Post, $"/containers/create?name={name}", Container(spec, user, folder, image), cancellationToken);
            await _engine.CallAsync(HttpMethod.Post, $"/containers/{name}/start", null, cancellationToken);
        }
        catch
        {
            await _engine.CallAsync(
                HttpMethod.Delete, $"/containers/{name}?force=true&v=true", null, CancellationToken.None, missingIsNull: true);
            await folder.RemoveAsync(options.Time);
            throw;
        }

        return new DockerSandbox(spec.Id, name, spec.WorkspaceInside ?? spec.Workspace, folder, _engine, options);
    }

    public async Task<IReadOnlyList<ISandbox>> RecoverAsync(CancellationToken cancellationToken)
    {
        var filters = new JsonObject { ["label"] = new JsonArray($"{StateLabel}={Ours}") }.ToJsonString();
        var all = await _engine.CallAsync(HttpMethod.Get, $"/containers/json?all=true&filters={Uri.EscapeDataString(filters)}", null,
            cancellationToken) as JsonArray ?? [];
        var found = new List<ISandbox>();
        foreach (var container in all.OfType<JsonObject>())
        {
            var name = container["Id"]!.GetValue<string>();
            var id = container["Labels"]?[SessionLabel]?.GetValue<string>() ?? "";
            var inside = (await _engine.CallAsync(
                HttpMethod.Get, $"/containers/{name}/json", null, cancellationToken))?["Config"]?["WorkingDir"]?.GetValue<string>() ?? "/";
            var sandbox = new DockerSandbox(
                id, name, inside, new HostFolder(Path.Combine(options.StateDirectory, Folder, id)), _engine, options);
            if (container["State"]?.GetValue<string>() == "running")
            {
                await sandbox.SweepAsync(null, cancellationToken); // what ran has lost its reader
                found.Add(sandbox);
            }
            else
            {
                await sandbox.KillAsync(cancellationToken);
            }
        }

        return found;
    }

    public void Dispose() => _engine.Dispose();

    private async Task<string> EnsureBaseImageAsync(CancellationToken cancellationToken)
    {
        var (tag, archive) = BaseImage.Make();
        await using (archive)
        {
            if (await _engine.CallAsync(
                HttpMethod.Get, $"/images/{BaseImage.Repository}:{tag}/json", null, cancellationToken, missingIsNull: true) is null)
            {
                await _engine.ImportAsync(BaseImage.Repository, tag, archive, cancellationToken);
            }
        }

        return $"{BaseImage.Repository}:{tag}";
    }

    private JsonObject Container(SandboxSpec spec, SessionUser user, HostFolder folder, string image)
    {
        var inside = spec.WorkspaceInside ?? spec.Workspace;
        var limits = spec.Limits;
        var mounts = new JsonArray
        {
            (JsonNode)Bind(spec.Workspace, inside, spec.WorkspaceReadOnly), (JsonNode)Bind(folder.Home, SandboxDefaults.HomeInside, false),
            (JsonNode)Bind(folder.Temporary, "/tmp", false),
            // the engine would copy the host's
            (JsonNode)Bind(folder.Sockets, SandboxDefaults.SocketsInside, true),
            (JsonNode)Bind(folder.NoResolver, "/etc/resolv.conf", true),
        };
        if (docker.Image is null)
        {
            foreach (var path in BubblewrapArguments.Etc.Prepend("/usr").Where(Path.Exists))
            {
                mounts.Add((JsonNode)Bind(path, path, true));
            }
        }

        foreach (var path in spec.Pinned)
        {
            mounts.Add((JsonNode)Bind(path, inside + path[spec.Workspace.Length..], false));
        }

        foreach (var bind in spec.ReadOnlyBinds)
        {
            mounts.Add((JsonNode)Bind(bind.Source, bind.Inside ?? bind.Source, true));
        }

        var environment = new JsonArray(
            "PATH=/usr/local/bin:/usr/bin:/bin", $"HOME={SandboxDefaults.HomeInside}", "LANG=C.UTF-8", "TERM=dumb", "USER=agent");
        foreach (var (variable, value) in spec.Environment)
        {
            environment.Add((JsonNode)$"{variable}={value}");
        }

        var number = user.User ?? CurrentUser.Id;
        var group = user.Group ?? CurrentUser.Group;
        var size = string.Create(CultureInfo.InvariantCulture, $"rw,nosuid,nodev,size={limits.MemoryFiles}");
        var host = new JsonObject
        {
            ["Mounts"] = mounts,
            ["NetworkMode"] = "none",
            ["ReadonlyRootfs"] = true,
            ["MaskedPaths"] = new JsonArray([.. s_masked.Select(p => JsonValue.Create(p))]),
            ["ReadonlyPaths"] = new JsonArray("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"),
            ["CapDrop"] = new JsonArray("ALL"),
            ["SecurityOpt"] = new JsonArray("no-new-privileges:true", "seccomp=" + SeccompProfile.Build(spec.AllowTracing)),
            ["PidsLimit"] = limits.Processes,
            ["Memory"] = limits.Memory,
            ["MemorySwap"] = limits.Memory,
            ["NanoCpus"] = (long)(limits.Processors * 1e9),
            ["ShmSize"] = limits.MemoryFiles,
            ["Tmpfs"] = new JsonObject { ["/run"] = size + ",mode=1777" },
            ["Ulimits"] = new JsonArray { (JsonNode)Limit("fsize", limits.FileSize),
                (JsonNode)Limit("nofile", Limits.HardLimits.Clamp("Max open files", limits.OpenFiles)), (JsonNode)Limit("core", 0) },
            ["IpcMode"] = "private",
            ["CgroupnsMode"] = "private",
            ["LogConfig"] = new JsonObject { ["Type"] = "none" },
            // the engine puts its init at /sbin, which the host's /usr hides; a shell that waits collects the dead as well
            ["Init"] = docker.Image is not null,
        };
        if (docker.Runtime is { } runtime)
        {
            host["Runtime"] = runtime;
        }

        return new JsonObject
        {
            ["Image"] = image,
            ["Hostname"] = spec.HostName,
            ["User"] = string.Create(CultureInfo.InvariantCulture, $"{number}:{group}"),
            ["WorkingDir"] = inside,
            ["Env"] = environment,
            ["Entrypoint"] = new JsonArray("/bin/sh", "-c", "while :; do sleep 86400; done"),
            ["Labels"] = new JsonObject { [SessionLabel] = spec.Id, [StateLabel] = Ours },
            ["HostConfig"] = host,
        };
    }

    private static JsonObject Bind(string source, string target, bool readOnly)
        => new()
        {
            ["Type"] = "bind",
            ["Source"] = source,
            ["Target"] = target,
            ["ReadOnly"] = readOnly,
            ["BindOptions"] = new JsonObject { ["Propagation"] = "rprivate" }
        };

    private static JsonObject Limit(string name, long value) => new() { ["Name"] = name, ["Soft"] = value, ["Hard"] = value };
}
