using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger;

/// <summary>
/// The durable heart of the daemon: the hash chain, the event streams and the features' tables in one SQLite file with
/// one writer. Thread-safe. What a write returns is on disk; see docs/ledger.md for what that promises.
/// </summary>
public sealed class LedgerStore : IAsyncDisposable
{
    private readonly string path;
    private readonly TimeProvider time;
    private readonly FileLock fileLock;
    private readonly ReaderPool readers;
    private readonly GroupWriter writer;
    private volatile LedgerHead head;
    private int disposed;

    private LedgerStore(string fullPath, LedgerOptions options, TimeProvider time, FileLock held, WriterSession session, string epoch)
    {
        path = fullPath;
        this.time = time;
        fileLock = held;
        MachineId = options.MachineId;
        head = new LedgerHead(epoch, session.Seq, session.HashHex);
        readers = new ReaderPool(path, options.Readers);
        writer = new GroupWriter(session, (seq, hash) => head = new LedgerHead(epoch, seq, hash), options.GroupLimit, options.QueueLimit);
    }

    /// <summary>The machine this ledger belongs to.</summary>
    public string MachineId { get; }

    /// <summary>The last durable row.</summary>
    public LedgerHead Head => head;

    /// <summary>
    /// Opens or makes a ledger: takes the lock against a second daemon, lets SQLite check the file when the last process did not close it, migrates (after a copy, when there is something to
    /// lose), and checks that the newest rows form the chain. The whole chain is checked by <see cref="VerifyAsync"/>.
    /// </summary>
    /// <exception cref="LedgerException">Refused, with a message that says what to do; the file is as it was.</exception>
    public static Task<LedgerStore> OpenAsync(LedgerOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        options.Validate();
        return Task.Run(() => Open(options, time), cancellationToken);
    }

    /// <summary>Verifies a ledger file nobody has open, such as a backup: first SQLite's own check, then the chain. Needs no keys.</summary>
    public static Task<VerifyReport> VerifyFileAsync(string path, IReadOnlyList<LedgerMark> remembered, CancellationToken cancellationToken)
        => Task.Run(() => LedgerCheck.File(Path.GetFullPath(path), remembered, cancellationToken), cancellationToken);

    /// <summary>
    /// Runs a work on the single writer and completes when its changes are on disk, together with those of the works
    /// beside it. An exception of the work undoes this work alone and reaches its caller alone. While
    /// <see cref="LedgerOptions.QueueLimit"/> writes wait, this waits to enter the queue.
    /// </summary>
    /// <param name="work">Quick, without waiting; may not keep the transaction. It may have run and be undone when the commit fails.</param>
    /// <param name="cancellationToken">Takes the work out of the queue. Once it has started it is ignored, since its outcome would be unknown.</param>
    /// <exception cref="LedgerException">The commit failed (<see cref="LedgerError.DiskFull"/> …): no work of the group was kept. Or <see cref="LedgerError.Closed"/>.</exception>
    public Task<T> WriteAsync<T>(Func<LedgerTransaction, T> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (typeof(Task).IsAssignableFrom(typeof(T)))
        {
            throw new ArgumentException("a work must not be asynchronous: the transaction would be over before it is", nameof(work));
        }

        return writer.WriteAsync(work, cancellationToken);
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Action<LedgerTransaction> work, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(work);
        return writer.WriteAsync<object?>(
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
        return readers.RunAsync(read, cancellationToken);
    }

    /// <inheritdoc cref="LedgerQueries.Events"/>
    public Task<EventPage> ReadEventsAsync(string stream, long after, int limit, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Events(stream, after, limit), cancellationToken);

    /// <inheritdoc cref="LedgerQueries.Rows"/>
    public Task<IReadOnlyList<LedgerRow>> ReadRowsAsync(LedgerFilter filter, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Rows(filter), cancellationToken);

    /// <summary>The hash of a row (64 lower-case hex digits), or null when there is no such row.</summary>
    public Task<string?> HashAtAsync(long seq, CancellationToken cancellationToken)
        => ReadAsync(reader => reader.Rows(new LedgerFilter { After = seq - 1, Limit = 1 }) is [var row] && row.Seq == seq ? row.HashHex : null, cancellationToken);

    /// <summary>The head with the machine's signature, for devices to remember.</summary>
    public SignedHead SignHead(LedgerSigner signer)
    {
        var signed = head;
        return new SignedHead(signed, MachineId, signer.Sign(signed.SignedText(MachineId)));
    }

    /// <summary>
    /// Recomputes the whole chain while writes go on, and compares it with what this process committed and with what
    /// others remember. Reports the first fault; throws only when the file cannot be read.
    /// </summary>
    public async Task<VerifyReport> VerifyAsync(IReadOnlyList<LedgerMark> remembered, CancellationToken cancellationToken)
    {
        var own = head;
        var verifier = new ChainVerifier(own.Epoch, MachineId, [.. remembered, new LedgerMark(own.Seq, own.HashHex)]);
        while (await ReadAsync(reader => verifier.NextPage(reader.Connection), cancellationToken))
        {
            // Page by page, so that the log can be folded back into the file in between.
        }

        return verifier.Report();
    }

    /// <summary>Writes everything up to the present head as an export that a stranger can verify (docs/ledger.md).</summary>
    public async Task ExportAsync(Stream output, LedgerSigner signer, CancellationToken cancellationToken)
    {
        var signed = SignHead(signer);
        var export = new LedgerExport(output);
        await export.WriteHeaderAsync(MachineId, signed.Head.Epoch, signer, time.GetUtcNow(), cancellationToken);
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

    /// <summary>Copies the ledger to a new file (mode 0600) while writes go on, verifies the copy, and only then gives it its name.</summary>
    /// <exception cref="LedgerException"><see cref="LedgerError.Corrupt"/> when the copy does not verify; <see cref="LedgerError.Io"/> when it cannot be written or is there.</exception>
    public Task<VerifyReport> BackupAsync(string target, CancellationToken cancellationToken)
    {
        ObjectClosed.ThrowIf(disposed != 0);
        return CopyFileAsync(path, target, time, cancellationToken);
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
                    report = LedgerCheck.File(copy, [], cancellationToken);
                    if (report.Fault is { } fault)
                    {
                        throw new LedgerException(LedgerError.Corrupt, $"the backup was not kept, since this ledger does not verify: {fault.Detail}");
                    }
                });
                return report!;
            },
            cancellationToken);

    /// <summary>Refuses new work, finishes what waits, folds the log into the file and releases the lock.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
        {
            return;
        }

        await readers.DisposeAsync();
        await writer.DisposeAsync();
        fileLock.Dispose();
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
            DatabaseFile.CreatePrivate(fullPath, FileMode.OpenOrCreate);
            var unclean = File.Exists(fullPath + "-wal"); // closing folds it in: whoever left it was killed, or the power went
            connection = DatabaseFile.OpenWriter(fullPath, options.MaxBytes);
            if (unclean)
            {
                LedgerCheck.Structure(connection);
            }

            Migrate(connection, fullPath, options, time);
            var (session, epoch) = LedgerOpening.Start(connection, options.MachineId, time);
            return new LedgerStore(fullPath, options, time, held, session, epoch);
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
