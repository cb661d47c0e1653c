using System.Net;
using System.Net.Sockets;
using PocketCoder.Processes;

namespace PocketCoder.Agents;

/// <summary>
/// Where an agent's program runs when that is not simply the daemon's own side: a sandbox that holds the project, the program and a folder
/// of the agent's own, and nothing else of this machine. Made by the machine for one start.
/// </summary>
public interface IAgentSandbox
{
    /// <summary>
    /// The folder for the agent's own files (settings, transcripts): the session's, kept for its whole life, at the same path inside and
    /// outside. Until <see cref="StartAsync"/> nothing runs that could change it.
    /// </summary>
    string StateDirectory { get; }

    /// <summary>
    /// Starts the program inside. <see cref="ProcessStart.Program"/> is absolute, as seen outside; what it needs of its folder is brought
    /// in read-only. Of <see cref="ProcessStart.Environment"/> all is passed, and nothing else.
    /// </summary>
    /// <param name="needs">What the program needs of the sandbox beside that.</param>
    /// <exception cref="AgentException">It can't be had; the message says why and what to do.</exception>
    Task<IAgentChild> StartAsync(ProcessStart start, AgentSandboxNeeds needs, CancellationToken cancellationToken);

    /// <inheritdoc cref="StartAsync(ProcessStart, AgentSandboxNeeds, CancellationToken)"/>
    Task<IAgentChild> StartAsync(ProcessStart start, CancellationToken cancellationToken)
        => StartAsync(start, AgentSandboxNeeds.None, cancellationToken);
}

/// <summary>What a program needs of its sandbox, beside what every program gets.</summary>
public sealed record AgentSandboxNeeds
{
    /// <summary>Where <see cref="Settings"/> are seen inside.</summary>
    public const string SettingsInside = "/opt/settings";

    public static AgentSandboxNeeds None { get; } = new();

    /// <summary>The way to our tools, for a program that takes them by MCP; null: none.</summary>
    public AgentToolSocket? Tools { get; init; }

    /// <summary>
    /// A directory of <see cref="IAgentSandbox.StateDirectory"/> that is also seen at <see cref="SettingsInside"/>, read-only and the
    /// program's user's own; null: none.
    /// </summary>
    public string? Settings { get; init; }

    /// <summary>The program's user is called root inside, without root's rights: for a program that trusts only root's files.</summary>
    public bool RootInside { get; init; }

    /// <summary>Directories of the project, by name, that look empty inside: settings of a repository that no flag switches off.</summary>
    public IReadOnlyList<string> Emptied { get; init; } = [];
}

/// <summary>How a sandbox leads its program to our tools, and to nothing else.</summary>
/// <param name="Port">On the sandbox's own loopback.</param>
/// <param name="OpenAsync">Called once, before the program runs: listens on the Unix socket of that path, with that mode.</param>
public sealed record AgentToolSocket(int Port, Func<string, UnixFileMode, CancellationToken, Task> OpenAsync)
{
    /// <summary>Unless there is a reason for another one.</summary>
    public const int UsualPort = 8788;
}

/// <summary>
/// A program that runs for an agent, here or in a sandbox. Streams are for one reader and one writer each; the rest is thread-safe.
/// </summary>
public interface IAgentChild : IAsyncDisposable
{
    /// <summary>On the host.</summary>
    ProcessIdentity Identity { get; }

    Stream StandardInput { get; }

    Stream StandardOutput { get; }

    Stream StandardError { get; }

    /// <summary>The exit code (128 + n: by signal n). Never faults.</summary>
    Task<int> Exited { get; }

    /// <summary>Connects to a port of its loopback, as it sees it. The caller disposes of the stream.</summary>
    /// <exception cref="IOException">It does not listen there.</exception>
    Task<Stream> ConnectAsync(int port, CancellationToken cancellationToken);

    /// <summary>Asks it to end, up to <paramref name="grace"/>, then ends it with all it started. Returns whether all are gone.</summary>
    Task<bool> KillAsync(TimeSpan grace);
}

/// <summary>A child of the daemon with the rights of its user.</summary>
internal sealed class HostChild(OwnedProcess process) : IAgentChild
{
    public ProcessIdentity Identity => process.Identity;

    public Stream StandardInput => process.StandardInput;

    public Stream StandardOutput => process.StandardOutput;

    public Stream StandardError => process.StandardError;

    public Task<int> Exited => process.Exited;

    public async Task<Stream> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception e)
        {
            socket.Dispose();
            throw e is SocketException ? new IOException(e.Message, e) : e;
        }
    }

    public Task<bool> KillAsync(TimeSpan grace) => process.KillAsync(grace);

    public ValueTask DisposeAsync() => process.DisposeAsync();
}
