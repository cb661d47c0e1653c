using System.Globalization;
using System.Text;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// The options of both rings, as bwrap reads them from a file (--args): NUL after each, so that nothing is ever quoted and nothing of it
/// stands in a process list. The why of each line is in docs/sandbox.md.
/// </summary>
internal static class BubblewrapArguments
{
    private const string Path_ = "/usr/local/bin:/usr/bin:/bin";

    /// <summary>Read-only parts of the host's /etc that programs need and that hold nothing of a person.</summary>
    public static readonly string[] Etc =
    [
        "/etc/alternatives", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust",
        "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/mime.types", "/etc/terminfo", "/etc/fonts",
        "/etc/protocols", "/etc/services",
    ];

    /// <summary>
    /// Ring one: the holder. User 0 inside, so that it is one user namespace that nsenter can enter; its only capability is what the second
    /// ring's user map needs.
    /// </summary>
    public static byte[] One(SandboxSpec spec, SessionFolder folder, string workspace, string? stateDirectory = null, string? side = null)
    {
        var inside = spec.WorkspaceInside ?? spec.Workspace;
        var o = new List<string>();
        o.AddRange(["--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--new-session", "--cap-drop", "ALL", "--cap-add",
            "CAP_SETFCAP"]);
        o.AddRange(System_());
        o.AddRange(["--dir", "/etc"]);
        foreach (var path in Etc)
        {
            o.AddRange(["--ro-bind-try", path, path]);
        }

        foreach (var (name, _) in EtcFiles())
        {
            o.AddRange(["--ro-bind", Path.Combine(folder.Files, "etc", name), "/etc/" + name]);
        }

        o.AddRange(["--proc", "/proc", "--dev", "/dev", "--size", "16777216", "--tmpfs", "/tmp", "--size", "1048576", "--tmpfs", "/run",
            "--dir", "/run/tm"]);
        o.AddRange(["--ro-bind", folder.Files, "/run/hands", "--ro-bind", folder.Options, "/run/execs", "--ro-bind", folder.Sockets,
            SandboxDefaults.SocketsInside]);
        o.AddRange(["--bind", folder.Temporary, "/stmp", "--bind", folder.Home, "/shome", Workspace(spec), workspace, inside]);
        foreach (var guard in Guards(spec))
        {
            o.AddRange(guard.Source is { } source
                ? [guard.Writable ? "--bind" : "--ro-bind", Mounted(source), guard.Inside]
                : ["--size", "4096", "--tmpfs", guard.Inside, "--remount-ro", guard.Inside]);
        }

        if (stateDirectory is not null)
        {
            o.AddRange(["--bind", stateDirectory, spec.StateDirectory!]);
        }

        o.AddRange(["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--hostname", "holder"]);
        o.AddRange(["--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "LANG", "C.UTF-8", "--setenv", "SHELL", "/bin/sh",
            "--setenv", "HOME", "/tmp"]);
        return Join(o);

        // What lies in the workspace or the state directory is seen with its own mapping of users.
        string Mounted(string path)
            => path.StartsWith(spec.Workspace + "/", StringComparison.Ordinal) ? workspace + path[spec.Workspace.Length..]
            : spec.StateDirectory is { } state
                && path.StartsWith(state + "/", StringComparison.Ordinal) ? stateDirectory + path[state.Length..]
            : spec.Side is { } beside
                && (path + "/").StartsWith(beside.Path + "/", StringComparison.Ordinal) ? side + path[beside.Path.Length..]
            : path;
    }

    /// <summary>Ring two: one a command or pane. Everything in it comes from ring one, so it can't name a host path at all.</summary>
    public static byte[] Two(SandboxSpec spec)
    {
        var inside = spec.WorkspaceInside ?? spec.Workspace;
        var memory = spec.Limits.MemoryFiles.ToString(CultureInfo.InvariantCulture);
        var o = new List<string>();
        o.AddRange(["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--disable-userns",
            "--cap-drop", "ALL", "--die-with-parent"]);
        o.AddRange(System_());
        o.AddRange(["--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev"]);
        o.AddRange(["--size", memory, "--tmpfs", "/run", "--size", memory, "--tmpfs", "/dev/shm"]);
        o.AddRange(["--bind", "/stmp", "/tmp", "--bind", "/shome", SandboxDefaults.HomeInside, "--ro-bind", SandboxDefaults.SocketsInside,
            SandboxDefaults.SocketsInside, Workspace(spec), inside, inside]);
        foreach (var guard in Guards(spec))
        {
            o.AddRange([guard.Writable ? "--bind" : "--ro-bind", guard.Inside, guard.Inside]);
        }

        if (spec.StateDirectory is { } state)
        {
            o.AddRange(["--bind", state, state]);
        }

        var user = spec.RootInside ? "0" : "1000";
        o.AddRange(["--remount-ro", "/dev", "--remount-ro", "/", "--uid", user, "--gid", user, "--hostname", spec.HostName]);
        o.AddRange(["--clearenv", "--setenv", "PATH", Path_, "--setenv", "HOME", SandboxDefaults.HomeInside, "--setenv", "USER", "agent"]);
        o.AddRange(["--setenv", "LANG", "C.UTF-8", "--setenv", "TERM", "dumb"]);
        AddEnvironment(o, spec.Environment);
        return Join(o);
    }

    /// <summary>
    /// Where it begins unless it says otherwise. Given once only: of two folders bwrap takes the last, and says so on the command's own
    /// error output.
    /// </summary>
    public static byte[] Begin(SandboxSpec spec) => Join(["--chdir", spec.WorkspaceInside ?? spec.Workspace]);

    /// <summary>What is a command's own.</summary>
    public static byte[] Command(ExecSpec spec)
    {
        var o = new List<string>();
        AddEnvironment(o, spec.Environment);
        if (spec.WorkingDirectory is { } directory)
        {
            o.AddRange(["--chdir", directory]);
        }

        return Join(o);
    }

    /// <summary>The few files of /etc that are ours: nobody of the host is named in them.</summary>
    public static IEnumerable<(string Name, string Text)> EtcFiles() =>
    [
        ("passwd", "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"),
        ("group", "root:x:0:\nagent:x:1000:\ntty:x:5:\nnogroup:x:65534:\n"),
        ("hosts", "127.0.0.1 localhost\n::1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\nservices: files\nprotocols: files\n"),
        ("resolv.conf", "# no resolver: names are resolved by the proxy\n"),
    ];

    private static string Workspace(SandboxSpec spec) => spec.WorkspaceReadOnly ? "--ro-bind" : "--bind";

    /// <summary>
    /// What is mounted over parts of the workspace and beside it, each after what it lies in. Without a source: an empty folder.
    /// </summary>
    private static IEnumerable<(string Inside, string? Source, bool Writable)> Guards(SandboxSpec spec)
    {
        var inside = spec.WorkspaceInside ?? spec.Workspace;
        IEnumerable<(string, string?, bool)> side = spec.Side is not { } beside ? []
            : beside.Writable.Select(p => (p, (string?)p, true)).Prepend((beside.Path, beside.Path, false)).Reverse()
                .DistinctBy(p => p.Item1, StringComparer.Ordinal);
        return spec.Pinned.Select(p => (inside + p[spec.Workspace.Length..], (string?)p, true)).Concat(side)
            .Concat(spec.ReadOnlyBinds.Select(b => (b.Inside ?? b.Source, (string?)b.Source, false)))
            .Concat(spec.Empty.Select(p => (inside + p[spec.Workspace.Length..], (string?)null, false)))
            .OrderBy(g => g.Item1.TrimEnd('/') + "/", StringComparer.Ordinal);
    }

    private static void AddEnvironment(List<string> options, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (name, value) in environment)
        {
            options.AddRange(["--setenv", name, value]);
        }
    }

    /// <summary>/usr, and what the distribution keeps beside it: links on a merged system, directories on an older one.</summary>
    private static IEnumerable<string> System_()
    {
        yield return "--ro-bind";
        yield return "/usr";
        yield return "/usr";
        foreach (var name in (string[])["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"])
        {
            var directory = new DirectoryInfo(name);
            if (directory.LinkTarget is { } target)
            {
                yield return "--symlink";
                yield return target;
                yield return name;
            }
            else if (directory.Exists)
            {
                yield return "--ro-bind";
                yield return name;
                yield return name;
            }
        }
    }

    private static byte[] Join(List<string> options) => Encoding.UTF8.GetBytes(string.Concat(options.Select(o => o + '\0')));
}
