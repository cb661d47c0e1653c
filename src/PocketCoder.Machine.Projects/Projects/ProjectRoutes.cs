using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Projects;

/// <summary>The messages about which folders are projects, and what a project's sessions begin with.</summary>
public static class ProjectRoutes
{
    /// <param name="close">Ends everything that runs in a project, and lets go of its sessions.</param>
    /// <param name="reopen">Sessions that were let go of can be read again.</param>
    /// <remarks>Setting defaults needs what beginning a session needs; a weaker sandbox needs <see cref="Scope.Manage"/>: one-shot commands
    /// of other devices run in it. Where agents work needs <see cref="Scope.Manage"/>.</remarks>
    public static MessageTable MapProjects(
        this MessageTable table, ProjectDefaultsStore defaults, ProjectStore projects, ProjectSetup setup, Func<Guid, Task> close,
        Func<Task> reopen) => table
        .MapShared(
            Verbs.ProjectDefaultsGet, Scope.View,
            async (_, request, cancellationToken) => new ProjectDefaultsGetResponse(
                await defaults.GetAsync(request.ProjectId, cancellationToken)))
        .MapShared(
            Verbs.ProjectDefaultsSet, Scope.Prompt,
            async (caller, request, cancellationToken) => new ProjectDefaultsSetResponse(
                await defaults.SetAsync(request.ProjectId, request.Defaults, caller.Device, cancellationToken)))
        .Map(
            DeviceVerbs.FoldersList, Scope.Manage,
            (_, request, cancellationToken) => setup.ListAsync(request, cancellationToken), concurrent: true)
        .MapShared(
            Verbs.ProjectAdd, Scope.Manage,
            async (caller, request, cancellationToken) =>
            {
                var added = await setup.AddAsync(caller.Device, request, cancellationToken);
                await reopen();
                return added;
            })
        .Map(
            DeviceVerbs.ProjectCreate, Scope.Manage,
            (caller, request, cancellationToken) => setup.CreateAsync(caller.Device, request, cancellationToken))
        .MapShared(Verbs.ProjectRename, Scope.Manage, (caller, request, _) => setup.RenameAsync(caller.Device, request))
        .MapShared(
            Verbs.ProjectRemove, Scope.Manage,
            async (caller, request, _) =>
            {
                var project = await projects.RemoveAsync(request.ProjectId, caller.Device);
                await close(request.ProjectId);
                return new ProjectRemoveResponse(project);
            });
}
