using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Git.Clones;

/// <summary>
/// The messages about clones. Where agents work, and what the machine fetches with its owner's keys, needs <c>manage</c>.
/// </summary>
public static class CloneRoutes
{
    /// <param name="reopen">Sessions of a folder that was a project before can be read again.</param>
    public static MessageTable MapClones(this MessageTable table, ProjectClones clones, Func<Task> reopen) => table
        .Map(
            DeviceVerbs.ProjectClone, Scope.Manage,
            (caller, request, ct) => clones.BeginAsync(caller.Device, request, reopen, ct), concurrent: true)
        .Map(
            DeviceVerbs.ProjectCloneGet, Scope.Manage, (_, request, ct) => clones.GetAsync(request, ct))
        .Map(
            DeviceVerbs.ProjectCloneCancel, Scope.Manage, (_, request, ct) => clones.CancelAsync(request, ct),
            concurrent: true);
}
