using PocketCoder.Machine.Storage;
using PocketCoder.Platform;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Settings;

/// <summary>
/// A small private file that changes together with its row in the ledger: while the row is not durable, what the file held before comes
/// back; when it can't, the log says so. Only a crash between the two can leave the new file without its row. Thread-safe; one change is
/// made at a time.
/// </summary>
internal sealed class RecordedFile(string path)
{
    private readonly AsyncSemaphore _changing = new();

    public string Path => path;

    /// <summary>Replaces the file and writes what goes with it.</summary>
    /// <param name="content">Null: the file is removed.</param>
    /// <param name="rows">Of the same change; nothing else changes this file meanwhile.</param>
    /// <param name="committed">What goes along in memory. It must not throw.</param>
    /// <exception cref="IOException">The file can't be written; there is no row.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public async Task ChangeAsync(Store store, byte[]? content, Action<Change> rows, Action committed)
    {
        await _changing.WaitAsync();
        try
        {
            await store.WriteAsync(change =>
            {
                var before = Read();
                rows(change);
                change.Afterwards(committed, () => Put(before));
                Put(content);
            });
        }
        finally
        {
            _changing.Release();
        }
    }

    private byte[]? Read() => File.Exists(path) ? File.ReadAllBytes(path) : null;

    private void Put(byte[]? content)
    {
        if (content is null)
        {
            File.Delete(path);
        }
        else
        {
            PrivateFile.Replace(path, content);
        }
    }
}
