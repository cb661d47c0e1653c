using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git;

/// <summary>Writes down what a device changes in a repository, before it is done: what can't be recorded does not happen.</summary>
internal sealed class GitNotes(Store store)
{
    private const int ShownPaths = 20;

    /// <param name="action">The message's type.</param>
    /// <param name="target">A name, a ref, an id.</param>
    public Task BeforeAsync(DeviceCaller caller, GitRepository repo, string action, string? target = null,
        IReadOnlyList<string>? paths = null, string? head = null) => store.WriteAsync(change => change.Ledger(
        new LedgerEntry(LedgerKind.GitChanged)
        {
            DeviceId = caller.Device.DeviceId,
            Actor = caller.Device.Name,
            Sandbox = SandboxName.Of(repo.Sandbox),
            Data = new GitData(repo.Project.ProjectId, action, target, paths?.Take(ShownPaths).ToList(), paths?.Count, head).ToJson(),
        }));

    /// <summary>Raises an alarm.</summary>
    public Task AlarmAsync(DeviceCaller caller, string what) => store.WriteAsync(change => change.Ledger(
        new LedgerEntry(LedgerKind.AlarmRaised)
        { DeviceId = caller.Device.DeviceId, Actor = caller.Device.Name, Data = new AlarmData(what).ToJson() }));

    /// <summary>Tells everyone who looks that the repository may be different now.</summary>
    public void Changed(GitRepository repo) => store.Announce(new GitChanged(repo.Project.ProjectId));
}
