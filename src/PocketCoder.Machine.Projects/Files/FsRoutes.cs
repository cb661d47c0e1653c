using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Files;

/// <summary>
/// The messages about a project's files. What a human changes is like what is typed in a terminal: it needs <see cref="Scope.Decide"/>.
/// </summary>
public static class FsRoutes
{
    public static MessageTable MapFileService(this MessageTable table, FileService service)
        => table.MapLooking(service).MapChanging(service).MapTransfers(service);

    private static MessageTable MapLooking(this MessageTable table, FileService service) => table
        .Map(
            DeviceVerbs.FsList, Scope.View,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).ListAsync(request, stop))
        .Map(
            DeviceVerbs.FsStat, Scope.View,
            async (caller, request, stop) => request.Etag
                ? await service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                    (files, hold) => Task.FromResult(files.Stat(request, hold)), stop, follow: false)
                : (await service.OfAsync(request.ProjectId, stop)).Stat(request))
        .Map(
            DeviceVerbs.FsRead, Scope.View,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => Task.FromResult(files.Read(request, hold)), stop))
        .Map(
            DeviceVerbs.FsTrashList, Scope.View,
            async (_, request, stop) => (await service.OfAsync(request.ProjectId, stop)).ListTrash(request))
        .Map(
            DeviceVerbs.FsSearch, Scope.View,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).SearchAsync(request, stop),
            concurrent: true);

    private static MessageTable MapChanging(this MessageTable table, FileService service) => table
        .Map(
            DeviceVerbs.FsWrite, Scope.Decide,
            (caller, request, stop) => service.ChangeAsync(
                caller,
                request.ProjectId,
                new WantedChange(
                    FileOperation.Write, [request.Path], [request.ExpectedEtag, request.IfNoneMatch ? "new" : null,
                        request.Mkdirs ? "mkdirs" : null], () => ProjectFiles.Measure(request)),
                (files, record) => files.WriteAsync(request, record),
                stop),
            mostBytes: Limits.FileRequestBytes)
        .Map(
            DeviceVerbs.FsMkdir, Scope.Decide,
            (caller, request, stop) => service.ChangeAsync(
                caller, request.ProjectId, new WantedChange(FileOperation.Write, [request.Path], ["mkdir"]),
                (files, record) => files.MakeDirectoryAsync(request, record), stop))
        .Map(
            DeviceVerbs.FsMove, Scope.Decide,
            (caller, request, stop) => service.ChangeAsync(
                caller, request.ProjectId, new WantedChange(FileOperation.Move, [request.From, request.To], []),
                (files, record) => files.MoveAsync(request, record), stop))
        .Map(
            DeviceVerbs.FsDelete, Scope.Decide,
            (caller, request, stop) => service.ChangeAsync(
                caller, request.ProjectId, new WantedChange(FileOperation.Delete, [request.Path], [request.ExpectedEtag]),
                (files, record) => files.DeleteAsync(request, caller.Device.Name, record), stop),
            concurrent: true)
        .Map(
            DeviceVerbs.FsRestore, Scope.Decide,
            async (caller, request, stop) =>
            {
                var (path, holds) = (await service.OfAsync(request.ProjectId, stop)).Restored(request);
                return await service.ChangeAsync(
                    caller, request.ProjectId, new WantedChange(FileOperation.Write, [path], ["restore", request.TrashId.ToString()])
                    { Holds = holds }, (files, record) => files.RestoreAsync(request, record), stop);
            },
            concurrent: true);

    private static MessageTable MapTransfers(this MessageTable table, FileService service) => table
        .Map(
            DeviceVerbs.FsUploadBegin, Scope.Decide,
            async (_, request, stop) =>
            {
                await service.RequireUploadableAsync(request.ProjectId, request.Path, stop);
                return await (await service.OfAsync(request.ProjectId, stop)).BeginUploadAsync(request);
            })
        .Map(
            DeviceVerbs.FsUploadChunk, Scope.Decide,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).UploadAsync(request))
        .Map(
            DeviceVerbs.FsUploadEnd, Scope.Decide,
            async (caller, request, stop) =>
            {
                var upload = (await service.OfAsync(request.ProjectId, stop)).Upload(request.UploadId);
                return await service.ChangeAsync(
                    caller,
                    request.ProjectId,
                    new WantedChange(
                        FileOperation.Write, [upload.Path], [upload.ExpectedEtag, upload.IfNoneMatch ? "new" : null,
                            request.UploadId.ToString()], () => (upload.Bytes, upload.Sha256, null)),
                    (files, record) => files.EndUploadAsync(request, record),
                    stop);
            },
            concurrent: true)
        .Map(
            DeviceVerbs.FsUploadDiscard, Scope.Decide,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).DiscardUploadAsync(request))
        .Map(
            DeviceVerbs.FsDownloadBegin, Scope.View,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => Task.FromResult(files.BeginDownload(request, hold)), stop))
        .Map(
            DeviceVerbs.FsDownloadChunk, Scope.View,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => Task.FromResult(files.Download(request, hold)), stop))
        .Map(
            DeviceVerbs.FsDownloadEnd, Scope.View,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => files.EndDownloadAsync(request, stop, hold), stop),
            concurrent: true);
}
