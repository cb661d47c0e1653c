using System.Net.Sockets;
using PocketCoder.Git;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// A way between git in its sandbox and one repository on another machine. git inside starts a program that only connects to a socket;
/// here, outside, is the other end, which talks to the address that was allowed and to nothing that git asked for. So keys, tokens and
/// known hosts stay outside. One transfer each; thread-safe.
/// </summary>
/// <param name="gate">For a push: what may go out.</param>
internal abstract class TransferBridge(PushGate? gate) : IAsyncDisposable
{
    /// <summary>A fetch that follows tags connects a second time; a push only once.</summary>
    private const int MostConnections = 3;

    private const int ErrorLimit = 4096;

    private readonly CancellationTokenSource _stop = new();
    private Socket? _listener;
    private string? _path;
    private Task _serving = Task.CompletedTask;
    private string? _refused;
    private GitException? _failure;

    /// <summary>Why it was cut off, when it was; else what the other side's program said.</summary>
    public string Words => Volatile.Read(ref _refused) is { } refused ? $"It was cut off: {refused}." : Said.ToString();

    public bool WasRefused => Volatile.Read(ref _refused) is not null;

    /// <summary>Why it could not be carried, when that is known better here than git can know it.</summary>
    public GitException? Failure => Volatile.Read(ref _failure);

    protected PushGate? Gate { get; } = gate;

    protected OutputCapture Said { get; } = new(ErrorLimit);

    /// <summary>
    /// What git is told to run instead of ssh: it connects, and the # keeps a shell from reading the arguments git adds. When the other
    /// side is done git must see it at once (shut-close); when git is done the other side may take its time (-t).
    /// </summary>
    public static string Command(string socket) => $"exec socat -t 120 'STDIN!!STDOUT,shut-close' UNIX-CONNECT:{socket} #";

    /// <param name="others">The sandbox runs as another user, who must be let in by the socket itself; the folder keeps everybody else
    /// out.</param>
    /// <exception cref="IOException">The socket can't be made.</exception>
    public void Listen(string path, bool others)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            if (!OperatingSystem.IsWindows())
            {
                // before listen: nobody connects in between
                File.SetUnixFileMode(path, others ? (UnixFileMode)0b110_110_110 : UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            listener.Listen(1);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            listener.Dispose();
            throw new IOException($"The connection to the remote failed: {e.Message}", e);
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
        for (var i = 0; i < (Gate is null ? MostConnections : 1); i++)
        {
            try
            {
                using var client = await listener.AcceptAsync(_stop.Token);
                await NotedAsync(client); // before it is closed: then git ends, and whoever waits for git asks why
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task NotedAsync(Socket client)
    {
        try
        {
            await CarryAsync(client, _stop.Token);
        }
        catch (InvalidDataException e)
        {
            Volatile.Write(ref _refused, e.Message);
        }
        catch (GitException e)
        {
            Volatile.Write(ref _failure, e);
        }
        catch (Exception e) when (e is IOException or ProcessStartException)
        {
            Said.Append(System.Text.Encoding.UTF8.GetBytes($"{e.Message}\n"));
        }
    }

    /// <summary>Carries one connection to its end.</summary>
    /// <exception cref="GitException">It can't be; the message says why.</exception>
    /// <exception cref="InvalidDataException">git asks for what was not allowed.</exception>
    protected abstract Task CarryAsync(Socket client, CancellationToken stop);
}
