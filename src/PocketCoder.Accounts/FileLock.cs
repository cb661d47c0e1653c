using PocketCoder.Platform;

namespace PocketCoder.Accounts;

/// <summary>One change of a file at a time, between threads and between programs: a lock beside it. Thread-safe.</summary>
public static class FileLock
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits for the file's lock, at most 5 s by the real clock: what it waits for is another program.</summary>
    /// <returns>The lock, held until it is disposed of.</returns>
    /// <exception cref="IOException">It can't be had.</exception>
    public static async Task<IAsyncDisposable> TakeAsync(string file, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return PrivateFile.Open(file + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(file + ".lock") && TimeProvider.System.GetElapsedTime(began) < s_limit)
            {
                await Task.Delay(s_poll, ct); // another one changes it
            }
        }
    }
}
