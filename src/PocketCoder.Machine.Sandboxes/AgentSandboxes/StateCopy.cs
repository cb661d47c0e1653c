using PocketCoder.Platform;
using PocketCoder.Processes;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// Copies the folder of an agent that does not run, for a session that goes on from its conversation. The folder was the agent's: no link
/// is followed, and only directories and regular files are taken. Bounded.
/// </summary>
internal static class StateCopy
{
    private const long MaxBytes = 2L << 30;
    private const int MaxFiles = 50_000;
    private const int MaxDepth = 32;
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <param name="to">Replaced when it is there.</param>
    /// <exception cref="IOException">It can't be copied, or is too much.</exception>
    /// <exception cref="UnauthorizedAccessException">It can't be copied.</exception>
    public static void Copy(string from, string to)
    {
        if (new DirectoryInfo(from) is not { Exists: true, LinkTarget: null } source || OperatingSystem.IsWindows())
        {
            return; // it never ran in a sandbox
        }

        if (Directory.Exists(to))
        {
            Directory.Delete(to, recursive: true); // what a crash left of an earlier attempt
        }

        var (bytes, files) = (0L, 0);
        CopyFolder(source, to, 0);

        void CopyFolder(DirectoryInfo folder, string target, int depth)
        {
            Directory.CreateDirectory(target, Private);
            foreach (var entry in folder.EnumerateFileSystemInfos())
            {
                var path = Path.Combine(target, entry.Name);
                if (entry.LinkTarget is not null)
                {
                    continue;
                }

                if (++files > MaxFiles || depth > MaxDepth)
                {
                    throw new IOException("The agent's own folder is too large to be copied.");
                }

                if (entry is DirectoryInfo inner)
                {
                    CopyFolder(inner, path, depth + 1);
                }
                else if (FileKind.IsRegular(entry.FullName) && (bytes += ((FileInfo)entry).Length) <= MaxBytes)
                {
                    using var reading = new FileStream(entry.FullName, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                    using var writing = new FileStream(path,
                        new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = PrivateFile.Mode });
                    reading.CopyTo(writing);
                }
                else if (bytes > MaxBytes)
                {
                    throw new IOException("The agent's own folder is too large to be copied.");
                }
            }
        }
    }
}
