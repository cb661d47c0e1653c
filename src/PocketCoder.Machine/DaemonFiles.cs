using PocketCoder.Agents.Acp;
using PocketCoder.Broker.Models;
using PocketCoder.Broker.Secrets;
using PocketCoder.Channels;
using PocketCoder.Machine.Status;
using PocketCoder.Sandboxes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Entries;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Linking;
using PocketCoder.Machine.Notifications;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Providers;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Starting;

namespace PocketCoder.Machine;

/// <summary>What the daemon is made from that lies on the disk, opened or read: making its parts from this touches no disk.</summary>
internal sealed record DaemonFiles(ChannelIdentity Identity, LedgerStore Ledger, SecretStore Secrets)
{
    public required MachineLabel Label { get; init; }

    public required LinkSetting Link { get; init; }

    public required ReceiverSettings Receivers { get; init; }

    public required EntrySettings Entries { get; init; }

    public required PriceTable Prices { get; init; }

    public required ProviderSettings Providers { get; init; }

    /// <summary>What files of the home set, as this start found them.</summary>
    public required IReadOnlyList<FileSetting> Settings { get; init; }

    /// <summary>The daemon's own folders, by their real paths.</summary>
    public required IReadOnlyList<string> Closed { get; init; }

    /// <summary>The ids of the agents that the owner configured.</summary>
    public required IReadOnlyList<string> OwnAgents { get; init; }

    public required IReadOnlyList<ISandboxBackend> Sandboxes { get; init; }

    /// <remarks>Throws what <see cref="Daemon.StartAsync(DaemonOptions, CancellationToken)"/> throws.</remarks>
    /// <param name="stack">Takes over what must be closed.</param>
    public static async Task<DaemonFiles> OpenAsync(
        DaemonOptions options, DaemonSeams seams, DisposalStack stack, CancellationToken cancellationToken)
    {
        var home = options.Home;
        home.Prepare();
        if (options.Demo)
        {
            // Before the database: a home that has one and no such folder holds real data, and a start that is killed in between must not
            // make it look so.
            home.PrepareDemo();
        }

        var identity = stack.Own(ChannelIdentity.LoadOrCreate(home.MachineKey));
        options.Reports("opening the database");
        var ledger = stack.Own(await LedgerStore.OpenAsync(LedgerOf(home, identity, seams), options.TimeProvider, cancellationToken));
        options.Reports("putting its parts together");
        IReadOnlyList<string> closed = [.. home.Own.Select(ProjectFolder.RealPath)];
        var secrets = stack.Own(SecretStore.Open(home.Secrets, home.SecretKey, options.TimeProvider));
        var (label, receivers) = (MachineLabel.Load(home), ReceiverSettings.Load(home));
        var (entries, providers) = (EntrySettings.Load(home), ProviderSettings.Load(home));
        return new DaemonFiles(identity, ledger, secrets)
        {
            Label = label,
            Link = LinkSetting.Load(home, options.TimeProvider),
            Receivers = receivers,
            Entries = entries,
            Settings =
            [
                HomeSettings.Agents(home), label.AsFound(), HomeSettings.Prices(home), HomeSettings.PushServices(home), receivers.AsFound(),
                SecretService.AsFound(secrets), entries.AsFound(), providers.AsFound(),
            ],
            Prices = ModelService.ReadPrices(home),
            Providers = providers,
            Closed = closed,
            OwnAgents = [.. AcpConfiguration.Read(home.Root, []).Agents.Select(a => a.Id)],
            Sandboxes = Backends.Of(home.Sandboxes, closed),
        };
    }

    private static LedgerOptions LedgerOf(Home home, ChannelIdentity identity, DaemonSeams seams) => new(home.Database, identity.Id)
    {
        MigrationSets = DaemonTables.All,
        Signer = MachineSigner.Of(identity),
        HeadPath = home.LedgerHead,
        MaxBytes = seams.MaxLedgerBytes,
    };
}
