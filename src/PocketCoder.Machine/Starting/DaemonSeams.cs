using PocketCoder.Broker.Egress;
using PocketCoder.Machine.Git.Clones;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Push;

namespace PocketCoder.Machine.Starting;

/// <summary>
/// Where tests look into a daemon or bend it. The defaults are the product's behaviour, and nothing that a person can configure reaches
/// this record.
/// </summary>
internal sealed record DaemonSeams
{
    /// <summary>The product's behaviour.</summary>
    public static DaemonSeams None { get; } = new();

    /// <summary>Changes the options of every sandbox's egress proxy. Null: they stay as they are.</summary>
    public Func<EgressOptions, EgressOptions>? Egress { get; init; }

    /// <summary>The database's upper bound in bytes, at which its disk counts as full. Null: none.</summary>
    public long? MaxLedgerBytes { get; init; }

    /// <summary>The home folder of the daemon's user; empty: there is none.</summary>
    public string UserHome { get; init; } = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    /// <summary>More options of the owner's ssh, when git uses it.</summary>
    public IReadOnlyList<string> SshOptions { get; init; } = [];

    /// <summary>The clock by which unused sandboxes of git end: the real one, since it waits for real processes.</summary>
    public TimeProvider GitTime { get; init; } = TimeProvider.System;

    /// <summary>What a clone may take.</summary>
    public CloneLimits Clones { get; init; } = CloneLimits.Default;

    /// <summary>How git's HTTPS goes out.</summary>
    public HttpsSettings GitHttps { get; init; } = new();

    /// <summary>How push services are reached; the owner's own are added.</summary>
    public PushWays Push { get; init; } = new();

    /// <summary>Called by name at each step from an agent's request to its answer; an exception is thrown there.</summary>
    public Action<string> Seam { get; init; } = static _ => { };
}
