using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// Opens files that an agent names. Links are followed as long as they stay inside the project; after that every folder on the way is opened without following
/// any, so that nothing that is swapped meanwhile leads elsewhere. Regular files only: no pipe or device holds us up. Linux only.
/// </summary>
internal static partial class ConfinedFile
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int NonBlocking = 0x800, CloseOnExec = 0x80000, PathOnly = 0x200000;

    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    private static readonly int NoFollow = Arm ? 0x8000 : 0x20000;
    private static readonly int DirectoryOnly = Arm ? 0x4000 : 0x10000;

    /// <summary>The file for reading, or null with a reason that tells nothing of what lies outside.</summary>
    /// <param name="path">Relative to the project, or absolute. Untrusted.</param>
    public static FileStream? Open(string project, string path, out string refusal)
    {
        refusal = "There is no such file inside the project.";
        string root, real;
        try
        {
            root = ProjectFolder.RealPath(project);
            real = ProjectFolder.RealPath(Path.Combine(project, path));
        }
        catch (Exception e) when (e is ControlException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }

        return real.StartsWith(root + "/", StringComparison.Ordinal) && OperatingSystem.IsLinux() ? Walk(root, real[(root.Length + 1)..].Split('/')) : null;
    }

    private static FileStream? Walk(string root, string[] parts)
    {
        var folder = OpenAt(CurrentDirectory, root, PathOnly | DirectoryOnly | CloseOnExec);
        for (var i = 0; folder >= 0 && i < parts.Length - 1; i++)
        {
            using var parent = new SafeFileHandle(folder, ownsHandle: true);
            folder = OpenAt(folder, parts[i], PathOnly | DirectoryOnly | NoFollow | CloseOnExec);
        }

        if (folder < 0)
        {
            return null;
        }

        using var last = new SafeFileHandle(folder, ownsHandle: true);
        var file = OpenAt(folder, parts[^1], NonBlocking | NoFollow | CloseOnExec);
        if (file < 0)
        {
            return null;
        }

        var handle = new SafeFileHandle(file, ownsHandle: true);
        if (!FileKind.IsRegular($"/proc/self/fd/{file}"))
        {
            handle.Dispose();
            return null;
        }

        return new FileStream(handle, FileAccess.Read, bufferSize: 0);
    }

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(int directory, string path, int flags);
}
