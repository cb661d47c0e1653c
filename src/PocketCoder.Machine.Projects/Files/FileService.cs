using System.Collections.Concurrent;
using PocketCoder.Ledger;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Risks.Paths;
using PocketCoder.Workspace;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Machine.Files;

/// <summary>
/// What devices do with projects' files: each change has its row in the ledger before it takes effect, and what looks like a secret is read
/// and changed only after a decision. Thread-safe.
/// </summary>
public sealed class FileService(Home home, ProjectStore projects, Store store, PersonApprovals asks, TimeProvider time)
{
    private readonly ConcurrentDictionary<Guid, ProjectFiles> _files = new();
    private readonly SecretReads _secrets = new(asks);
    private readonly Lazy<string?> _ripgrep = new(static () => Executables.Find("rg", "/usr/local/bin:/usr/bin:/bin"));

    /// <summary>How git sees what is in a folder, when somebody can tell.</summary>
    public Func<Guid, string, CancellationToken, ValueTask<IReadOnlyDictionary<string, string>>>? GitStatus { get; init; }

    /// <summary>One project, as its files are seen.</summary>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND</exception>
    public async Task<WorkspaceOptions> OptionsAsync(Guid projectId, CancellationToken cancellationToken)
    {
        var project = await projects.GetAsync(projectId, cancellationToken);
        return new WorkspaceOptions(project.Path, Path.Combine(home.Files, projectId.ToString("N")))
        {
            Closed = [home.Root, home.Sandboxes, home.AgentFiles, home.Attached],
            IsSecret = SecretReads.IsSecret,
            IsProtected = ProtectedPaths.Covers,
            GitStatus = GitStatus is { } marks ? (folder, stop) => marks(projectId, folder, stop) : null,
            Time = time,
            Ripgrep = _ripgrep.Value,
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

        return _files.GetOrAdd(projectId, new ProjectFiles(await OptionsAsync(projectId, cancellationToken)));
    }

    /// <summary>
    /// Reads something; what looks like a secret only with a decision that allowed it, for the very file and content that was asked about.
    /// </summary>
    /// <param name="read">Reads what is held, and nothing by the path.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, APPROVAL_REQUIRED and what <see cref="PersonApprovals.RequireAllowedAsync"/>
    /// says</exception>
    public async Task<T> ReadAsync<T>(
        DeviceCaller caller, Guid projectId, string path, Guid? approvalId, Func<ProjectFiles, PinnedFile, Task<T>> read,
        CancellationToken cancellationToken, bool follow = true)
    {
        var files = await OfAsync(projectId, cancellationToken);
        using var hold = files.Hold(path, follow);
        if (hold.IsSecret)
        {
            await _secrets.RequireAsync(caller, projectId, ProjectPath.Parse(path).Wire, hold.Seal(), approvalId);
        }

        return await read(files, hold);
    }

    /// <summary>
    /// Changes something. When a secret or protected configuration is among what it touches, the machine does it once it is allowed, and
    /// the device is told so by an error.
    /// </summary>
    /// <param name="change">What is wanted.</param>
    /// <param name="work">Does it.</param>
    /// <exception cref="RequestFailure">PROJECT_NOT_FOUND, APPROVAL_REQUIRED</exception>
    /// <exception cref="WorkspaceException">PERMISSION_DENIED: git's own, which nobody is asked about.</exception>
    internal async Task<T> ChangeAsync<T>(DeviceCaller caller, Guid projectId, WantedChange change,
        Func<ProjectFiles, Recorder, Task<T>> work, CancellationToken cancellationToken)
    {
        var files = await OfAsync(projectId, cancellationToken);
        var touched = change.Paths.Select(files.Touches).ToList();
        touched[0] = touched[0] with { Protected = touched[0].Protected ?? change.Holds };
        if (!touched.Exists(t => t.Secret || t.Protected is not null))
        {
            return await RecordedAsync(caller.Device, projectId, record => work(files, what =>
            {
                RequireHarmless(what);
                return record(what);
            }));
        }

        var device = caller.Device;
        var about = Subject(files, change, touched);
        IReadOnlyList<string> stood = [.. change.Paths.Select(files.Pin)];
        throw await asks.RequiredAsync(new ProjectAsk(
            projectId,
            device,
            ApprovalKind.File,
            about,
            ApprovalDigest.OfProject(projectId, $"file_{about.Operation}",
                [about.Path, about.To, about.Sha256, .. change.Exactly, .. stood.Select(asks.Sealed)]),
            async _ =>
            {
                try
                {
                    await RecordedAsync(device, projectId, record => work(files, record));
                    return ProjectOutcome.Done;
                }
                catch (WorkspaceException e)
                {
                    return ProjectOutcome.Failed(e.Message);
                }
            },
            Drift: _ => Task.FromResult(Drift(files, change.Paths, stood))));
    }

    /// <summary>
    /// Refuses the upload of protected configuration before its first piece: it would be decided on unseen. What is written by one message
    /// is shown with its diff.
    /// </summary>
    /// <exception cref="WorkspaceException">PERMISSION_DENIED</exception>
    public async Task RequireUploadableAsync(Guid projectId, string path, CancellationToken cancellationToken)
    {
        var files = await OfAsync(projectId, cancellationToken);
        if (files.Touches(path).Protected is { } name)
        {
            throw new WorkspaceException(ErrorCode.PermissionDenied,
                $"{name} is configuration that other programs obey, so it can't be uploaded. Edit it in the editor instead, so that the change can be reviewed and approved.");
        }
    }

    private static FileSubject Subject(ProjectFiles files, WantedChange change, IReadOnlyList<TouchedPath> touched)
    {
        var secret = touched.Any(t => t.Secret);
        var obeyed = touched.Select(t => t.Protected).FirstOrDefault(p => p is not null);
        var path = ProjectPath.Parse(change.Paths[0]).Wire;
        var why = (secret, obeyed) switch
        {
            (true, null) => SecretReads.Why,
            (true, _) => $"{SecretReads.Why} {ProtectedChange.Why}",
            _ => obeyed == path || change.Paths.Count > 1 && obeyed == change.Paths[1] ? ProtectedChange.Why
                : $"{obeyed}: {ProtectedChange.Why}",
        };
        var content = change.Content?.Invoke();
        var diff = secret || content?.Text is not { } text ? null : ProtectedChange.Diff(path, files.TextOf(change.Paths[0]), text);
        return new FileSubject(
            change.Operation, path, why, change.Paths.Count > 1 ? ProjectPath.Parse(change.Paths[1]).Wire : null, content?.Bytes,
            content?.Sha256, diff is null ? null : [diff]);
    }

    private static string? Drift(ProjectFiles files, IReadOnlyList<string> paths, IReadOnlyList<string> stood)
    {
        try
        {
            return paths.Select(files.Pin).SequenceEqual(stood, StringComparer.Ordinal) ? null : "The file has changed since the request.";
        }
        catch (WorkspaceException e)
        {
            return e.Message;
        }
    }

    /// <summary>A link that was put there since the look leads elsewhere: then it is not done unasked.</summary>
    private static void RequireHarmless(FileChange what)
    {
        foreach (var path in (string?[])[what.Path, what.To])
        {
            if (path is not null && (ProtectedPaths.Covers(path) || SecretReads.IsSecret(path)))
            {
                throw new WorkspaceException(ErrorCode.Conflict, $"{path} is where this leads now. Try again.");
            }
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

    private Task RecordAsync(Device device, Guid projectId, FileChange what, string? failed)
        => store.WriteAsync(change => change.Ledger(new LedgerEntry(LedgerKind.FileChanged)
        {
            DeviceId = device.DeviceId,
            Actor = device.Name,
            Digest = what.Sha256 ?? ApprovalDigest.Digest(ApprovalDigest.OfProject(projectId, $"file_{what.Action}", what.Path, what.To)),
            Data = new FileChangedData(projectId, what.Action, what.Path, what.To, what.Bytes, failed).ToJson(),
        }));
}

/// <summary>A change of files that a device wants.</summary>
/// <param name="Paths">What it touches: the path, and of a move where to. What stands there now is bound by a decision: when that is
/// another thing by the time it is allowed, nothing is done.</param>
/// <param name="Exactly">All else that it depends on.</param>
/// <param name="Content">What it writes; the text when it is at hand.</param>
internal sealed record WantedChange(FileOperation Operation, IReadOnlyList<string> Paths, IReadOnlyList<string?> Exactly,
    Func<(long Bytes, string Sha256, string? Text)>? Content = null)
{
    /// <summary>Protected configuration within what is brought from elsewhere; null: none.</summary>
    public string? Holds { get; init; }
}
