using Microsoft.Data.Sqlite;
using PocketCoder.Platform;

namespace PocketCoder.Ledger;

/// <summary>
/// The durable heart of the daemon: the hash chain, the event streams and the features' tables in one SQLite file with
/// one writer. Thread-safe. What a write returns is on disk; see docs/ledger.md for what that promises.
/// </summary>
public sealed class LedgerStore : IAsyncDisposable
{
    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly FileLock _fileLock;
    private readonly ReaderPool _readers;
    private readonly GroupWriter _writer;
    private readonly WriterSession _session;
    private readonly LedgerTrust? _trust;
    private volatile LedgerHead _head;
    private int _disposed;

    private LedgerStore(string fullPath, LedgerOptions options, TimeProvider time, FileLock held, Opened opened)
    {
        (_session, var epoch) = (opened.Session, opened.Epoch);
        _path = fullPath;
        _time = time;
        _fileLock = held;
        MachineId = options.MachineId;
        _head = new LedgerHead(epoch, _session.Seq, _session.HashHex);
        _readers = new ReaderPool(_path, options.Readers);
        _writer = new GroupWriter(
            _session, (seq, hash) => Committed(new LedgerHead(epoch, seq, hash)), options.GroupLimit, options.QueueLimit);
        _trust = options.Signer is null ? null : new LedgerTrust(this, _session, options, opened);
    }

    /// <summary>The machine this ledger belongs to.</summary>
    public string MachineId { get; }

    /// <summary>The last durable row.</summary>
    public LedgerHead Head => _head;

    /// <summary>
    /// Why the chain is not trusted; null: it is. While it is not, a write that decides, starts or grants fails with
    /// <see cref="LedgerError.Distrusted"/>.
    /// </summary>
    public LedgerDistrust? Distrust => _session.Distrust;

    /// <summary>Raised when <see cref="Distrust"/> changed, on the writer's thread: handlers must be quick and must not wait.</summary>
    public event Action? TrustChanged
    {
        add => _session.DistrustChanged += value;
        remove => _session.DistrustChanged -= value;
    }

    /// <summary>Why the file with the last signed head can't be written; null: it can, or there is none.</summary>
    public string? HeadProblem => _trust?.Problem;

    /// <summary>
    /// Compares a head that somebody else remembers with the chain. It counts only with this machine's signature: then a chain without it
    /// was rewound, rewritten or replaced, and is distrusted from here on. True when that is so.
    /// </summary>
    /// <param name="from">Who remembers it, for the row.</param>
    public Task<bool> CompareAsync(LedgerHead remembered, ReadOnlyMemory<byte> signature, string from, CancellationToken cancellationToken)
        => _trust is null ? Task.FromResult(false) : _trust.CompareAsync(remembered, signature, from, cancellationToken);

    /// <summary>The owner goes on with the chain as it is: writes the row that says so and how far, and trusts the chain again.</summary>
    /// <param name="row">The row that tells the difference, <see cref="LedgerDistrust.Row"/>: accepted is what was looked at.</param>
    /// <param name="by">Who accepts.</param>
    /// <exception cref="LedgerException"><see cref="LedgerError.InvalidData"/>: there is nothing to accept, or it is another
    /// row</exception>
    public Task<LedgerRow> AcceptAsync(long row, string by, CancellationToken cancellationToken)
        => _trust is null ? throw new LedgerException(LedgerError.InvalidData, "the ledger is trusted: there is nothing to accept")
            : _trust.AcceptAsync(row, by, cancellationToken);

    /// <summary>
    /// Opens or makes a ledger: takes the lock against a second daemon, lets SQLite check the file when the last process did not close it,
    /// migrates (after a copy, when there is something to lose), and checks that the newest rows form the chain. The whole chain is checked
    /// by <see cref="VerifyAsync"/>.
    /// </summary>
    /// <exception cref="LedgerException">Refused, with a message that says what to do; the file is as it was.</exception>
    public static Task<LedgerStore> OpenAsync(LedgerOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        options.Validate();
        return Task.Run(() => Open(options, time), cancellationToken);
    }

    /// <summary>
    /// Verifies a ledger file nobody has open, such as a backup: first SQLite's own check, then the chain. Needs no keys.
    /// </summary>
    public static Task<VerifyReport> VerifyFileAsync(
        string path, IReadOnlyList<LedgerCheckpoint> remembered, CancellationToken cancellationToken)
        => VerifyFileAsync(path, remembered, null, cancellationToken);

    /// <inheritdoc cref="VerifyFileAsync(string, IReadOnlyList{LedgerCheckpoint}, CancellationToken)"/>
    /// <param name="signingKey">The machine's public key (65 bytes): then its signatures are checked too.</param>
    public static Task<VerifyReport> VerifyFileAsync(
        string path, IReadOnlyList<LedgerCheckpoint> remembered, ReadOnlyMemory<byte>? signingKey, CancellationToken cancellationToken)
        => Task.Run(() => LedgerCheck.File(Path.GetFullPath(path), remembered, signingKey, cancellationToken), cancellationToken);

    /// <summary>
    /// Compares a ledger file, which a daemon may have open, with the head outside, as every start does. Null: no difference. Changes
    /// nothing.
    /// </summary>
    /// <exception cref="LedgerException">The file can't be read.</exception>
    public static Task<string?> CompareFileAsync(
        string path, string headPath, string machineId, ReadOnlyMemory<byte> signingKey, CancellationToken cancellationToken)
        => Task.Run(() => LedgerCheck.Trust(Path.GetFullPath(path), headPath, machineId, signingKey), cancellationToken);

    /// <summary>
    /// Finds out whether <see cref="OpenAsync"/> would open a file, which a daemon may have open: that it is a ledger of this program's, of
    /// this machine, not of a newer program, and that its newest rows form the chain. Changes nothing.
    /// </summary>
    /// <param name="machineId">Null: of whatever machine.</param>
    /// <param name="structure">Also lets SQLite look through the whole file, as opening does when the last process did not close
    /// it.</param>
    /// <exception cref="LedgerException">It would be refused, with the reason.</exception>
    public static void InspectFile(string path, string? machineId, IReadOnlyList<MigrationSet> sets, bool structure)
    {
        SqliteEngine.EnsureLoaded();
        if (new FileInfo(path).Length == 0)
        {
            return; // made, and not begun
        }

        using var connection = DatabaseFile.OpenReader(path);
        DatabaseFile.RequireOurs(connection, path);
        if (structure)
        {
            LedgerCheck.Structure(connection);
        }

        var migrator = new Migrator(connection, TimeProvider.System);
        _ = migrator.Pending([MigrationSet.Own, .. sets]);
        if (migrator.HadSchema)
        {
            LedgerOpening.RequireSound(connection, machineId);
        }
    }

    /// <summary>
    /// Runs a work on the single writer and completes when its changes are on disk, together with those of the works
    /// beside it. An exception of the work undoes this work alone and reaches its caller alone. While
    /// <see cref="LedgerOptions.QueueLimit"/> writes wait, this waits to enter the queue.
    /// </summary>
    /// <param name="work">Quick, without waiting; may not keep the transaction. It may have run and be undone when the commit
    /// fails.</param>
    /// <param name="cancellationToken">Takes the work out of the queue. Once it has started it is ignored, since its outcome would be
    /// unknown.</param>
    /// <exception cref="LedgerException">The commit failed (<see cref="LedgerError.DiskFull"/> …): no work of the group was kept. Or
    /// <see cref="LedgerError.Closed"/>.</exception>
    public Task<T> WriteAsync<T>(Func<LedgerTransaction, T> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (typeof(Task).IsAssignableFrom(typeof(T)))
        {
            throw new ArgumentException("a work must not be asynchronous: the transaction would be over before it is", nameof(work));
        }

        return _writer.WriteAsync(work, cancellationToken);
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Action<LedgerTransaction> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        return _writer.WriteAsync<object?>(
            transaction =>
            {
                work(transaction);
                return null;
            },
            cancellationToken);
    }

    /// <summary>Runs a read on a pooled read-only connection and thread: one committed snapshot. Waits while all are busy.</summary>
    public Task<T> ReadAsync<T>(Func<LedgerReader, T> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(read);
        return _readers.RunAsync(read, cancellationToken);
    }

    /// <inheritdoc cref="LedgerQueries.Events"/>
    public Task<EventPage> ReadEventsAsync(string stream, long after, int limit, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Events(stream, after, limit), cancellationToken);

    /// <inheritdoc cref="LedgerQueries.Rows"/>
    public Task<IReadOnlyList<LedgerRow>> ReadRowsAsync(LedgerFilter filter, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Rows(filter), cancellationToken);

    /// <summary>The hash of a row (64 lower-case hex digits), or null when there is no such row.</summary>
    public Task<string?> HashAtAsync(long seq, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Rows(new LedgerFilter { After = seq - 1, Limit = 1 }) is [var row]
            && row.Seq == seq ? row.HashHex : null, cancellationToken);

    /// <summary>The head with the machine's signature, for devices to remember.</summary>
    public SignedHead SignHead(LedgerSigner signer)
    {
        var signed = _head;
        return new SignedHead(signed, MachineId, signer.Sign(signed.SignedText(MachineId)));
    }

    /// <summary>
    /// Recomputes the whole chain while writes go on, and compares it with what this process committed and with what
    /// others remember. Reports the first fault; throws only when the file cannot be read.
    /// </summary>
    public async Task<VerifyReport> VerifyAsync(IReadOnlyList<LedgerCheckpoint> remembered, CancellationToken cancellationToken)
    {
        var own = _head;
        using var key = _trust?.NewKey();
        var verifier = new ChainVerifier(own.Epoch, MachineId, [.. remembered, new LedgerCheckpoint(own.Seq, own.HashHex)], key);
        while (await ReadAsync(reader => verifier.NextPage(reader.Connection), cancellationToken))
        {
            // Page by page, so that the log can be folded back into the file in between.
        }

        var report = verifier.Report();
        return report.Fault is null && Distrust is { } distrust ? report with
        { Fault = new LedgerFault(distrust.Kind, distrust.Row ?? report.Rows, distrust.Detail) } : report;
    }

    /// <summary>Writes everything up to the present head as an export that a stranger can verify (docs/ledger.md).</summary>
    public async Task ExportAsync(Stream output, LedgerSigner signer, CancellationToken cancellationToken)
    {
        var signed = SignHead(signer);
        var export = new LedgerExport(output);
        await export.WriteHeaderAsync(MachineId, signed.Head.Epoch, signer, _time.GetUtcNow(), cancellationToken);
        for (var seq = 0L; seq < signed.Head.Seq;)
        {
            var limit = (int)Math.Min(1000, signed.Head.Seq - seq);
            var rows = await ReadRowsAsync(new LedgerFilter { After = seq, Limit = limit }, cancellationToken);
            if (rows.Count == 0)
            {
                throw new LedgerException(LedgerError.Corrupt, $"row {seq + 1} is missing");
            }

            await export.WriteRowsAsync(rows, cancellationToken);
            seq = rows[^1].Seq;
        }

        await export.WriteHeadAsync(signed, cancellationToken);
    }

    /// <summary>
    /// Copies the ledger to a new file (mode 0600) while writes go on, verifies the copy, and only then gives it its name.
    /// </summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.Corrupt"/> when the copy does not verify; <see cref="LedgerError.Io"/> when
    /// it cannot be written or is there.</exception>
    public Task<VerifyReport> BackupAsync(string target, CancellationToken cancellationToken)
    {
        ObjectClosed.ThrowIf(_disposed != 0);
        return CopyFileAsync(_path, target, _time, cancellationToken);
    }

    /// <summary>The same for a ledger that another process may have open, or none.</summary>
    /// <inheritdoc cref="BackupAsync"/>
    public static Task<VerifyReport> CopyFileAsync(string path, string target, TimeProvider time, CancellationToken cancellationToken)
        => Task.Run(
            () =>
            {
                SqliteEngine.EnsureLoaded();
                VerifyReport? report = null;
                using var source = DatabaseFile.OpenCopy(Path.GetFullPath(path));
                LedgerCopy.Make(source, Path.GetFullPath(target), time.GetUtcNow(), copy =>
                {
                    report = LedgerCheck.File(copy, [], null, cancellationToken);
                    if (report.Fault is { } fault)
                    {
                        throw new LedgerException(
                            LedgerError.Corrupt, $"the backup was not kept, since this ledger does not verify: {fault.Detail}");
                    }
                });
                return report!;
            },
            cancellationToken);

    /// <summary>Refuses new work, finishes what waits, folds the log into the file and releases the lock.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _readers.DisposeAsync();
        await _writer.DisposeAsync();
        if (_trust is not null)
        {
            await _trust.DisposeAsync(); // after the last write, so that the file holds the last head
        }

        _fileLock.Dispose();
    }

    private void Committed(LedgerHead moved)
    {
        _head = moved;
        _trust?.Moved();
    }

    private static LedgerStore Open(LedgerOptions options, TimeProvider time)
    {
        SqliteEngine.EnsureLoaded();
        var fullPath = Path.GetFullPath(options.Path);
        DatabaseFile.PrepareFolder(fullPath);
        var held = FileLock.Acquire(fullPath);
        SqliteConnection? connection = null;
        try
        {
            PrivateFile.Ensure(fullPath); // before SQLite makes it by the umask; the log files inherit its mode
            var unclean = File.Exists(fullPath + "-wal"); // closing folds it in: whoever left it was killed, or the power went
            connection = DatabaseFile.OpenWriter(fullPath, options.MaxBytes);
            if (unclean)
            {
                LedgerCheck.Structure(connection);
            }

            Migrate(connection, fullPath, options, time);
            return new LedgerStore(fullPath, options, time, held, LedgerOpening.Start(connection, options, time));
        }
        catch (UnauthorizedAccessException e)
        {
            Release();
            throw new LedgerException(LedgerError.ReadOnly, $"{fullPath} cannot be written by this user", e);
        }
        catch
        {
            Release();
            throw;
        }

        void Release()
        {
            connection?.Dispose();
            held.Dispose();
        }
    }

    private static void Migrate(SqliteConnection connection, string path, LedgerOptions options, TimeProvider time)
    {
        var migrator = new Migrator(connection, time);
        var pending = migrator.Pending([MigrationSet.Own, .. options.MigrationSets]);
        if (migrator.HadSchema && pending.Count > 0)
        {
            LedgerCopy.BeforeUpdate(connection, path, time.GetUtcNow());
        }

        migrator.Apply(pending);
    }
}
