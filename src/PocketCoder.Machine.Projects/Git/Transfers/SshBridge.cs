using System.Net.Sockets;
using PocketCoder.Git;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>The way by ssh: the owner's own program, started with the address that was allowed.</summary>
/// <param name="service">What runs there: <c>git-receive-pack</c> or <c>git-upload-pack</c>.</param>
/// <param name="options">Further arguments of ssh, of the owner's.</param>
internal sealed class SshBridge(string service, RemoteAddress address, IReadOnlyList<string> options, PushGate? gate, TimeProvider time)
    : TransferBridge(gate)
{
    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(1);

    protected override async Task CarryAsync(Socket client, CancellationToken stop)
    {
        await using var ssh = OwnedProcess.Start(
            new ProcessStart { Program = "ssh", Arguments = Arguments(), WorkingDirectory = "/", Environment = EnvironmentOfOwner() },
            time);
        await using var inside = new NetworkStream(client, ownsSocket: false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var hearing = Said.ReadToEndAsync(ssh.StandardError, over.Token);
        var down = ssh.StandardOutput.CopyToAsync(inside, over.Token);
        var up = UpAsync(inside, ssh.StandardInput, over.Token);
        try
        {
            if (await Task.WhenAny(down, up) == up)
            {
                await up; // a refusal ends it at once; else the other side may still answer
            }

            await down;
            client.Shutdown(SocketShutdown.Send);
            await hearing;
        }
        finally
        {
            await over.CancelAsync();
            await ssh.KillAsync(s_killGrace);
            await QuietAsync(up, down, hearing);
        }
    }

    private async Task UpAsync(NetworkStream from, Stream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await from.ReadAsync(buffer, cancellationToken)) > 0)
        {
            var through = Gate is null ? buffer.AsMemory(0, read) : Gate.Pass(buffer.AsMemory(0, read));
            if (through.Length > 0)
            {
                await to.WriteAsync(through, cancellationToken);
                await to.FlushAsync(cancellationToken);
            }
        }

        to.Close();
    }

    /// <summary>What is cut off here is no failure of its own: whoever waits for git hears of it.</summary>
    private static async Task QuietAsync(params Task[] tasks)
    {
        foreach (var task in tasks)
        {
            await task.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
        }
    }

    private List<string> Arguments() =>
    [
        .. options,
        "-T", "-x", "-a",
        "-o", "BatchMode=yes",
        "-o", "StrictHostKeyChecking=yes",
        "-o", "ClearAllForwardings=yes",
        "-o", "PermitLocalCommand=no",
        "-o", "ConnectTimeout=15",
        .. address.Port is { } port ? (string[])["-p", port.ToString(System.Globalization.CultureInfo.InvariantCulture)] : [],
        .. address.User is { } user ? (string[])["-l", user] : [],
        "--", address.Host,
        $"{service} '{address.Path.Replace("'", "'\\''", StringComparison.Ordinal)}'", // the other side's shell reads it: one quoted word
    ];

    private static Dictionary<string, string> EnvironmentOfOwner()
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
            ["HOME"] = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
            ["LC_ALL"] = "C.UTF-8",
        };
        foreach (var name in (string[])["SSH_AUTH_SOCK", "USER", "LOGNAME"])
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
            {
                environment[name] = value;
            }
        }

        return environment;
    }
}
