using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Files;

/// <summary>The messages about a project's files (seed 003 §Filesystem, and what was missing there). What a human changes is like what is typed in a terminal: it needs <see cref="Scope.Decide"/>.</summary>
internal static class FsRoutes
{
    public static MessageTable MapFileDesk(this MessageTable table, FileDesk desk) => table.MapLooking(desk).MapChanging(desk).MapTransfers(desk);

    private static MessageTable MapLooking(this MessageTable table, FileDesk desk) => table
        .Map(
            MessageTypes.FsList,
            Scope.View,
            ProtocolJson.Default.FsListRequest,
            ProtocolJson.Default.FsListResponse,
            async (_, request, stop) => await (await desk.OfAsync(request.ProjectId, stop)).ListAsync(request, stop))
        .Map(
            MessageTypes.FsStat,
            Scope.View,
            ProtocolJson.Default.FsStatRequest,
            ProtocolJson.Default.FsStatResponse,
            async (caller, request, stop) => request.Etag
                ? await desk.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId, files => Task.FromResult(files.Stat(request)), stop)
                : (await desk.OfAsync(request.ProjectId, stop)).Stat(request))
        .Map(
            MessageTypes.FsRead,
            Scope.View,
            ProtocolJson.Default.FsReadRequest,
            ProtocolJson.Default.FsReadResponse,
            (caller, request, stop) => desk.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId, files => Task.FromResult(files.Read(request)), stop))
        .Map(
            MessageTypes.FsTrashList,
            Scope.View,
            ProtocolJson.Default.FsTrashListRequest,
            ProtocolJson.Default.FsTrashListResponse,
            async (_, request, stop) => (await desk.OfAsync(request.ProjectId, stop)).ListTrash(request))
        .Map(
            MessageTypes.FsSearch,
            Scope.View,
            ProtocolJson.Default.FsSearchRequest,
            ProtocolJson.Default.FsSearchResponse,
            async (_, request, stop) => await (await desk.OfAsync(request.ProjectId, stop)).SearchAsync(request, stop),
            concurrent: true);

    private static MessageTable MapChanging(this MessageTable table, FileDesk desk) => table
        .Map(
            MessageTypes.FsWrite,
            Scope.Decide,
            ProtocolJson.Default.FsWriteRequest,
            ProtocolJson.Default.FsWriteResponse,
            (caller, request, stop) => desk.ChangeAsync(
                caller,
                request.ProjectId,
                () => FileDesk.Subject(FileOperation.Write, request.Path, content: ProjectFiles.Measure(request)),
                [request.Path],
                [request.ExpectedEtag, request.IfNoneMatch ? "new" : null, request.Mkdirs ? "mkdirs" : null],
                (files, record) => files.WriteAsync(request, record),
                stop))
        .Map(
            MessageTypes.FsMkdir,
            Scope.Decide,
            ProtocolJson.Default.FsMkdirRequest,
            ProtocolJson.Default.FsMkdirResponse,
            (caller, request, stop) => desk.ChangeAsync(
                caller, request.ProjectId, () => FileDesk.Subject(FileOperation.Write, request.Path), [request.Path], ["mkdir"], (files, record) => files.MakeDirectoryAsync(request, record), stop))
        .Map(
            MessageTypes.FsMove,
            Scope.Decide,
            ProtocolJson.Default.FsMoveRequest,
            ProtocolJson.Default.FsMoveResponse,
            (caller, request, stop) => desk.ChangeAsync(
                caller, request.ProjectId, () => FileDesk.Subject(FileOperation.Move, request.From, request.To), [request.From, request.To], [], (files, record) => files.MoveAsync(request, record), stop))
        .Map(
            MessageTypes.FsDelete,
            Scope.Decide,
            ProtocolJson.Default.FsDeleteRequest,
            ProtocolJson.Default.FsDeleteResponse,
            (caller, request, stop) => desk.ChangeAsync(
                caller, request.ProjectId, () => FileDesk.Subject(FileOperation.Delete, request.Path), [request.Path], [request.ExpectedEtag], (files, record) => files.DeleteAsync(request, caller.Device.Name, record), stop),
            concurrent: true)
        .Map(
            MessageTypes.FsRestore,
            Scope.Decide,
            ProtocolJson.Default.FsRestoreRequest,
            ProtocolJson.Default.FsRestoreResponse,
            async (caller, request, stop) =>
            {
                var path = (await desk.OfAsync(request.ProjectId, stop)).PathOfRestored(request);
                return await desk.ChangeAsync(
                    caller, request.ProjectId, () => FileDesk.Subject(FileOperation.Write, path), [path], ["restore", request.TrashId.ToString()], (files, record) => files.RestoreAsync(request, record), stop);
            },
            concurrent: true);

    private static MessageTable MapTransfers(this MessageTable table, FileDesk desk) => table
        .Map(
            MessageTypes.FsUploadBegin,
            Scope.Decide,
            ProtocolJson.Default.FsUploadBeginRequest,
            ProtocolJson.Default.FsUploadBeginResponse,
            async (_, request, stop) => await (await desk.OfAsync(request.ProjectId, stop)).BeginUploadAsync(request))
        .Map(
            MessageTypes.FsUploadChunk,
            Scope.Decide,
            ProtocolJson.Default.FsUploadChunkRequest,
            ProtocolJson.Default.FsUploadChunkResponse,
            async (_, request, stop) => await (await desk.OfAsync(request.ProjectId, stop)).UploadAsync(request))
        .Map(
            MessageTypes.FsUploadEnd,
            Scope.Decide,
            ProtocolJson.Default.FsUploadEndRequest,
            ProtocolJson.Default.FsUploadEndResponse,
            async (caller, request, stop) =>
            {
                var upload = (await desk.OfAsync(request.ProjectId, stop)).Upload(request.UploadId);
                return await desk.ChangeAsync(
                    caller,
                    request.ProjectId,
                    () => FileDesk.Subject(FileOperation.Write, upload.Path, content: (upload.Bytes, upload.Sha256)),
                    [upload.Path],
                    [upload.ExpectedEtag, upload.IfNoneMatch ? "new" : null, request.UploadId.ToString()],
                    (files, record) => files.EndUploadAsync(request, record),
                    stop);
            },
            concurrent: true)
        .Map(
            MessageTypes.FsUploadDiscard,
            Scope.Decide,
            ProtocolJson.Default.FsUploadDiscardRequest,
            ProtocolJson.Default.FsUploadDiscardResponse,
            async (_, request, stop) => await (await desk.OfAsync(request.ProjectId, stop)).DiscardUploadAsync(request))
        .Map(
            MessageTypes.FsDownloadBegin,
            Scope.View,
            ProtocolJson.Default.FsDownloadBeginRequest,
            ProtocolJson.Default.FsDownloadBeginResponse,
            (caller, request, stop) => desk.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId, files => Task.FromResult(files.BeginDownload(request)), stop))
        .Map(
            MessageTypes.FsDownloadChunk,
            Scope.View,
            ProtocolJson.Default.FsDownloadChunkRequest,
            ProtocolJson.Default.FsDownloadChunkResponse,
            (caller, request, stop) => desk.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId, files => Task.FromResult(files.Download(request)), stop))
        .Map(
            MessageTypes.FsDownloadEnd,
            Scope.View,
            ProtocolJson.Default.FsDownloadEndRequest,
            ProtocolJson.Default.FsDownloadEndResponse,
            (caller, request, stop) => desk.ReadAsync(caller, request.ProjectId, request.Path, request.ApprovalId, files => files.EndDownloadAsync(request, stop), stop),
            concurrent: true);
}
