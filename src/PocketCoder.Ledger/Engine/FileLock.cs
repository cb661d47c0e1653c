namespace PocketCoder.Ledger;

/// <summary>
/// Keeps a second daemon out: an exclusive lock on a file beside the database. The system releases it when the
/// process ends, however it ends, so a crash leaves nothing to clean up.
/// </summary>
internal sealed class FileLock : IDisposable
{
    /// <summary>EROFS, as .NET gives it in an exception of Unix.</summary>
    private const int ReadOnlyFileSystem = 30;

    private readonly FileStream _stream;

    private FileLock(FileStream stream) => _stream = stream;

    public static FileLock Acquire(string databasePath)
    {
        var path = databasePath + ".lock";
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        try
        {
            return new FileLock(new FileStream(path, options));
        }
        catch (IOException e) when (File.Exists(path) && e.HResult != ReadOnlyFileSystem)
        {
            throw new LedgerException(
                LedgerError.Locked,
                $"{databasePath} is already open in another pocketcoder process (or another part of this one): stop it first, or use another data folder",
                e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LedgerException(LedgerError.ReadOnly, $"{path} cannot be written by this user", e);
        }
    }

    public void Dispose() => _stream.Dispose();
}
