using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Throttling;

/// <summary>
/// The first thing that sees a TCP connection, before TLS and before HTTP: finds the local user at its other end, and bounds how many one
/// user or address has open, so that nobody keeps the others out with requests that it never finishes. Thread-safe.
/// </summary>
internal sealed partial class ConnectionGate(GatewayOptions options, ILogger<ConnectionGate> log)
{
    /// <summary>Connections besides those of devices: pages and files of the app.</summary>
    private const int Pages = 64;

    private readonly Lock _gate = new(); // guards _open, _others
    private readonly Dictionary<Caller, int> _open = [];
    private int _others;

    /// <summary>TCP connections of all but the owner.</summary>
    public static int MostOfOthers(GatewayOptions options) => options.MaxConnections + 256;

    /// <summary>TCP connections of all, the owner's own share included.</summary>
    public static int Most(GatewayOptions options) => MostOfOthers(options) + MostOf(options, isLocal: true);

    public async Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var (peer, local) = (connection.RemoteEndPoint as IPEndPoint, connection.LocalEndPoint as IPEndPoint);
        var user = LocalPeers.Find(peer, local);
        connection.Features.Set(new LocalUser(user));
        var address = peer?.Address is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : peer?.Address;
        var caller = new Caller(address, user).Counted;
        if (!TryEnter(caller))
        {
            LogTooMany(log, address);
            connection.Abort(new ConnectionAbortedException("Too many connections are open."));
            return;
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(caller);
        }
    }

    /// <summary>Counts a connection, unless there are too many.</summary>
    internal bool TryEnter(Caller caller)
    {
        lock (_gate)
        {
            var mine = _open.GetValueOrDefault(caller);
            if (mine >= MostOf(caller) || (!caller.IsOwner && _others >= MostOfOthers(options)))
            {
                return false;
            }

            _open[caller] = mine + 1;
            _others += caller.IsOwner ? 0 : 1;
            return true;
        }
    }

    internal void Leave(Caller caller)
    {
        lock (_gate)
        {
            if (--_open[caller] == 0)
            {
                _open.Remove(caller);
            }

            _others -= caller.IsOwner ? 0 : 1;
        }
    }

    private static int MostOf(GatewayOptions options, bool isLocal) => (options.MaxConnectionsPerAddress * (isLocal ? 4 : 1)) + Pages;

    /// <summary>A proxy brings the connections of everybody behind it, so it has half of all.</summary>
    private int MostOf(Caller caller) => options.BehindProxy && (caller.IsLocal || options.Proxies.Contains(caller.Address))
        ? Math.Max(MostOf(options, isLocal: true), MostOfOthers(options) / 2)
        : MostOf(options, caller.IsLocal);

    [LoggerMessage(EventId = 2030, Level = LogLevel.Warning,
        Message = "Closed a TCP connection from {Remote}: too many are open from there")]
    private static partial void LogTooMany(ILogger log, IPAddress? remote);
}

/// <summary>Goes with a TCP connection: the user of this computer who is at the other end.</summary>
/// <param name="Id">Null: not on this computer, or not found.</param>
internal sealed record LocalUser(uint? Id);
