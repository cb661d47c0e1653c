using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Processes;
using static PocketCoder.Platform.Calls.ProcessCalls;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// Gives a project of root to a session's user without touching a file: an id-mapped mount (mount_setattr(2), Linux 5.12), in which what
/// root owns on disk belongs to that user, and what that user makes belongs to root on disk. Set-user-id and devices mean nothing on it,
/// and the system call filter lets no such file be made. Needs root.
/// </summary>
internal sealed class WorkspaceMount
{
    private const int CurrentDirectory = -100, EmptyPath = 0x1000, CloneTree = 1, CloseOnExec = 0x80000, MoveFromEmptyPath = 4, Detach =
        2, NoFollow = 8;
    private const int OpenTreeCall = 428, MoveMountCall = 429, MountSetAttributesCall = 442; // the same numbers on x86-64 and arm64
    private const ulong NoSetUserId = 0x2, NoDevices = 0x4, MapIds = 0x100000, Private = 1 << 18;

    private WorkspaceMount()
    {
    }

    /// <exception cref="SandboxException">The kernel or the file system can't.</exception>
    public static WorkspaceMount Create(string workspace, string target, uint user, SandboxOptions options)
    {
        try
        {
            using var map = UserMap(user, options);
            Mount(workspace, target, map);
            return new WorkspaceMount();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ProcessStartException)
        {
            throw new SandboxException(
                SandboxError.WorkspaceRefused,
                $"{workspace} belongs to root, commands never run as root, and it could not be mounted for another user ({e.Message}). Give the project to an ordinary user (chown -R), or run PocketCoder as one.",
                e);
        }
    }

    public static bool IsMounted(string target)
        => File.ReadLines("/proc/self/mountinfo").Any(l => l.Split(' ') is { Length: > 4 } fields && fields[4] == target);

    /// <returns>Whether nothing is mounted there any more.</returns>
    public static bool Remove(string target)
    {
        while (IsMounted(target))
        {
            if (Unmount(target, Detach | NoFollow) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private static unsafe void Mount(string workspace, string target, SafeFileHandle map)
    {
        fixed (byte* source = Bytes(workspace), destination = Bytes(target), empty = Bytes(""))
        {
            var tree = SystemCall(OpenTreeCall, CurrentDirectory, (nint)source, CloneTree | CloseOnExec, 0, 0);
            if (tree < 0)
            {
                throw Failed("open_tree");
            }

            using var handle = new SafeFileHandle(tree, ownsHandle: true);
            var attributes = stackalloc ulong[4] { NoSetUserId | NoDevices | MapIds, 0, Private, (ulong)map.DangerousGetHandle() };
            if (SystemCall(MountSetAttributesCall, tree, (nint)empty, EmptyPath, (nint)attributes, 4 * sizeof(ulong)) != 0)
            {
                throw Failed("mount_setattr");
            }

            if (SystemCall(MoveMountCall, tree, (nint)empty, CurrentDirectory, (nint)destination, MoveFromEmptyPath) != 0)
            {
                throw Failed("move_mount");
            }
        }
    }

    /// <summary>
    /// A user namespace that maps root to this user. The kernel makes one only with a process in it, which may go as soon as it is open.
    /// </summary>
    private static SafeFileHandle UserMap(uint user, SandboxOptions options)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = options.SearchPath };
        var process = OwnedProcess.Start(
            new ProcessStart { Program = "unshare", Arguments = ["--user", "/bin/cat"], WorkingDirectory = "/", Environment = environment },
            options.Time);
        try
        {
            // cat answers once it runs, and it runs in the new namespace.
            process.StandardInput.Write("\n"u8);
            process.StandardInput.Flush();
            if (process.StandardOutput.ReadByte() < 0)
            {
                throw new IOException("no user namespace could be made");
            }

            var folder = $"/proc/{process.Identity.Pid}";
            var line = string.Create(CultureInfo.InvariantCulture, $"0 {user} 1\n");
            File.WriteAllText(Path.Combine(folder, "uid_map"), line);
            File.WriteAllText(Path.Combine(folder, "gid_map"), line);
            return File.OpenHandle(Path.Combine(folder, "ns", "user"));
        }
        finally
        {
            process.StandardInput.Close(); // cat ends with its input
            process.Release();
        }
    }

    private static IOException Failed(string what) => new($"{what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    private static byte[] Bytes(string path) => [.. System.Text.Encoding.UTF8.GetBytes(path), 0];
}
