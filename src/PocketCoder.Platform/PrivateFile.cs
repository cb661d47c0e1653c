using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Platform;

/// <summary>
/// Files that only this user may read: mode 0600 from the first byte. What is written whole is there whole or not at all, also after a
/// power cut: a new file beside it (never through a link), flushed, renamed over the name (a link there is replaced, not followed), the
/// folder flushed. Failures are <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> and leave what was there.
/// Thread-safe.
/// </summary>
public static class PrivateFile
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite
            | UnixFileMode.OtherExecute;

    /// <summary>Read and write for this user, nothing for anybody else.</summary>
    public static UnixFileMode Mode => UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Opens a file, or makes it with mode 0600. One that is there keeps its mode. Links are followed unless <paramref name="mode"/> is
    /// <see cref="FileMode.CreateNew"/>.
    /// </summary>
    public static FileStream Open(string path, FileMode mode, FileAccess access, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = access, Share = share };
        if (!OperatingSystem.IsWindows() && mode is not FileMode.Open and not FileMode.Truncate)
        {
            options.UnixCreateMode = Mode;
        }

        return new FileStream(path, options);
    }

    /// <summary>Makes an empty file of mode 0600 when there is none, and gives one that is there this mode; its content stays.</summary>
    public static void Ensure(string path)
    {
        using var file = Open(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file.SafeFileHandle, Mode); // of the file that was opened: the path may name another by now
        }
    }

    /// <summary>Makes an empty file of mode 0600 in the place of whatever was left there; a link is removed, not followed.</summary>
    public static void CreateEmpty(string path)
    {
        File.Delete(path);
        Open(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite).Dispose();
    }

    /// <summary>Writes a new file. False when something is there already, which stays as it was.</summary>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content) => Write(path, content, overwrite: false);

    /// <summary>Puts a file in the place of the one before: readers see the old content or the new.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> content) => Write(path, content, overwrite: true);

    /// <summary>Renames over whatever is there, durably.</summary>
    public static void Move(string from, string to)
    {
        File.Move(from, to, overwrite: true);
        FolderSync.Flush(FolderOf(to));
    }

    /// <summary>Removes what a write that was cut off left beside a file. Only for who is alone with the file.</summary>
    public static void RemoveLeftovers(string path)
    {
        foreach (var left in Directory.EnumerateFiles(FolderOf(path), $".{Path.GetFileName(path)}.*.tmp"))
        {
            File.Delete(left);
        }
    }

    /// <summary>
    /// Whether the mode of an open file lets others do anything with it. By its handle: the path may name another file by now. Never on
    /// Windows.
    /// </summary>
    public static bool IsExposed(SafeFileHandle file) => !OperatingSystem.IsWindows()
        && (File.GetUnixFileMode(file) & Others) != UnixFileMode.None;

    /// <summary>
    /// Renames where nothing is, within one file system. False when something is there, a link included: both names stay. Of several
    /// at once one succeeds; <see cref="File.Move(string, string)"/> looks and then renames, so there two may.
    /// </summary>
    public static bool TryMoveNew(string from, string to)
    {
        if (!OperatingSystem.IsWindows() && TryLink(from, to) is { } linked)
        {
            if (linked)
            {
                File.Delete(from);
            }

            return linked;
        }

        // Windows looks and renames in one step. Elsewhere: a file system without hard links, or a failure that the move says better.
        try
        {
            File.Move(from, to, overwrite: false);
            return true;
        }
        catch (IOException) when (Path.Exists(to))
        {
            return false;
        }
    }

    /// <summary>False when something is there; null when it can't be had this way.</summary>
    private static bool? TryLink(string from, string to)
    {
        const int exists = 17; // EEXIST, on Linux and macOS
        try
        {
            return FileCalls.Link(from, to) == 0 ? true : Marshal.GetLastPInvokeError() == exists ? false : null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return null; // a C library under another name
        }
    }

    private static bool Write(string path, ReadOnlySpan<byte> content, bool overwrite)
    {
        var folder = FolderOf(path);
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.CreateVersion7():N}.tmp");
        try
        {
            using (var file = Open(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }

            if (overwrite)
            {
                File.Move(temporary, path, overwrite: true);
            }
            else if (!TryMoveNew(temporary, path))
            {
                return false;
            }

            FolderSync.Flush(folder);
            return true;
        }
        finally
        {
            DeleteQuietly(temporary);
        }
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(Path.GetFullPath(path))!;

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Usually the move took it away already. If not, a file of mode 0600 stays behind, and the error that led here is the one to
            // report.
        }
    }
}
