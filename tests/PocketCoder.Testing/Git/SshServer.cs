using System.Net;
using System.Net.Sockets;
using PocketCoder.Processes;

namespace PocketCoder.Testing.Git;

/// <summary>
/// A real sshd on loopback, with keys of its own, a bare repository behind it, and a client's configuration that knows it.
/// </summary>
public sealed class SshServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly OwnedProcess _sshd;

    private SshServer(DirectoryInfo folder, OwnedProcess sshd, int port) => (_folder, _sshd, Port) = (folder, sshd, port);

    /// <summary>Why there is none; null: there can be one.</summary>
    public static string? Missing { get; } = Executables.Find("sshd", "/usr/sbin:/usr/local/sbin") is null
        ? "sshd is not installed (apt-get install openssh-server)" : null;

    public int Port { get; }

    public string Repository => Path.Combine(_folder.FullName, "it's bare.git");

    public string Url => $"ssh://{Environment.UserName}@127.0.0.1:{Port}{Repository}";

    /// <summary>What ssh is started with: a key that the server knows and the server's own, or neither.</summary>
    public IReadOnlyList<string> Client(bool key = true) =>
    [
        "-F", "/dev/null",
        "-o", $"UserKnownHostsFile={_folder.FullName}/known_hosts",
        "-o", "IdentitiesOnly=yes",
        "-o", $"IdentityFile={_folder.FullName}/{(key ? "user" : "other")}",
        "-o", "IdentityAgent=none",
    ];

    public static async Task<SshServer> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("sshd-");
        var port = Ports.Free();
        var at = folder.FullName;
        await Shell.RunAsync(
            at,
            $"""
            git init -q --bare -b main "it's bare.git"
            ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f user; ssh-keygen -q -t ed25519 -N '' -f other
            cp user.pub authorized; printf '[127.0.0.1]:{port} ' > known_hosts; cat host.pub >> known_hosts
            """);
        await File.WriteAllTextAsync(
            Path.Combine(at, "config"),
            $"""
            Port {port}
            ListenAddress 127.0.0.1
            HostKey {at}/host
            AuthorizedKeysFile {at}/authorized
            PidFile {at}/pid
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password

            """);
        if (Environment.IsPrivilegedProcess)
        {
            Directory.CreateDirectory("/run/sshd"); // where a root's sshd separates its privileges
        }

        var sshd = OwnedProcess.Start(
            new ProcessStart
            {
                Program = "/usr/sbin/sshd",
                Arguments = ["-D", "-e", "-f", $"{at}/config"],
                WorkingDirectory = at,
                Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/sbin:/usr/bin:/bin" },
            },
            TimeProvider.System);
        var server = new SshServer(folder, sshd, port);
        await Wait.UntilAsync(async () => await server.AnswersAsync(), "sshd");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await _sshd.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
