namespace PocketCoder.Accounts;

/// <summary>What was read from a file, for as long as the file's time and length are the same. Thread-safe.</summary>
internal sealed class FileCopy<T>(string file)
    where T : class
{
    private readonly Lock _gate = new(); // guards the two
    private (DateTime Written, long Length) _stamp;
    private T? _known;

    /// <param name="read">Reads the file, or says what there is without one. What it throws is thrown on.</param>
    public T Now(Func<T> read)
    {
        lock (_gate)
        {
            var info = new FileInfo(file);
            var stamp = info.Exists ? (info.LastWriteTimeUtc, info.Length) : default;
            if (_known is null || stamp != _stamp)
            {
                (_known, _stamp) = (read(), stamp);
            }

            return _known;
        }
    }

    /// <summary>It was written: its next time is the file's, so it is read anew.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _known = null;
        }
    }
}
