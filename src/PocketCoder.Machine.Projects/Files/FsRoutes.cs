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
            MessageTypes.FsList,
            Scope.View,
            static () => ProtocolJson.Default.FsListRequest,
            static () => ProtocolJson.Default.FsListResponse,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).ListAsync(request, stop))
        .Map(
            MessageTypes.FsStat,
            Scope.View,
            static () => ProtocolJson.Default.FsStatRequest,
            static () => ProtocolJson.Default.FsStatResponse,
            async (caller, request, stop) => request.Etag
                ? await service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                    (files, hold) => Task.FromResult(files.Stat(request, hold)), stop, follow: false)
                : (await service.OfAsync(request.ProjectId, stop)).Stat(request))
        .Map(
            MessageTypes.FsRead,
            Scope.View,
            static () => ProtocolJson.Default.FsReadRequest,
            static () => ProtocolJson.Default.FsReadResponse,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => Task.FromResult(files.Read(request, hold)), stop))
        .Map(
            MessageTypes.FsTrashList,
            Scope.View,
            static () => ProtocolJson.Default.FsTrashListRequest,
            static () => ProtocolJson.Default.FsTrashListResponse,
            async (_, request, stop) => (await service.OfAsync(request.ProjectId, stop)).ListTrash(request))
        .Map(
            MessageTypes.FsSearch,
            Scope.View,
            static () => ProtocolJson.Default.FsSearchRequest,
            static () => ProtocolJson.Default.FsSearchResponse,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).SearchAsync(request, stop),
            concurrent: true);

    private static MessageTable MapChanging(this MessageTable table, FileService service) => table
        .Map(
            MessageTypes.FsWrite,
            Scope.Decide,
            static () => ProtocolJson.Default.FsWriteRequest,
            static () => ProtocolJson.Default.FsWriteResponse,
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
            MessageTypes.FsMkdir,
            Scope.Decide,
            static () => ProtocolJson.Default.FsMkdirRequest,
            static () => ProtocolJson.Default.FsMkdirResponse,
            (caller, request, stop) => service.ChangeAsync(
                caller, request.ProjectId, new WantedChange(FileOperation.Write, [request.Path], ["mkdir"]),
                (files, record) => files.MakeDirectoryAsync(request, record), stop))
        .Map(
            MessageTypes.FsMove,
            Scope.Decide,
            static () => ProtocolJson.Default.FsMoveRequest,
            static () => ProtocolJson.Default.FsMoveResponse,
            (caller, request, stop) => service.ChangeAsync(
                caller, request.ProjectId, new WantedChange(FileOperation.Move, [request.From, request.To], []),
                (files, record) => files.MoveAsync(request, record), stop))
        .Map(
            MessageTypes.FsDelete,
            Scope.Decide,
            static () => ProtocolJson.Default.FsDeleteRequest,
            static () => ProtocolJson.Default.FsDeleteResponse,
            (caller, request, stop) => service.ChangeAsync(
                caller, request.ProjectId, new WantedChange(FileOperation.Delete, [request.Path], [request.ExpectedEtag]),
                (files, record) => files.DeleteAsync(request, caller.Device.Name, record), stop),
            concurrent: true)
        .Map(
            MessageTypes.FsRestore,
            Scope.Decide,
            static () => ProtocolJson.Default.FsRestoreRequest,
            static () => ProtocolJson.Default.FsRestoreResponse,
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
            MessageTypes.FsUploadBegin,
            Scope.Decide,
            static () => ProtocolJson.Default.FsUploadBeginRequest,
            static () => ProtocolJson.Default.FsUploadBeginResponse,
            async (_, request, stop) =>
            {
                await service.RequireUploadableAsync(request.ProjectId, request.Path, stop);
                return await (await service.OfAsync(request.ProjectId, stop)).BeginUploadAsync(request);
            })
        .Map(
            MessageTypes.FsUploadChunk,
            Scope.Decide,
            static () => ProtocolJson.Default.FsUploadChunkRequest,
            static () => ProtocolJson.Default.FsUploadChunkResponse,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).UploadAsync(request))
        .Map(
            MessageTypes.FsUploadEnd,
            Scope.Decide,
            static () => ProtocolJson.Default.FsUploadEndRequest,
            static () => ProtocolJson.Default.FsUploadEndResponse,
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
            MessageTypes.FsUploadDiscard,
            Scope.Decide,
            static () => ProtocolJson.Default.FsUploadDiscardRequest,
            static () => ProtocolJson.Default.FsUploadDiscardResponse,
            async (_, request, stop) => await (await service.OfAsync(request.ProjectId, stop)).DiscardUploadAsync(request))
        .Map(
            MessageTypes.FsDownloadBegin,
            Scope.View,
            static () => ProtocolJson.Default.FsDownloadBeginRequest,
            static () => ProtocolJson.Default.FsDownloadBeginResponse,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => Task.FromResult(files.BeginDownload(request, hold)), stop))
        .Map(
            MessageTypes.FsDownloadChunk,
            Scope.View,
            static () => ProtocolJson.Default.FsDownloadChunkRequest,
            static () => ProtocolJson.Default.FsDownloadChunkResponse,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => Task.FromResult(files.Download(request, hold)), stop))
        .Map(
            MessageTypes.FsDownloadEnd,
            Scope.View,
            static () => ProtocolJson.Default.FsDownloadEndRequest,
            static () => ProtocolJson.Default.FsDownloadEndResponse,
            (caller, request, stop) => service.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId,
                (files, hold) => files.EndDownloadAsync(request, stop, hold), stop),
            concurrent: true);
}
