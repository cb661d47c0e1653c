using System.Net.Sockets;
using PocketCoder.Git;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// Carries git's bytes between its sandbox and one repository on another machine. git inside starts a program that only connects to a socket; here, outside, the owner's own ssh is
/// started with the address that was allowed and nothing of what git asked for. So keys, agent and known hosts stay outside. One transfer each; thread-safe.
/// </summary>
/// <param name="service">What runs there: <c>git-receive-pack</c> or <c>git-upload-pack</c>.</param>
/// <param name="options">Further arguments of ssh, of the owner's.</param>
/// <param name="gate">For a push.</param>
internal sealed class SshBridge(string service, RemoteAddress address, IReadOnlyList<string> options, PushGate? gate, TimeProvider time) : IAsyncDisposable
{
    /// <summary>A fetch that follows tags connects a second time; a push only once.</summary>
    private const int MostConnections = 3;

    private const int ErrorLimit = 4096;
    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly OutputCapture _errors = new(ErrorLimit);
    private Socket? _listener;
    private string? _path;
    private Task _serving = Task.CompletedTask;
    private string? _refused;

    /// <summary>Why it was cut off, when it was; else what ssh said.</summary>
    public string Words => Volatile.Read(ref _refused) is { } refused ? $"It was cut off: {refused}." : _errors.ToString();

    public bool WasRefused => Volatile.Read(ref _refused) is not null;

    /// <summary>
    /// What git is told to run instead of ssh: it connects, and the # keeps a shell from reading the arguments git adds. When the other side is done git must see it at once
    /// (shut-close); when git is done the other side may take its time (-t).
    /// </summary>
    public static string Command(string socket) => $"exec socat -t 120 'STDIN!!STDOUT,shut-close' UNIX-CONNECT:{socket} #";

    /// <param name="others">The sandbox runs as another user, who must be let in by the socket itself; the folder keeps everybody else out.</param>
    /// <exception cref="IOException">The socket can't be made.</exception>
    public void Listen(string path, bool others)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, others ? (UnixFileMode)0b110_110_110 : UnixFileMode.UserRead | UnixFileMode.UserWrite); // before listen: nobody connects in between
            }

            listener.Listen(1);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            listener.Dispose();
            throw new IOException($"The way to ssh can't be made: {e.Message}", e);
        }

        (_listener, _path) = (listener, path);
        _serving = ServeAsync(listener);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener?.Dispose();
        await _serving;
        if (_path is not null)
        {
            File.Delete(_path);
        }

        _stop.Dispose();
    }

    private async Task ServeAsync(Socket listener)
    {
        for (var i = 0; i < (gate is null ? MostConnections : 1); i++)
        {
            try
            {
                using var client = await listener.AcceptAsync(_stop.Token);
                await CarryAsync(client);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            catch (InvalidDataException e)
            {
                Volatile.Write(ref _refused, e.Message);
            }
            catch (Exception e) when (e is IOException or ProcessStartException)
            {
                _errors.Append(System.Text.Encoding.UTF8.GetBytes($"{e.Message}\n"));
            }
        }
    }

    private async Task CarryAsync(Socket client)
    {
        await using var ssh = OwnedProcess.Start(
            new ProcessStart { Program = "ssh", Arguments = Arguments(), WorkingDirectory = "/", Environment = EnvironmentOfOwner() }, time);
        await using var inside = new NetworkStream(client, ownsSocket: false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var hearing = _errors.ReadToEndAsync(ssh.StandardError, over.Token);
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
            var through = gate is null ? buffer.AsMemory(0, read) : gate.Pass(buffer.AsMemory(0, read));
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
            await task.ContinueWith(static done => _ = done.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
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
