using Microsoft.Extensions.Logging;
using PocketCoder.Ledger;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Logging;
using PocketCoder.Machine.People;
using PocketCoder.Machine.Providers;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Status;

/// <summary>Tells every device the machine's description again whenever a part says that it may be another one. Thread-safe.</summary>
internal sealed class MachineChanges
{
    private readonly MachineReport _report;
    private readonly Store _store;

    public MachineChanges(
        MachineReport report, Store store, LedgerStore ledger, SecretService secrets, ProviderService providers, FileStreams files,
        TwoPersonRule twoPeople, ILogger log)
    {
        (_report, _store) = (report, store);

        // The first two are raised by the writer, which must not wait.
        ledger.TrustChanged += () => Task.Run(Tell).Observed(log, "telling devices whether the ledger is trusted");
        store.Health.Changed += () => Task.Run(Tell).Observed(log, "announcing the machine");
        secrets.Changed += Tell;
        providers.Changed += Tell;
        files.WarningsChanged += Tell;
        twoPeople.Changed += Tell;
    }

    public void Tell() => _store.Announce(new MachineChanged(_report.Info()));
}
