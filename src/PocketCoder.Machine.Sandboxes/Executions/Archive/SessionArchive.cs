using System.Collections.Concurrent;
using System.Globalization;
using PocketCoder.Broker.Secrets;
using PocketCoder.Sandboxes;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Executions.Archive;

/// <summary>
/// What commands wrote and what agents sent, complete, for the person: one file each, 0600, below the daemon's home. Kept for seven days
/// after the last write; the oldest go earlier when all together are too much. Of outputs only what is left without secrets is written.
/// Thread-safe.
/// </summary>
/// <param name="redactor">Knows the secrets of now.</param>
public sealed class SessionArchive(string root, TimeProvider time, Func<Redactor> redactor)
{
    /// <summary>Bytes kept of one entry; what comes after is counted and not kept.</summary>
    public const long MaxEntryBytes = 256L << 20;

    /// <summary>Bytes of all entries together.</summary>
    private const long MaxBytes = 4L << 30;

    private const string TotalSuffix = ".total";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly TimeSpan s_maxAge = TimeSpan.FromDays(7);
    private static readonly TimeSpan s_sweepPeriod = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, ArchiveEntry> _open = new(StringComparer.Ordinal);
    private readonly Lock _sweeping = new(); // guards the deletion and its time
    private DateTimeOffset _swept = DateTimeOffset.MinValue;

    /// <summary>Begins the entry of a command's output, which is kept without secrets.</summary>
    public OutputEntry BeginOutput(Guid session, Guid id) => new(Begin(session, id), redactor());

    /// <summary>Takes the secrets of now out of one output.</summary>
    public IOutputFilter OpenFilter() => new RedactedOutput(redactor().OpenStream());

    /// <summary>Begins an entry. When nothing can be written, nothing is kept: a full disk stops no command here.</summary>
    public ArchiveEntry Begin(Guid session, Guid id)
    {
        Sweep();
        var path = PathOf(session, id);
        FileStream? file = null;
        try
        {
            foreach (var folder in (string[])[root, Path.GetDirectoryName(path)!])
            {
                if (OperatingSystem.IsWindows())
                {
                    Directory.CreateDirectory(folder);
                }
                else
                {
                    Directory.CreateDirectory(folder, OwnerOnly);
                }
            }

            file = PrivateFile.Open(path, FileMode.Create, FileAccess.Write, FileShare.Read | FileShare.Delete);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // told by what can be read of it: nothing
        }

        return _open[path] = new ArchiveEntry(file, entry => End(path, entry));
    }

    /// <summary>Bytes from <paramref name="offset"/> on, or null when there is no such entry (any more).</summary>
    public ArchivePart? Read(Guid session, Guid id, long offset, int limit)
    {
        var path = PathOf(session, id);
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var kept = file.Length;
            var bytes = new byte[Math.Clamp(kept - offset, 0, limit)];
            var read = bytes.Length == 0 ? 0 : RandomAccess.Read(file.SafeFileHandle, bytes, offset);
            return new ArchivePart(bytes.AsMemory(0, read), kept,
                _open.TryGetValue(path, out var open) ? Math.Max(open.Total, kept) : TotalOf(path) ?? kept);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>
    /// Deletes an entry that nobody can ask for any more. One that can't be deleted goes with the next <see cref="Sweep"/> for its age.
    /// </summary>
    public void Remove(Guid session, Guid id)
    {
        try
        {
            File.Delete(PathOf(session, id));
            File.Delete(PathOf(session, id) + TotalSuffix);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // its age takes it
        }
    }

    /// <summary>Deletes all entries of a session, when there are any.</summary>
    /// <exception cref="IOException">Some can't be deleted.</exception>
    /// <exception cref="UnauthorizedAccessException">Some can't be deleted.</exception>
    public void Remove(Guid session)
    {
        var folder = Path.Combine(root, session.ToString("D"));
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Deletes what is too old or too much; at most once an hour.</summary>
    public void Sweep()
    {
        lock (_sweeping)
        {
            var now = time.GetUtcNow();
            if (now - _swept < s_sweepPeriod || !Directory.Exists(root))
            {
                return;
            }

            _swept = now;
            try
            {
                Delete(now);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // the next hour's turn; a command that was just started must not be lost over it
            }
        }
    }

    private void Delete(DateTimeOffset now)
    {
        var left = MaxBytes;
        var entries = new DirectoryInfo(root).EnumerateFiles("*", SearchOption.AllDirectories).OrderByDescending(f => f.LastWriteTimeUtc)
            .ToList();
        foreach (var entry in entries)
        {
            left -= entry.Length;
            if (!_open.ContainsKey(entry.FullName) && (left < 0 || now.UtcDateTime - entry.LastWriteTimeUtc > s_maxAge))
            {
                entry.Delete();
            }
        }

        foreach (var folder in Directory.EnumerateDirectories(root).Where(d => !Directory.EnumerateFileSystemEntries(d).Any()))
        {
            Directory.Delete(folder);
        }
    }

    private void End(string path, ArchiveEntry entry)
    {
        _open.TryRemove(path, out _);
        if (entry.Total > entry.Kept && entry.Kept > 0)
        {
            File.WriteAllText(path + TotalSuffix, entry.Total.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static long? TotalOf(string path)
        => File.Exists(path + TotalSuffix) && long.TryParse(
            File.ReadAllText(path + TotalSuffix), NumberStyles.None, CultureInfo.InvariantCulture, out var total) ? total : null;

    private string PathOf(Guid session, Guid id) => Path.Combine(root, session.ToString("D"), id.ToString("D"));
}

/// <param name="Kept">Bytes that can be read.</param>
/// <param name="Total">Bytes that came.</param>
public sealed record ArchivePart(ReadOnlyMemory<byte> Bytes, long Kept, long Total);

/// <summary>An entry that is being written. One writer; what it has so far may be read.</summary>
public sealed class ArchiveEntry(FileStream? file, Action<ArchiveEntry> ended) : IDisposable
{
    private FileStream? _file = file;
    private long _total, _kept;
    private int _disposed;

    public long Total => Interlocked.Read(ref _total);

    public long Kept => Interlocked.Read(ref _kept);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Interlocked.Add(ref _total, bytes.Length);
        var sandbox = (int)Math.Min(bytes.Length, SessionArchive.MaxEntryBytes - _kept);
        if (_file is null || sandbox <= 0)
        {
            return;
        }

        try
        {
            _file.Write(bytes[..sandbox]);
            _file.Flush();
            Interlocked.Add(ref _kept, sandbox);
        }
        catch (IOException)
        {
            _file.Dispose(); // the disk is full: what is there stays, and what comes is only counted
            _file = null;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _file?.Dispose();
        try
        {
            ended(this);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // how much was left out is then not known
        }
    }
}
