using System.Net;
using PocketCoder.Acme;
using PocketCoder.Gateway.Hosting;

namespace PocketCoder.Gateway;

/// <summary>
/// How the gateway listens and whom it lets in. Checked when the gateway starts; what cannot be safe is refused
/// (<see cref="GatewayRefusal"/>).
/// </summary>
public sealed record GatewayOptions
{
    /// <summary>The port when none is given.</summary>
    public const int DefaultPort = 8090;

    public static GatewayOptions Default { get; } = new();

    /// <summary>Whether the text can stand in <see cref="Names"/>.</summary>
    public static bool IsName(string text) => Authority.TryParse(text, out _);

    /// <summary>
    /// Where to listen. Empty: 127.0.0.1 and, where the system has it, [::1], on <see cref="DefaultPort"/>. Port 0 takes a free one.
    /// </summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [];

    /// <summary>
    /// Names besides the loopback ones under which clients may ask for this gateway: <c>host</c> (on the bound port or the scheme's
    /// default port) or <c>host:port</c> (exactly that). Needs <see cref="Tls"/> or <see cref="BehindProxy"/>: browsers give no
    /// cryptography to plain-HTTP pages elsewhere than on loopback.
    /// </summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>
    /// Further exact origins (<c>https://app.example</c>) whose pages may connect. For development and for apps served elsewhere.
    /// </summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>
    /// A reverse proxy in front of this gateway speaks TLS with the clients. Only then is <c>X-Forwarded-For</c> read, and only from
    /// loopback and <see cref="Proxies"/>.
    /// </summary>
    public bool BehindProxy { get; init; }

    /// <summary>Addresses of trusted proxies besides loopback.</summary>
    public IReadOnlyList<IPAddress> Proxies { get; init; } = [];

    /// <summary>The certificate to serve with; null serves plain HTTP.</summary>
    public GatewayTls? Tls { get; init; }

    /// <summary>Where the certificate comes from, in the place of <see cref="Tls"/>; null: from nowhere.</summary>
    public GatewayAcme? Acme { get; init; }

    /// <summary>Whether this gateway speaks TLS itself.</summary>
    internal bool HasTls => Tls is not null || Acme is not null;

    /// <summary>
    /// Serve the app from this folder (a build's <c>dist</c>, read once at start) instead of the one built into the program.
    /// </summary>
    public string? AppDirectory { get; init; }

    /// <summary>
    /// Which remote machines may connect is in this file (<see cref="Relay.Machines.Enrolments"/>); null: none, as in a daemon's own
    /// gateway. Needs <see cref="Relay.Machines.LinkedMachines"/> for a fabric.
    /// </summary>
    public string? EnrolmentFile { get; init; }

    /// <summary>
    /// The people who may sign in are in this file (<see cref="PocketCoder.Accounts.AccountStore"/>), and only they meet machines; null:
    /// there are no accounts, as in a daemon's own gateway. Needs <see cref="EnrolmentFile"/>. The services by which they may sign in are
    /// beside it (<see cref="PocketCoder.Accounts.SignInServiceFile"/>).
    /// </summary>
    public string? AccountsFile { get; init; }

    /// <summary>Open device connections in all. The user who runs the gateway gets in from loopback beyond that.</summary>
    public int MaxConnections { get; init; } = 1000;

    /// <summary>Open device connections from one address (loopback: four times as many of each local user).</summary>
    public int MaxConnectionsPerAddress { get; init; } = 64;

    /// <summary>
    /// How many connects an address may make at once before it must wait for one per second (loopback: ten times as many, ten per second,
    /// for each local user).
    /// </summary>
    public int ConnectBurst { get; init; } = 20;

    /// <summary>How long a connection may stay without a sealed frame before it is closed.</summary>
    public TimeSpan HandshakeLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a frame may take from its first byte to its last before the connection is closed.</summary>
    public TimeSpan FrameLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a frame may wait for a device that does not read before the connection is closed.</summary>
    public TimeSpan SendLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a connection is pinged, and how long the answer may take.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);
}

/// <summary>A certificate that the gateway orders and renews by itself (RFC 8555).</summary>
/// <param name="Order">The authority and the names.</param>
/// <param name="OverTls">Whether names are proved on the gateway's own port (TLS-ALPN-01), which must be reached as port 443.</param>
/// <param name="Plain">
/// Where else to listen for plain HTTP (HTTP-01), reached as port 80; it stays and leads browsers to https. Not used with
/// <paramref name="OverTls"/>.
/// </param>
public sealed record GatewayAcme(AcmeOptions Order, bool OverTls, IReadOnlyList<IPEndPoint> Plain);

/// <summary>A certificate made by <c>pocketcoder tls init</c>, or the user's own.</summary>
/// <param name="CertificateFile">PEM: leaf first, then intermediates.</param>
/// <param name="KeyFile">PEM, unencrypted, readable by the owner only.</param>
/// <param name="AuthorityFile">PEM of the local CA, offered at <c>/ca.crt</c>; null offers none.</param>
public sealed record GatewayTls(string CertificateFile, string KeyFile, string? AuthorityFile = null);
