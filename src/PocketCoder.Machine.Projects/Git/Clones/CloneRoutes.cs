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
            MessageTypes.ProjectClone, Scope.Manage, static () => ProtocolJson.Default.ProjectCloneRequest,
            static () => ProtocolJson.Default.ProjectCloneResponse,
            (caller, request, ct) => clones.BeginAsync(caller.Device, request, reopen, ct), concurrent: true)
        .Map(
            MessageTypes.ProjectCloneGet, Scope.Manage, static () => ProtocolJson.Default.ProjectCloneGetRequest,
            static () => ProtocolJson.Default.ProjectCloneGetResponse, (_, request, ct) => clones.GetAsync(request, ct))
        .Map(
            MessageTypes.ProjectCloneCancel, Scope.Manage, static () => ProtocolJson.Default.ProjectCloneCancelRequest,
            static () => ProtocolJson.Default.ProjectCloneCancelResponse, (_, request, ct) => clones.CancelAsync(request, ct),
            concurrent: true);
}
