using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Searching;
using PocketCoder.Workspace.Transfers;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// What can be done with one project's files. Every path is somebody else's word and goes through <see cref="ProjectRoot"/>. Changes are made one at a time; reading goes beside them.
/// Throws <see cref="WorkspaceException"/> with the code for the wire. Thread-safe.
/// </summary>
public sealed class ProjectFiles : IDisposable
{
    private readonly WorkspaceOptions _options;
    private readonly SemaphoreSlim _changing = new(1, 1); // guards the project against two changes of ours at once
    private readonly StateFolder _state;
    private readonly Trash _trash;
    private readonly Uploads _uploads;
    private int _recovered;

    public ProjectFiles(WorkspaceOptions options)
    {
        _options = options;
        _state = new StateFolder(options.State);
        _trash = new Trash(_state, options.Time);
        _uploads = new Uploads(_state, options.Time);
    }

    /// <summary>Whether what a path names, or leads to, looks like a secret.</summary>
    public bool IsSecret(string path)
    {
        var parsed = ProjectPath.Parse(path);
        using var root = Open();
        return IsSecret(root, parsed);
    }

    /// <summary>
    /// What stands at a path now, and where that really is, as one text: the same again only while nothing about it is different. Of a regular file of at most 10 MiB its content, of anything else what the
    /// kernel tells of it.
    /// </summary>
    public string Pin(string path)
    {
        var parsed = ProjectPath.Parse(path);
        using var root = Open();
        return FilePin.Of(root, parsed);
    }

    /// <summary>How much a write would write, and its SHA-256.</summary>
    /// <exception cref="WorkspaceException">INVALID_REQUEST, FILE_TOO_LARGE</exception>
    public static (long Bytes, string Sha256) Measure(FsWriteRequest request)
    {
        var content = FileWriting.Decode(request);
        return (content.Length, Convert.ToHexStringLower(SHA256.HashData(content)));
    }

    public async Task<FsListResponse> ListAsync(FsListRequest request, CancellationToken cancellationToken)
    {
        FsListResponse list;
        using (var root = Open())
        {
            list = FolderListing.List(root, request, IsSecretAt);
        }

        if (_options.GitStatus is not { } marks || await marks(list.Path, cancellationToken) is not { Count: > 0 } status)
        {
            return list;
        }

        return list with { Children = [.. list.Children.Select(c => status.TryGetValue(c.Name, out var mark) ? c with { GitStatus = mark } : c)] };
    }

    public FsStatResponse Stat(FsStatRequest request)
    {
        using var root = Open();
        return FileReading.Stat(root, request, IsSecretAt);
    }

    public FsReadResponse Read(FsReadRequest request)
    {
        using var root = Open();
        return FileReading.Read(root, request);
    }

    public Task<FsWriteResponse> WriteAsync(FsWriteRequest request, Recorder record) => ChangeAsync(root => FileWriting.WriteAsync(root, _state, request, record));

    public Task<FsMkdirResponse> MakeDirectoryAsync(FsMkdirRequest request, Recorder record) => ChangeAsync(root => Arranging.MakeDirectoryAsync(root, request, record));

    public Task<FsMoveResponse> MoveAsync(FsMoveRequest request, Recorder record) => ChangeAsync(root => Arranging.MoveAsync(root, request, record));

    /// <param name="by">Name of the device.</param>
    public Task<FsDeleteResponse> DeleteAsync(FsDeleteRequest request, string by, Recorder record) => ChangeAsync(root => _trash.DeleteAsync(root, request, by, record));

    public FsTrashListResponse ListTrash(FsTrashListRequest request) => _trash.List(request);

    public Task<FsRestoreResponse> RestoreAsync(FsRestoreRequest request, Recorder record) => ChangeAsync(root => _trash.RestoreAsync(root, request, record));

    /// <summary>Where a restored thing would be.</summary>
    public string PathOfRestored(FsRestoreRequest request) => request.To ?? _trash.Find(request.TrashId).Path;

    public async Task<FsSearchResponse> SearchAsync(FsSearchRequest request, CancellationToken cancellationToken)
    {
        using var root = Open();
        return await new FileSearch(root, _options, IsSecretAt).RunAsync(request, cancellationToken);
    }

    public Task<FsUploadBeginResponse> BeginUploadAsync(FsUploadBeginRequest request) => _uploads.BeginAsync(request);

    public Task<FsUploadChunkResponse> UploadAsync(FsUploadChunkRequest request) => _uploads.ChunkAsync(request);

    public async Task<FsUploadEndResponse> EndUploadAsync(FsUploadEndRequest request, Recorder record)
    {
        await _uploads.CheckWholeAsync(request.UploadId);
        return await ChangeAsync(root => _uploads.EndAsync(root, request.UploadId, record));
    }

    /// <summary>What an upload was announced as.</summary>
    public FsUploadBeginRequest Upload(Guid upload) => _uploads.Find(upload);

    public Task<FsUploadDiscardResponse> DiscardUploadAsync(FsUploadDiscardRequest request) => _uploads.DiscardAsync(request.UploadId);

    public FsDownloadBeginResponse BeginDownload(FsDownloadBeginRequest request)
    {
        using var root = Open();
        return Downloads.Begin(root, request);
    }

    public FsDownloadChunkResponse Download(FsDownloadChunkRequest request)
    {
        using var root = Open();
        return Downloads.Chunk(root, request);
    }

    public async Task<FsDownloadEndResponse> EndDownloadAsync(FsDownloadEndRequest request, CancellationToken cancellationToken)
    {
        using var root = Open();
        return await Downloads.EndAsync(root, request, cancellationToken);
    }

    public void Dispose()
    {
        _uploads.Dispose();
        _changing.Dispose();
    }

    internal ProjectRoot Open() => ProjectRoot.Open(_options.Path, _options.Closed, _options.WalkOnly);

    /// <summary>Puts right what a killed daemon left. Only before the first change of a life; nothing else writes then.</summary>
    private void Recover(ProjectRoot root)
    {
        if (Interlocked.Exchange(ref _recovered, 1) == 0)
        {
            _trash.Recover(root);
            _state.ClearNotes(root);
            _uploads.Sweep();
        }
    }

    private async Task<T> ChangeAsync<T>(Func<ProjectRoot, Task<T>> change)
    {
        await _changing.WaitAsync();
        try
        {
            using var root = Open();
            Recover(root);
            return await change(root);
        }
        finally
        {
            _changing.Release();
        }
    }

    private bool IsSecretAt(ProjectPath path) => _options.IsSecret(System.IO.Path.Combine(_options.Path, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(path.Raw))));

    /// <summary>By its own name and, through links, by that of what it leads to.</summary>
    private bool IsSecret(ProjectRoot root, ProjectPath path)
    {
        if (IsSecretAt(path))
        {
            return true;
        }

        using var node = root.TryFind(path, follow: true, out _);
        if (node is null)
        {
            // Nothing there yet: its folder may be one of secrets by another name.
            using var parent = path.IsRoot ? null : root.TryFind(path.Parent, follow: true, out _);
            return parent is not null && IsSecretAt(root.RealPath(parent.Handle) / path.Name);
        }

        return IsSecretAt(root.RealPath(node.Handle));
    }
}
