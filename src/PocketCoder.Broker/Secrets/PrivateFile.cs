namespace PocketCoder.Broker.Secrets;

/// <summary>Files of mode 0600 that are there as a whole or not at all.</summary>
internal static class PrivateFile
{
    /// <summary>Writes a new file; false when there is one.</summary>
    public static bool TryCreate(string path, ReadOnlySpan<byte> bytes) => Write(path, bytes, overwrite: false);

    public static void Replace(string path, ReadOnlySpan<byte> bytes) => Write(path, bytes, overwrite: true);

    public static void Move(string from, string to)
    {
        try
        {
            File.Move(from, to, overwrite: true);
            FolderSync.Flush(Path.GetDirectoryName(Path.GetFullPath(to))!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SecretException(SecretError.Unavailable, $"'{to}' cannot be written", e);
        }
    }

    /// <summary>Removes what a write that was cut off left beside <paramref name="path"/>. Only for who is alone with the file.</summary>
    public static void RemoveLeftovers(string path)
    {
        try
        {
            foreach (var left in Directory.EnumerateFiles(Path.GetDirectoryName(Path.GetFullPath(path))!, $".{Path.GetFileName(path)}.*.tmp"))
            {
                File.Delete(left);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SecretException(SecretError.Unavailable, $"what is left beside '{path}' cannot be removed", e);
        }
    }

    private static bool Write(string path, ReadOnlySpan<byte> bytes, bool overwrite)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.CreateVersion7():N}.tmp");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            using (var file = new FileStream(temporary, options))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite);
            FolderSync.Flush(folder);
            return true;
        }
        catch (IOException) when (!overwrite && File.Exists(path))
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SecretException(SecretError.Unavailable, $"'{path}' cannot be written", e);
        }
        finally
        {
            File.Delete(temporary); // when the move took it away, there is nothing to delete
        }
    }
}
