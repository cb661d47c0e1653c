using System.Runtime.Versioning;
using System.Text;
using PocketCoder.Platform;

namespace PocketCoder.Machine;

/// <summary>
/// The daemon's directory and the files in it (docs/operations.md). Directories are 0700, files 0600.
/// Holds nothing open; safe to share.
/// </summary>
public sealed class Home
{
    private const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode WritableByOthers = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Longest path of a Unix socket in bytes, without the closing zero (Linux has 108, macOS 104).</summary>
    private const int SocketPathLimit = 103;

    private Home(string root) => Root = root;

    public string Root { get; }

    public string Database => In("daemon.db");

    /// <summary>The machine's private keys.</summary>
    public string MachineKey => In("machine.key");

    /// <summary>The newest head of the ledger, signed, outside of the database: what the chain is compared with at each start.</summary>
    public string LedgerHead => In("ledger.head");

    public string MachineLabel => In("machine-label.txt");

    public string PidFile => In("daemon.pid");

    /// <summary>Held exclusively while a daemon lives.</summary>
    public string LockFile => In("daemon.lock");

    /// <summary>The control plane's Unix socket.</summary>
    public string ControlSocket => In("control.sock");

    /// <summary>What a program sends to the HTTP control plane to be answered; there while a daemon has one.</summary>
    public string ControlToken => In("control.token");

    /// <summary>The settings that <c>pocketcoder config</c> made.</summary>
    public string Config => In("config.json");

    public string Logs => In("logs");

    public string LogFile => Path.Combine(Logs, "daemon.log");

    public string Tls => In("tls");

    /// <summary>Which remote gateway this machine connects to, when there is one.</summary>
    public string Link => In("link.json");

    /// <summary>What a gateway keeps that runs on its own (<c>pocketcoder gateway run</c>).</summary>
    public string Gateway => In("gateway");

    /// <summary>Its settings.</summary>
    public string GatewayConfig => Path.Combine(Gateway, "config.json");

    /// <summary>
    /// Where sandboxes keep their state. When the daemon is root they run as other users, who must be able to pass through; nobody may pass
    /// through this home, so the place is another one then.
    /// </summary>
    public string Sandboxes => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux()
        ? Path.Combine("/var/lib/pocketcoder",
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Root)))[..16])
        : In("hands");

    /// <summary>
    /// Every folder that holds what is the daemon's alone: keys, ledger, logs, state of sandboxes and agents. No agent's tool reads there.
    /// </summary>
    public IReadOnlyList<string> Own => [
        .. new[] { Root, Sandboxes, AgentFiles, Attached }.Where((f, i) => i == 0 || !f.StartsWith(Root + "/", StringComparison.Ordinal))];

    /// <summary>The named secrets, encrypted.</summary>
    public string Secrets => In("secrets.json");

    /// <summary>What opens them.</summary>
    public string SecretKey => In("secrets.key");

    /// <summary>The machine's key for push services.</summary>
    public string PushKey => In("push.key");

    /// <summary>Origins of push services of the owner's own, one a line, when there is such a file.</summary>
    public string PushServices => In("push-services");

    /// <summary>Where the owner wants notifications besides devices, when there is such a place.</summary>
    public string Notify => In("notify.json");

    /// <summary>Which app of Feishu or Lark the machine's bot is, when there is one.</summary>
    public string Feishu => In("feishu.json");

    /// <summary>The owner's own prices of models, when there is such a file.</summary>
    public string Prices => In("prices.json");

    /// <summary>The owner's own providers of models, when there are any.</summary>
    public string Providers => In("providers.json");

    /// <summary>
    /// Where agents that run in a sandbox of their own keep what must outlive it (settings, transcripts), a folder a session. Beside
    /// <see cref="Sandboxes"/>, for the same reason.
    /// </summary>
    public string AgentFiles => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux() ? Sandboxes + "-agents" : In("agents");

    /// <summary>What people sent with prompts.</summary>
    public string Attachments => In("attachments");

    /// <summary>Copies of it that agents may read, a folder a session. Beside <see cref="Sandboxes"/>, for the same reason.</summary>
    public string Attached => Environment.IsPrivilegedProcess && OperatingSystem.IsLinux() ? Sandboxes + "-attached" : In("attached");

    /// <summary>What commands wrote and agents sent, for a week.</summary>
    public string Outputs => In("outputs");

    /// <summary>An index of what was said in all sessions, made of the database.</summary>
    public string Search => In("search.db");

    /// <summary>An empty repository, for git's reading of which files of a project are ignored.</summary>
    public string Finder => In("finder.git");

    /// <summary>Of each project's files: what was deleted, and uploads that are not whole.</summary>
    public string Files => In("files");

    /// <summary>The snapshots of projects, one store each.</summary>
    public string Snapshots => In("snapshots");

    /// <summary>What of each project decides which programs run by themselves, from before what runs in it now.</summary>
    public string Guard => In("guard");

    /// <summary>What was planted in projects and taken away again.</summary>
    public string TakenAway => In("taken-away");

    /// <summary>
    /// Worktrees that were made for sessions, a folder each. Beside this home, in which everything counts as a secret of the daemon.
    /// </summary>
    public string Worktrees => Root + "-worktrees";

    /// <summary>The sample project of <c>--demo</c>.</summary>
    public string Demo => In("demo");

    /// <summary>Where a start is, as long as it lasts.</summary>
    public string StartStep => In("daemon.start");

    /// <summary>The folders that a daemon needs, in the order in which they lie in one another.</summary>
    public IReadOnlyList<string> Folders
        => [Root, Logs, Tls, Sandboxes, AgentFiles, Attachments, Attached, Outputs, Finder, Files, Snapshots, Guard, TakenAway];

    /// <summary>
    /// The files that a daemon opens when it starts, and what it must be able to do with each (<see cref="Starting.Access"/>). The key has
    /// a check of its own.
    /// </summary>
    public IReadOnlyList<(string File, int Wanted)> KnownFiles =>
    [
        .. new[] { LockFile, PidFile, Database, Database + "-wal", Database + "-shm", Database + ".lock", LedgerHead, Secrets,
            Secrets + ".lock", LogFile }.Select(f => (f, Access.Read | Access.Write)),
        .. new[] { MachineKey, SecretKey, MachineLabel, Config, Prices, Providers, Feishu }.Select(f => (f, Access.Read)),
        .. new[] { ControlSocket, ControlToken }.Select(f => (f, Access.Write)),
    ];

    /// <summary>
    /// The directory to use: <c>POCKETCODER_HOME</c>, else <c>pocketcoder</c> under the system's place for settings
    /// (<c>$XDG_CONFIG_HOME</c> or <c>~/.config</c>; <c>~/Library/Application Support</c> on macOS; <c>%APPDATA%</c> on Windows). Touches
    /// no file.
    /// </summary>
    /// <exception cref="HomeRefusal">There is no such place, or the path can't be used.</exception>
    public static Home Resolve(Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        if (environment("POCKETCODER_HOME") is { Length: > 0 } given)
        {
            return At(given);
        }

        var settings = OperatingSystem.IsWindows() ? environment("APPDATA")
            : OperatingSystem.IsMacOS() ? UnderUserHome(environment, "Library/Application Support")
            // The XDG specification says that a relative path must be ignored.
            : environment("XDG_CONFIG_HOME") is { Length: > 0 } xdg && Path.IsPathFullyQualified(xdg) ? xdg
            : UnderUserHome(environment, ".config");
        return settings is { Length: > 0 }
            ? At(Path.Combine(settings, "pocketcoder"))
            : throw new HomeRefusal(
                "There is no home directory to keep PocketCoder's files in. Set POCKETCODER_HOME to a directory of your own.");
    }

    /// <summary>A home at a given place; relative paths are taken from the current directory. Touches no file.</summary>
    /// <exception cref="HomeRefusal">The path is too long for a Unix socket.</exception>
    public static Home At(string path)
    {
        var home = new Home(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        return !OperatingSystem.IsWindows() && Encoding.UTF8.GetByteCount(home.ControlSocket) > SocketPathLimit
            ? throw new HomeRefusal(
                $"{home.Root} is too long a path: the control socket in it would exceed the system's {SocketPathLimit} bytes. Set POCKETCODER_HOME to a shorter one.")
            : home;
    }

    /// <summary>Creates what is missing and checks that the directory is this user's and nobody else can change it.</summary>
    /// <exception cref="HomeRefusal">It is not, or it can't be created; the message says what to type.</exception>
    public void Prepare()
    {
        foreach (var directory in (string[])[Root, Logs, Tls])
        {
            Make(directory);
        }
    }

    /// <summary>As <see cref="Prepare"/>, for a gateway that runs on its own.</summary>
    /// <inheritdoc cref="Prepare"/>
    public void PrepareGateway()
    {
        Prepare();
        Make(Gateway);
    }

    /// <summary>Creates the demonstration's folder, which tells its home from others.</summary>
    public string PrepareDemo()
        => (OperatingSystem.IsWindows() ? Directory.CreateDirectory(Demo) : Directory.CreateDirectory(Demo, PrivateDirectory)).FullName;

    /// <summary>Checks what is there as <see cref="Prepare"/> does, and changes nothing.</summary>
    /// <exception cref="HomeRefusal">The directory is another user's or writable by others; the message says what to type.</exception>
    public void Inspect()
    {
        foreach (var directory in (string[])[Root, Logs, Tls])
        {
            if (Directory.Exists(directory) && !OperatingSystem.IsWindows())
            {
                Check(directory);
            }
        }
    }

    public override string ToString() => Root;

    private static void Make(string directory)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(directory); // %APPDATA% is the user's own by its inherited access list
                return;
            }

            // A missing parent is made with the same mode; an existing directory keeps its own and is checked below.
            Directory.CreateDirectory(directory, PrivateDirectory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HomeRefusal($"{directory} can't be created: {e.Message} Set POCKETCODER_HOME to a directory of your own.", e);
        }

        Check(directory);
        Close(directory);
    }

    [UnsupportedOSPlatform("windows")]
    private static void Check(string directory)
    {
        if (!FileOwner.IsCurrentUser(directory))
        {
            throw new HomeRefusal(
                $"{directory} belongs to another user. PocketCoder keeps keys there, so it must be yours: run as that user, or set POCKETCODER_HOME to a directory of your own.");
        }

        var mode = File.GetUnixFileMode(directory);
        if ((mode & WritableByOthers) != UnixFileMode.None)
        {
            throw new HomeRefusal(
                $"Other users may write to {directory}, where PocketCoder keeps keys. Check what is in it, then type: chmod 700 '{directory.Replace("'", "'\\''", StringComparison.Ordinal)}'");
        }
    }

    /// <summary>Readable by others only: nothing can have been planted, so closing it is enough.</summary>
    [UnsupportedOSPlatform("windows")]
    private static void Close(string directory)
    {
        if (File.GetUnixFileMode(directory) != PrivateDirectory)
        {
            File.SetUnixFileMode(directory, PrivateDirectory);
        }
    }

    private string In(string name) => Path.Combine(Root, name);

    private static string? UnderUserHome(Func<string, string?> environment, string relative)
        => environment("HOME") is { Length: > 0 } home && Path.IsPathFullyQualified(home) ? Path.Combine(home, relative) : null;
}

/// <summary>The home directory can't be used; the message says why and what to type.</summary>
public sealed class HomeRefusal(string message, Exception? inner = null) : Exception(message, inner);
