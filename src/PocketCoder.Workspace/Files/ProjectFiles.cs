using System.Security.Cryptography;
using System.Text;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Searching;
using PocketCoder.Workspace.Transfers;

namespace PocketCoder.Workspace.Files;

/// <summary>
/// What can be done with one project's files. Every path is somebody else's word and goes through <see cref="ProjectRoot"/>. Changes are
/// made one at a time; reading goes beside them. Throws <see cref="WorkspaceException"/> with the code for the wire. Thread-safe.
/// </summary>
public sealed class ProjectFiles
{
    private readonly WorkspaceOptions _options;
    private readonly AsyncSemaphore _changing = new(); // guards the project against two changes of ours at once
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

    /// <summary>Holds a file that is to be read.</summary>
    /// <exception cref="WorkspaceException">As <see cref="PinnedFile.Open"/>.</exception>
    public PinnedFile Hold(string path, bool follow = true) => PinnedFile.Open(_options, path, follow);

    /// <summary>What a change of that path would touch: by its name, by where it really is and, of a folder, by what is in it.</summary>
    /// <exception cref="WorkspaceException">PERMISSION_DENIED: it is git's own, which is never changed through here.</exception>
    public TouchedPath Touches(string path)
    {
        var parsed = ProjectPath.Parse(path);
        using var root = Open();
        return ChangeInspector.At(root, _options, parsed);
    }

    /// <summary>
    /// What stands at a path now, and where that really is, as one text: the same again only while nothing about it is different. Of a
    /// regular file of at most 10 MiB its content, of anything else what the kernel tells of it.
    /// </summary>
    public string Pin(string path)
    {
        var parsed = ProjectPath.Parse(path);
        using var root = Open();
        return FilePin.Of(root, parsed);
    }

    /// <summary>The same for a file beneath any folder.</summary>
    /// <exception cref="WorkspaceException">The folder is gone.</exception>
    public static string Pin(string folder, string path)
    {
        var parsed = ProjectPath.Parse(path);
        using var root = ProjectRoot.Open(folder);
        return FilePin.Of(root, parsed);
    }

    /// <summary>How much a write would write, its SHA-256, and the text when it is one.</summary>
    /// <exception cref="WorkspaceException">INVALID_REQUEST, FILE_TOO_LARGE</exception>
    public static (long Bytes, string Sha256, string? Text) Measure(FsWriteRequest request)
    {
        var content = FileWriting.Decode(request);
        return (content.Length, Convert.ToHexStringLower(SHA256.HashData(content)),
            FileReading.IsText(content) ? Encoding.UTF8.GetString(content) : null);
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

        return list with
        { Children = [.. list.Children.Select(c => status.TryGetValue(c.Name, out var mark) ? c with { GitStatus = mark } : c)] };
    }

    /// <param name="held">The file, when its content is to be digested; null: it is not.</param>
    public FsStatResponse Stat(FsStatRequest request, PinnedFile? held = null)
    {
        if (request.Etag && held is null)
        {
            using var own = Hold(request.Path, follow: false);
            return FileReading.Stat(own.Root, request, IsSecretAt, own);
        }

        using var root = held is null ? Open() : null;
        return FileReading.Stat(root ?? held!.Root, request, IsSecretAt, held);
    }

    /// <param name="held">The file at the request's path, when somebody holds it already.</param>
    public FsReadResponse Read(FsReadRequest request, PinnedFile? held = null)
    {
        using var own = held is null ? Hold(request.Path) : null;
        return FileReading.Read(held ?? own!, request);
    }

    public Task<FsWriteResponse> WriteAsync(FsWriteRequest request, Recorder record)
        => ChangeAsync(root => FileWriting.WriteAsync(root, _state, request, IsSecretAt, record));

    public Task<FsMkdirResponse> MakeDirectoryAsync(FsMkdirRequest request, Recorder record)
        => ChangeAsync(root => Arranging.MakeDirectoryAsync(root, request, record));

    public Task<FsMoveResponse> MoveAsync(FsMoveRequest request, Recorder record)
        => ChangeAsync(root => Arranging.MoveAsync(root, request, record));

    /// <param name="by">Name of the device.</param>
    public Task<FsDeleteResponse> DeleteAsync(FsDeleteRequest request, string by, Recorder record)
        => ChangeAsync(root => _trash.DeleteAsync(root, request, by, record));

    public FsTrashListResponse ListTrash(FsTrashListRequest request) => _trash.List(request);

    public Task<FsRestoreResponse> RestoreAsync(FsRestoreRequest request, Recorder record)
        => ChangeAsync(root => _trash.RestoreAsync(root, request, record));

    /// <summary>Where a restored thing would be, and the first protected configuration within it; null: none.</summary>
    /// <exception cref="WorkspaceException">FILE_NOT_FOUND</exception>
    public (string Path, string? Protected) Restored(FsRestoreRequest request)
    {
        var path = request.To ?? _trash.Find(request.TrashId).Path;
        return (path, _trash.Protected(request.TrashId, _options, ProjectPath.Parse(path)));
    }

    /// <summary>
    /// A file's text, to show what a change of it would change; null: nothing is there, or nothing that is text of at most 1 MiB.
    /// </summary>
    public string? TextOf(string path) => TextOf(_options, path);

    /// <inheritdoc cref="TextOf(string)"/>
    public static string? TextOf(WorkspaceOptions options, string path)
    {
        try
        {
            using var hold = PinnedFile.Open(options, path);
            using var file = hold.Stat is { IsRegular: true, Size: <= FileLimits.WriteBytes } ? hold.OpenFile() : null;
            var content = new byte[file is null ? 0 : FileLimits.WriteBytes + 1];
            var read = file is null ? 0 : RandomAccess.Read(file, content, 0);
            return file is not null && read <= FileLimits.WriteBytes
                && FileReading.IsText(content.AsSpan(0, read)) ? Encoding.UTF8.GetString(content.AsSpan(0, read)) : null;
        }
        catch (Exception e) when (e is WorkspaceException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

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
        return await ChangeAsync(root => _uploads.EndAsync(root, request.UploadId, IsSecretAt, record));
    }

    /// <summary>What an upload was announced as.</summary>
    public FsUploadBeginRequest Upload(Guid upload) => _uploads.Find(upload);

    public Task<FsUploadDiscardResponse> DiscardUploadAsync(FsUploadDiscardRequest request) => _uploads.DiscardAsync(request.UploadId);

    /// <inheritdoc cref="Read"/>
    public FsDownloadBeginResponse BeginDownload(FsDownloadBeginRequest request, PinnedFile? held = null)
    {
        using var own = held is null ? Hold(request.Path) : null;
        return Downloads.Begin(held ?? own!);
    }

    /// <inheritdoc cref="Read"/>
    public FsDownloadChunkResponse Download(FsDownloadChunkRequest request, PinnedFile? held = null)
    {
        using var own = held is null ? Hold(request.Path) : null;
        return Downloads.Chunk(held ?? own!, request);
    }

    /// <inheritdoc cref="Read"/>
    public async Task<FsDownloadEndResponse> EndDownloadAsync(
        FsDownloadEndRequest request, CancellationToken cancellationToken, PinnedFile? held = null)
    {
        using var own = held is null ? Hold(request.Path) : null;
        return await Downloads.EndAsync(held ?? own!, request, cancellationToken);
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

    private bool IsSecretAt(ProjectPath path) => _options.IsSecretAt(path);
}
