using System.Net;

namespace PocketCoder.Broker.Egress;

/// <summary>What an <see cref="EgressProxy"/> may do. Immutable.</summary>
public sealed record EgressOptions
{
    /// <summary>Absolute path of the Unix socket to listen on. A stale socket there is replaced; any other file is an error.</summary>
    public required string SocketPath { get; init; }

    /// <summary>
    /// The socket's mode. The folder's rights are what separates sessions; the socket must be reachable for the sandbox's user.
    /// </summary>
    public UnixFileMode SocketMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Hosts that need no question.</summary>
    public IReadOnlyList<EgressRule> Allowed { get; init; } = [];

    /// <summary>
    /// Asked for every other host; null refuses them. Asked once for the same host and port while an answer is pending. Cancelled when
    /// nobody waits any more.
    /// </summary>
    public Func<EgressRequest, CancellationToken, ValueTask<EgressVerdict>>? Decide { get; init; }

    /// <summary>Told once for each connection, at its end. Must not throw and not block.</summary>
    public Action<EgressRecord>? Audit { get; init; }

    /// <summary>Name resolution; by default the system's.</summary>
    public Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>> Resolve { get; init; } = static async (
        host, ct) => await Dns.GetHostAddressesAsync(host, ct);

    /// <summary>For tests only: exact loopback destinations that are let through although they are not public.</summary>
    public IReadOnlyList<IPEndPoint> AllowedLoopback { get; init; } = [];

    /// <summary>Connections at one time; more are closed at once.</summary>
    public int MaxConnections { get; init; } = 256;

    /// <summary>Bytes of one connection, both ways together.</summary>
    public long MaxBytes { get; init; } = 8L << 30;

    /// <summary>For the request's head to arrive.</summary>
    public TimeSpan HeadLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For resolving and connecting.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Without a byte in either direction.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For a connection as a whole, counted from when it is let through.</summary>
    public TimeSpan TotalLimit { get; init; } = TimeSpan.FromHours(2);
}

/// <summary>A host that somebody in the sandbox wants to reach.</summary>
/// <param name="Host">Lower case, without a final dot, never an address.</param>
/// <param name="Method">CONNECT for a tunnel; else the HTTP method.</param>
public sealed record EgressRequest(string Host, int Port, string Method);

/// <param name="Reason">For people; on a refusal the program in the sandbox gets to see it.</param>
public sealed record EgressVerdict(bool Allowed, string Reason)
{
    public static EgressVerdict Allow(string reason) => new(true, reason);

    public static EgressVerdict Refuse(string reason) => new(false, reason);
}

/// <summary>How a connection ended.</summary>
public enum EgressOutcome
{
    Done,

    /// <summary>The request was malformed, or tried something that a proxy must not carry.</summary>
    BadRequest,
    Refused,

    /// <summary>The name leads to an address that is not public.</summary>
    PrivateAddress,
    Unreachable,

    /// <summary>Too many bytes, too long, or nothing for too long.</summary>
    LimitReached,

    /// <summary>The TLS handshake named another host than the one that was allowed.</summary>
    NameMismatch,

    /// <summary>The client went away before there was an answer.</summary>
    Abandoned,
}

/// <summary>One connection, for the ledger.</summary>
/// <param name="Host">Empty when the request could not be read.</param>
/// <param name="Up">Bytes from the sandbox.</param>
/// <param name="Down">Bytes to the sandbox.</param>
public sealed record EgressRecord(
    string Host, int Port, string Method, EgressOutcome Outcome, string Reason, IPAddress? Address, long Up, long Down,
    DateTimeOffset StartedAt, TimeSpan Duration);
