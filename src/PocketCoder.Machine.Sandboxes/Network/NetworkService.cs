using PocketCoder.Broker.Egress;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Network;

/// <summary>The ways out of sandboxes: one proxy a sandbox, rules of the project first, then a person. Thread-safe.</summary>
/// <param name="sessions">Asked for a host that no rule covers.</param>
/// <param name="change">For tests: changes the options of every proxy.</param>
public sealed class NetworkService(
    Store store, NetworkRules rules, LiveSessions sessions, TimeProvider time, Func<EgressOptions, EgressOptions>? change = null)
{
    /// <summary>The proxy's file in a sandbox's directory of sockets.</summary>
    public const string Socket = "proxy.sock";

    /// <summary>Where programs inside find it, on their own loopback. 3128 is what proxies are usually found at.</summary>
    public const int Port = 3128;

    /// <summary>What tells programs to use it. Both spellings, since programs differ in which they read.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = Variables();

    /// <summary>Opens the way out of one session's sandbox.</summary>
    /// <exception cref="IOException">The socket can't be made.</exception>
    internal SessionNetwork Open(SandboxOwner of, string directory, bool others)
    {
        var log = new NetworkLog(store, of, time);
        var options = new EgressOptions
        {
            SocketPath = Path.Combine(directory, Socket),

            // Who may pass the folder is what separates sessions; when the sandbox is another user's, the socket itself must let that user
            // in.
            SocketMode = others ? (UnixFileMode)0b110_110_110 : UnixFileMode.UserRead | UnixFileMode.UserWrite,
            Decide = (wanted, cancellationToken) => DecideAsync(of.Session, of.Project, wanted, cancellationToken),
            Audit = log.Add,
        };
        return new SessionNetwork(EgressProxy.Start(change?.Invoke(options) ?? options, time), log);
    }

    private async ValueTask<EgressVerdict> DecideAsync(
        Guid session, Guid project, EgressRequest wanted, CancellationToken cancellationToken)
        => await rules.FindAsync(project, wanted.Host, wanted.Port, cancellationToken) is { } rule
            ? EgressVerdict.Allow($"rule {rule.Pattern}")
            : sessions.Find(session) is { } live
                ? await live.MayReachAsync(wanted, cancellationToken)
                : EgressVerdict.Refuse("no rule of the project allows it, and there is no session to ask in");

    private static Dictionary<string, string> Variables()
    {
        var proxy = $"http://127.0.0.1:{Port}";
        return new(StringComparer.Ordinal)
        {
            ["http_proxy"] = proxy,
            ["https_proxy"] = proxy,
            ["HTTP_PROXY"] = proxy,
            ["HTTPS_PROXY"] = proxy,
            ["no_proxy"] = "localhost,127.0.0.1,::1",
            ["NO_PROXY"] = "localhost,127.0.0.1,::1",
            ["NODE_USE_ENV_PROXY"] = "1",
        };
    }
}

/// <summary>The way out of one sandbox.</summary>
internal sealed class SessionNetwork(EgressProxy proxy, NetworkLog log) : IAsyncDisposable
{
    /// <summary>Cuts every connection; what they carried is in the ledger afterwards.</summary>
    public async ValueTask DisposeAsync()
    {
        await proxy.DisposeAsync();
        await log.DisposeAsync();
    }
}
