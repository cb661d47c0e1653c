using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Settings;

/// <summary>
/// The ledger row of a setting that changed: <c>configuration_changed</c> with the old and the new value, and who changed it.
/// </summary>
public static class SettingChange
{
    /// <param name="device">Null: the owner at the machine.</param>
    public static void Record(Change change, SettingData data, Device? device)
        => change.Ledger(new LedgerEntry(LedgerKind.ConfigurationChanged)
        {
            DeviceId = device?.DeviceId,
            Actor = device?.Name ?? ApprovalService.CommandLine,
            Data = data.ToJson(),
        });
}
