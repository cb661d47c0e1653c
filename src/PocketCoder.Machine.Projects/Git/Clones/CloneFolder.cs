using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.Paths;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Machine.Git.Clones;

/// <summary>
/// The hidden folder that is cloned into, beside the place that it gets when it is whole. It and its parent are held open; what has taken
/// its name meanwhile is never touched. Linux only.
/// </summary>
internal sealed class CloneFolder : IDisposable
{
    private const uint Mode = 0x1ED; // 0755, less the umask
    private const int Tries = 5;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly FolderBrowser.OpenFolder _parent;
    private readonly CloneRecord _clone;

    private CloneFolder(FolderBrowser.OpenFolder parent, SafeFileHandle handle, string identity, CloneRecord clone)
        => (_parent, Opened, Identity, _clone) =
            (parent, new FolderBrowser.OpenFolder(handle, default, isRoot: false), identity, clone);

    public FolderBrowser.OpenFolder Opened { get; }

    public string Identity { get; }

    /// <param name="parent">Held open as long as this is.</param>
    /// <exception cref="RequestFailure">PERMISSION_DENIED, STORAGE_FULL</exception>
    public static CloneFolder Make(FolderBrowser.OpenFolder parent, CloneRecord clone)
    {
        var raw = FolderBrowser.Raw(clone.Staging);
        if (!Libc.MakeDirectory(parent.Handle, raw, Mode)
            || Libc.Open(parent.Handle, raw, Libc.PathOnly | Libc.DirectoryOnly) is not { } made)
        {
            throw Failed(clone.Path);
        }

        return new CloneFolder(parent, made, ProjectSetup.Identity(made), clone);
    }

    /// <summary>Gives it its name, where nothing has that.</summary>
    /// <exception cref="RequestFailure">FILE_EXISTS; CONFLICT: it is not there any more; as for <see cref="Make"/></exception>
    public void Place()
    {
        var (staging, raw) = (FolderBrowser.Raw(_clone.Staging), FolderBrowser.Raw(_clone.Name));
        if (!Is(_parent.Handle, staging, Identity))
        {
            throw new RequestFailure(ErrorCode.Conflict, $"{_clone.StagingPath} was replaced meanwhile. Clone again.");
        }

        if (!Libc.RenameNew(_parent.Handle, staging, _parent.Handle, raw))
        {
            throw Libc.LastError == Errno.Exists ? ProjectSetup.Exists(_clone.Path) : Failed(_clone.Path);
        }
    }

    public void Dispose() => Opened.Dispose();

    /// <summary>Whether what has the project's name is what was cloned.</summary>
    public static bool IsPlaced(CloneRecord clone)
    {
        using var parent = Libc.Open(clone.Parent, Libc.PathOnly | Libc.DirectoryOnly);
        return parent is not null && clone.Folder is { Length: > 0 } folder && Is(parent, FolderBrowser.Raw(clone.Name), folder);
    }

    /// <summary>Takes away what was made, wherever it stands, and nothing else.</summary>
    /// <exception cref="IOException">Some of it is still there.</exception>
    public static async Task RemoveAsync(CloneRecord clone, TimeProvider time)
    {
        if (!IsThere(clone))
        {
            return;
        }

        for (var again = 1; ; again++)
        {
            try
            {
                await Sandboxes.Execution.Trees.RemoveAsync(clone.StagingPath, time);
                return;
            }
            catch (IOException) when (again < Tries)
            {
                await Task.Delay(s_pause, time); // a git that a killed daemon left may still write there
            }
        }
    }

    /// <summary>Whether its hidden folder is there with something in it; puts it there first if it had its name already.</summary>
    private static bool IsThere(CloneRecord clone)
    {
        using var parent = Libc.Open(clone.Parent, Libc.PathOnly | Libc.DirectoryOnly);
        if (parent is null)
        {
            return false;
        }

        var (staging, raw) = (FolderBrowser.Raw(clone.Staging), FolderBrowser.Raw(clone.Name));
        if (clone.Folder is not { Length: > 0 } folder)
        {
            Unix.RemoveEmptyDirectory(parent, staging); // cut off before that was known: nothing is in it
            return false;
        }

        return Is(parent, staging, folder)
            || (clone.State == CloneRows.Placing && Is(parent, raw, folder) && Libc.RenameNew(parent, raw, parent, staging)
                && Is(parent, staging, folder));
    }

    private static bool Is(SafeFileHandle parent, string raw, string identity)
    {
        using var found = Libc.Open(parent, raw, Libc.PathOnly | Libc.DirectoryOnly);
        return found is not null && identity.Length > 0 && ProjectSetup.Identity(found) == identity;
    }

    private static RequestFailure Failed(string path)
    {
        var error = Libc.LastError;
        return new RequestFailure(
            error is Errno.NoSpace or Errno.Quota or Errno.ReadOnly ? ErrorCode.StorageFull : ErrorCode.PermissionDenied,
            $"{path} could not be made: {System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)}.");
    }
}
