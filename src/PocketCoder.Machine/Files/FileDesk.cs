using System.Collections.Concurrent;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Chain;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Files;

/// <summary>
/// What devices do with projects' files: each change has its row in the ledger before it takes effect, and what looks like a secret is read and changed only after a decision. Thread-safe.
/// </summary>
internal sealed class FileDesk(Home home, ProjectStore projects, Store store, ProjectDesk asks, TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<Guid, ProjectFiles> _files = new();
    private readonly SecretReads _secrets = new(asks);
    private readonly string? _ripgrep = Executables.Find("rg", "/usr/local/bin:/usr/bin:/bin");

    /// <summary>How git sees what is in a folder, when somebody can tell.</summary>
    public Func<Guid, string, CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? GitStatus { get; init; }

    /// <summary>One project, as its files are seen.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<WorkspaceOptions> OptionsAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var project = await projects.GetAsync(projectId, cancellationToken);
        return new WorkspaceOptions(project.Path, Path.Combine(home.Files, projectId.ToString("N")))
        {
            Closed = [home.Root, home.Hands, home.AgentFiles, home.Attached],
            IsSecret = SecretReads.IsSecret,
            GitStatus = GitStatus is { } marks ? (folder, stop) => marks(projectId, folder, stop) : null,
            Time = time,
            Ripgrep = _ripgrep,
        };
    }

    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<ProjectFiles> OfAsync(Guid projectId, CancellationToken cancellationToken)
    {
        if (_files.TryGetValue(projectId, out var known))
        {
            _ = await projects.GetAsync(projectId, cancellationToken); // it may have been removed
            return known;
        }

        var made = new ProjectFiles(await OptionsAsync(projectId, cancellationToken));
        var kept = _files.GetOrAdd(projectId, made);
        if (kept != made)
        {
            made.Dispose();
        }

        return kept;
    }

    /// <summary>Reads something; what looks like a secret only with a decision that allowed it.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, APPROVAL_REQUIRED and what <see cref="ProjectDesk.RequireAllowedAsync"/> says</exception>
    public async Task<T> ReadAsync<T>(Caller caller, Guid projectId, string path, Guid? approvalId, Func<ProjectFiles, Task<T>> read, CancellationToken cancellationToken)
    {
        var files = await OfAsync(projectId, cancellationToken);
        if (files.IsSecret(path))
        {
            await _secrets.RequireAsync(caller, projectId, ProjectPath.Parse(path).Wire, approvalId);
        }

        return await read(files);
    }

    /// <summary>Changes something. When a secret is among what it touches, the machine does it once it is allowed, and the device is told so by an error.</summary>
    /// <param name="subject">What a person would decide on.</param>
    /// <param name="paths">What it touches.</param>
    /// <param name="exactly">All else that it depends on. What stands at <paramref name="paths"/> now is bound besides: when that is another thing by the time it is allowed, nothing is done.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, APPROVAL_REQUIRED</exception>
    public async Task<T> ChangeAsync<T>(
        Caller caller, Guid projectId, Func<FileSubject> subject, IReadOnlyList<string> paths, IReadOnlyList<string?> exactly, Func<ProjectFiles, Recorder, Task<T>> change, CancellationToken cancellationToken)
    {
        var files = await OfAsync(projectId, cancellationToken);
        if (!paths.Any(files.IsSecret))
        {
            return await RecordedAsync(caller.Device, projectId, record => change(files, record));
        }

        var device = caller.Device;
        var about = subject();
        IReadOnlyList<string> stood = [.. paths.Select(files.Pin)];
        throw await asks.RequiredAsync(new ProjectAsk(
            projectId,
            device,
            ApprovalKind.File,
            about,
            ApprovalDigest.OfProject(projectId, $"file_{about.Operation}", [about.Path, about.To, about.Sha256, .. exactly, .. stood]),
            async _ =>
            {
                try
                {
                    await RecordedAsync(device, projectId, record => change(files, record));
                    return ProjectOutcome.Done;
                }
                catch (WorkspaceException e)
                {
                    return ProjectOutcome.Failed(e.Message);
                }
            },
            Drift: _ => Task.FromResult(Drift(files, paths, stood))));
    }

    /// <summary>The subject of a decision about a path.</summary>
    public static FileSubject Subject(FileOperation operation, string path, string? to = null, (long Bytes, string Sha256)? content = null)
        => new(operation, ProjectPath.Parse(path).Wire, SecretReads.Why, to is null ? null : ProjectPath.Parse(to).Wire, content?.Bytes, content?.Sha256);

    public void Dispose()
    {
        foreach (var files in _files.Values)
        {
            files.Dispose();
        }
    }

    private static string? Drift(ProjectFiles files, IReadOnlyList<string> paths, IReadOnlyList<string> stood)
    {
        try
        {
            return paths.Select(files.Pin).SequenceEqual(stood, StringComparer.Ordinal) ? null : "What stands there is not what it was when this was asked for.";
        }
        catch (WorkspaceException e)
        {
            return e.Message;
        }
    }

    /// <summary>The row first, then the change; when that fails all the same, a row says so.</summary>
    private async Task<T> RecordedAsync<T>(Device device, Guid projectId, Func<Recorder, Task<T>> change)
    {
        FileChange? recorded = null;
        try
        {
            return await change(async what =>
            {
                await RecordAsync(device, projectId, what, null);
                recorded = what;
            });
        }
        catch (WorkspaceException e) when (recorded is not null)
        {
            await RecordAsync(device, projectId, recorded, e.Message);
            throw;
        }
    }

    private Task RecordAsync(Device device, Guid projectId, FileChange what, string? failed) => store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.FileChanged)
    {
        DeviceId = device.DeviceId,
        Actor = device.Name,
        Digest = what.Sha256 ?? ApprovalDigest.OfProject(projectId, $"file_{what.Action}", what.Path, what.To),
        Data = new FileChangedData(projectId, what.Action, what.Path, what.To, what.Bytes, failed).ToJson(),
    }));
}
