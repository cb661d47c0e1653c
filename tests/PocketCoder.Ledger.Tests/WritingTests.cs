using PocketCoder.Testing;

namespace PocketCoder.Ledger.Tests;

public sealed class WritingTests
{
    private static readonly MigrationSet s_notes = new("notes", typeof(WritingTests).Assembly, "notes");

    [Fact]
    public async Task What_a_write_returns_is_on_disk_for_another_process()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var row = await ledger.AppendAsync(TestLedger.Note(1));
        using var other = DatabaseFile.OpenReader(ledger.DatabasePath);
        Assert.Equal(row.Body, DatabaseFile.Scalar(other, "SELECT body FROM ledger WHERE seq = 2"));
    }

    [Fact]
    public async Task Writes_are_applied_in_the_order_of_their_arrival_and_answered_in_it()
    {
        await using var ledger = await TestLedger.OpenAsync();
        using var gate = new ManualResetEventSlim();
        var blocker = ledger.Store.WriteAsync(_ => gate.Wait(Wait.Limit), TestLedger.None);
        var writes = Enumerable.Range(0, 300).Select(i => ledger.Store.WriteAsync(
            t => (t.Append(TestLedger.Note(i)).Seq, t.AppendEvent("s", "{}"u8).Seq), TestLedger.None)).ToArray();
        gate.Set();
        Assert.True(await blocker);
        var results = await Task.WhenAll(writes);
        Assert.Equal(Enumerable.Range(0, 300).Select(i => (i + 2L, i + 1L)), results);
    }

    [Fact]
    public async Task Many_writers_share_one_commit()
    {
        await using var ledger = await TestLedger.OpenAsync();
        using var gate = new ManualResetEventSlim();
        var blocker = ledger.Store.WriteAsync(_ => gate.Wait(Wait.Limit), TestLedger.None);
        long[] pages = [0, 0];
        var writes = Enumerable.Range(0, 200).Select(i => ledger.Store.WriteAsync(t => t.Append(TestLedger.Note(i)), TestLedger.None))
            .ToArray();
        gate.Set();
        await blocker;
        await Task.WhenAll(writes);
        pages[1] = new FileInfo(ledger.DatabasePath + "-wal").Length / 4096;
        // One commit each would log at least four pages (row, two indexes, root) 200 times.
        Assert.InRange(pages[1], 1, 200);
    }

    [Fact]
    public async Task What_was_written_is_folded_into_the_file_when_nothing_more_is()
    {
        await using var ledger = await TestLedger.OpenAsync();
        for (var i = 0; i < 100; i++)
        {
            await ledger.Store.WriteAsync(t => t.Append(TestLedger.Note(i)), TestLedger.None);
        }

        // The file by itself, without the log beside it: what SQLite would see if the log were lost.
        var alone = Path.Combine(ledger.Folder, "alone.db");
        await Wait.UntilAsync(
            async () =>
            {
                File.Copy(ledger.DatabasePath, alone, overwrite: true);
                try
                {
                    return (await LedgerStore.VerifyFileAsync(alone, [], TestLedger.None)) is { Ok: true, Rows: >= 64 };
                }
                catch (LedgerException)
                {
                    return false; // copied while it was folded, or before there was a table
                }
            },
            "the log to be folded");
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    [Fact]
    public async Task A_failing_work_undoes_itself_alone_and_its_caller_alone_hears_of_it()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_notes] });
        using var gate = new ManualResetEventSlim();
        var blocker = ledger.Store.WriteAsync(_ => gate.Wait(Wait.Limit), TestLedger.None);
        var before = ledger.Store.WriteAsync(Good, TestLedger.None);
        var bad = ledger.Store.WriteAsync<int>(
            t =>
            {
                Good(t);
                t.AppendEvent("made only here", "1"u8);
                t.DeleteStream("s");
                throw new TimeZoneNotFoundException("mine");
            },
            TestLedger.None);
        var after = ledger.Store.WriteAsync(Good, TestLedger.None);
        gate.Set();
        await blocker;

        Assert.Equal((2L, 1L), await before);
        Assert.Equal("mine", (await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => bad)).Message);
        Assert.Equal((3L, 2L), await after);
        var (notes, events, other) = await ledger.Store.ReadAsync(
            r => (r.QueryFirst("SELECT count(*) FROM notes", x => x.GetInt64(0)), r.Events("s", 0, 10).Events.Count,
                r.Events("made only here", 0, 10).Epoch),
            TestLedger.None);
        Assert.Equal((2, 2, null), (notes, events, other));
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);

        static (long Row, long Event) Good(LedgerTransaction t)
        {
            t.Execute("INSERT INTO notes (text) VALUES ($text)", ("$text", "x"));
            return (t.Append(TestLedger.Note(0)).Seq, t.AppendEvent("s", "{}"u8).Seq);
        }
    }

    [Fact]
    public async Task Cancelled_before_its_start_a_write_leaves_nothing()
    {
        await using var ledger = await TestLedger.OpenAsync();
        using var gate = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var blocker = ledger.Store.WriteAsync(
            _ =>
            {
                begun.SetResult();
                return gate.Wait(Wait.Limit);
            },
            TestLedger.None);
        await begun.Task; // else both may be taken up together, and what is taken up is not cancelled any more
        var ran = false;
        var cancelled = ledger.Store.WriteAsync(t => ran = t.Append(TestLedger.Note(1)).Seq > 0, cancel.Token);
        await cancel.CancelAsync();
        // Answered at once, though the writer is still busy.
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        gate.Set();
        await blocker;
        await ledger.AppendManyAsync(1);
        Assert.False(ran);
        Assert.Equal(2, ledger.Store.Head.Seq);
    }

    [Fact]
    public async Task Cancelled_after_its_start_a_write_tells_its_true_outcome()
    {
        await using var ledger = await TestLedger.OpenAsync();
        using var cancel = new CancellationTokenSource();
        var row = await ledger.Store.WriteAsync(
            t =>
            {
                cancel.Cancel();
                return t.Append(TestLedger.Note(1));
            },
            cancel.Token);
        Assert.Equal(row.Seq, ledger.Store.Head.Seq);
    }

    [Fact]
    public async Task A_long_lived_token_holds_nothing_of_finished_writes()
    {
        await using var ledger = await TestLedger.OpenAsync();
        using var life = new CancellationTokenSource();
        var works = await WriteAsync(ledger.Store, life.Token);
        await PocketCoder.Testing.Wait.UntilAsync(
            () =>
            {
                GC.Collect();
                return !works.Any(w => w.IsAlive);
            },
            "the works of finished writes to be collected");
        GC.KeepAlive(life);

        static async Task<List<WeakReference>> WriteAsync(LedgerStore store, CancellationToken token)
        {
            var works = new List<WeakReference>();
            for (var i = 0; i < 20; i++)
            {
                var captured = new object();
                works.Add(new WeakReference(captured));
                await store.WriteAsync(t => captured.GetHashCode(), token);
            }

            // Pushes the last group out of the writer's hands.
            await store.WriteAsync(_ => 0, CancellationToken.None);
            return works;
        }
    }

    [Fact]
    public async Task A_full_queue_makes_writers_wait_and_serves_them_all()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { QueueLimit = 2, GroupLimit = 2 });
        using var gate = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        var blocker = ledger.Store.WriteAsync(
            _ =>
            {
                started.Set();
                return gate.Wait(Wait.Limit);
            },
            TestLedger.None);
        Assert.True(started.Wait(Wait.Limit));
        using var impatient = new CancellationTokenSource();
        var writes = Enumerable.Range(0, 20).Select(i => ledger.Store.WriteAsync(t => t.Append(TestLedger.Note(i)).Seq, TestLedger.None))
            .ToArray();
        var outside = ledger.Store.WriteAsync(t => t.Append(TestLedger.Note(99)).Seq, impatient.Token);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => outside);
        Assert.DoesNotContain(writes, w => w.IsCompleted);
        gate.Set();
        await blocker;
        Assert.Equal(Enumerable.Range(2, 20).Select(i => (long)i), (await Task.WhenAll(writes)).Order());
    }

    [Fact]
    public async Task Readers_see_only_what_is_committed_and_one_snapshot_each()
    {
        await using var ledger = await TestLedger.OpenAsync();
        using var written = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var write = ledger.Store.WriteAsync(
            t =>
            {
                t.Append(TestLedger.Note(1));
                written.Set();
                return gate.Wait(Wait.Limit);
            },
            TestLedger.None);
        Assert.True(written.Wait(Wait.Limit));
        var (first, second) = await ledger.Store.ReadAsync(
            r =>
            {
                var seen = r.Rows(new LedgerFilter()).Count;
                gate.Set();
                return (seen, Task.Run(() => write).Wait(Wait.Limit, TestLedger.None) ? r.Rows(new LedgerFilter()).Count
                    : -1);
            },
            TestLedger.None);
        Assert.Equal((1, 1), (first, second));
        Assert.Equal(2, (await ledger.Store.ReadRowsAsync(new LedgerFilter(), TestLedger.None)).Count);
    }

    [Fact]
    public async Task A_transaction_is_of_no_use_outside_its_work()
    {
        await using var ledger = await TestLedger.OpenAsync();
        LedgerTransaction? kept = null;
        LedgerReader? reader = null;
        await ledger.Store.WriteAsync(t => kept = t, TestLedger.None);
        await ledger.Store.ReadAsync(r => reader = r, TestLedger.None);
        Assert.Throws<InvalidOperationException>(() => kept!.Append(TestLedger.Note(1)));
        Assert.Throws<InvalidOperationException>(() => kept!.AppendEvent("s", "{}"u8));
        Assert.Throws<InvalidOperationException>(() => kept!.Execute("DELETE FROM notes"));
        Assert.Throws<InvalidOperationException>(() => reader!.Rows(new LedgerFilter()));
    }

    [Fact]
    public async Task An_asynchronous_work_is_refused()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await Assert.ThrowsAsync<ArgumentException>(() => ledger.Store.WriteAsync(async t => await Task.Yield(), TestLedger.None));
    }

    [Fact]
    public async Task After_closing_every_door_answers_closed_and_what_waited_was_finished()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var store = ledger.Store;
        var writes = Enumerable.Range(0, 50).Select(i => store.WriteAsync(t => t.Append(TestLedger.Note(i)).Seq, TestLedger.None))
            .ToArray();
        await ledger.CloseAsync();
        Assert.Equal(51, (await Task.WhenAll(writes)).Max());
        await Failing.WithAsync(LedgerError.Closed, () => store.WriteAsync(t => t.Append(TestLedger.Note(1)), TestLedger.None));
        await Failing.WithAsync(LedgerError.Closed, () => store.ReadRowsAsync(new LedgerFilter(), TestLedger.None));
        await Failing.WithAsync(LedgerError.Closed, () => store.BackupAsync(ledger.DatabasePath + ".copy", TestLedger.None));
        Assert.False(File.Exists(ledger.DatabasePath + "-wal"));
    }

    [Fact]
    public async Task A_read_stops_when_it_is_cancelled()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { Readers = 1 });
        using var cancel = new CancellationTokenSource();
        var endless = ledger.Store.ReadAsync(
            r => r.QueryFirst(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < $limit",
                x => x.GetInt64(0),
                ("$limit", Begun(cancel))),
            cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => endless);
        Assert.Single(await ledger.Store.ReadRowsAsync(new LedgerFilter(), TestLedger.None));

        // Cancelled while the statement is about to run or runs; both must end it.
        static long Begun(CancellationTokenSource cancel)
        {
            cancel.CancelAfter(TimeSpan.FromMilliseconds(1));
            return long.MaxValue;
        }
    }

    [Theory]
    [InlineData("INSERT INTO ledger (seq, hash, body, kind) VALUES (2, zeroblob(32), '{}', 'x')")]
    [InlineData("UPDATE ledger SET kind = 'x'")]
    [InlineData("DELETE FROM ledger")]
    [InlineData("REPLACE INTO ledger (seq, hash, body, kind) VALUES (1, zeroblob(32), '{}', 'x')")]
    [InlineData("DELETE FROM events")]
    [InlineData("UPDATE streams SET last_seq = 0")]
    [InlineData("DELETE FROM schema_migrations")]
    [InlineData("UPDATE ledger_meta SET value = 'x'")]
    [InlineData("DROP TRIGGER ledger_no_update")]
    [InlineData("CREATE TABLE mine (x)")]
    [InlineData("CREATE TEMP TABLE mine (x)")]
    [InlineData("CREATE TEMP TRIGGER mine AFTER INSERT ON main.notes BEGIN DELETE FROM notes; END")]
    [InlineData("ALTER TABLE notes ADD COLUMN y")]
    [InlineData("COMMIT")]
    [InlineData("ROLLBACK")]
    [InlineData("SAVEPOINT x")]
    [InlineData("RELEASE work")]
    [InlineData("PRAGMA synchronous = OFF")]
    [InlineData("PRAGMA writable_schema = ON")]
    [InlineData("ATTACH ':memory:' AS other")]
    [InlineData("REINDEX")]
    [InlineData("DELETE FROM notes; DELETE FROM ledger")]
    public async Task A_feature_cannot_reach_around_the_ledger(string sql)
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_notes] });
        await ledger.Store.WriteAsync(t => t.Execute("INSERT INTO notes (text) VALUES ('kept')"), TestLedger.None);
        await Failing.WithAsync(LedgerError.Refused, () => ledger.Store.WriteAsync(t => t.Execute(sql), TestLedger.None));
        await Failing.WithAsync(LedgerError.Refused, () => ledger.Store.WriteAsync(t => t.Query(sql, r => r.GetValue(0)), TestLedger.None));
        await ledger.AppendManyAsync(1);
        Assert.Equal("kept", await ledger.Store.ReadAsync(
            r => r.QueryFirst("SELECT text FROM notes", x => x.GetString(0)), TestLedger.None));
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    [Fact]
    public async Task A_reader_cannot_write()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_notes] });
        await Failing.WithAsync(LedgerError.ReadOnly, () => ledger.Store.ReadAsync(
            r => r.Query("INSERT INTO notes (text) VALUES ('x') RETURNING id", x => x.GetInt64(0)), TestLedger.None));
    }

    [Fact]
    public async Task Feature_tables_take_every_kind_of_parameter_and_tell_conflicts()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MigrationSets = [s_notes] });
        const string insert = "INSERT INTO notes (client_id, text, data) VALUES ($id, $text, $data)";
        var id = Guid.CreateVersion7();
        await ledger.Store.WriteAsync(
            t => t.Execute(insert, ("$id", id), ("$text", null), ("$data", new ReadOnlyMemory<byte>([1, 2]))), TestLedger.None);
        await ledger.Store.WriteAsync(
            t => t.Execute(insert, ("$id", Guid.CreateVersion7()), ("$text", "ü"), ("$data", null)), TestLedger.None);
        await Failing.WithAsync(LedgerError.Conflict,
            () => ledger.Store.WriteAsync(t => t.Execute(insert, ("$id", id), ("$text", "again"), ("$data", null)), TestLedger.None));
        var rows = await ledger.Store.ReadAsync(
            r => r.Query("SELECT client_id, text, data FROM notes ORDER BY id", x => (x.GetGuid(0), x.IsDBNull(1) ? null : x.GetString(1),
                x.IsDBNull(2) ? null : Convert.ToHexString(x.GetFieldValue<byte[]>(2)))),
            TestLedger.None);
        Assert.Equal([(id, null, "0102"), (rows[1].Item1, "ü", null)], rows);
        await Failing.WithAsync(
            LedgerError.Sql, () => ledger.Store.WriteAsync(t => t.Execute("INSERT INTO nowhere VALUES (1)"), TestLedger.None));
    }

    [Fact]
    public async Task More_statements_than_are_kept_still_work()
    {
        await using var ledger = await TestLedger.OpenAsync();
        for (var i = 0; i < 600; i++)
        {
            Assert.Equal(i, await ledger.Store.ReadAsync(r => r.QueryFirst($"SELECT {i}", x => x.GetInt32(0)), TestLedger.None));
        }
    }
}
