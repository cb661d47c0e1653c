using System.Diagnostics;
using System.Globalization;
using System.Text;
using PocketCoder.Testing;

namespace PocketCoder.Ledger.Tests;

public sealed class CrashTests
{
    private const int Kills = 20;

    [Fact]
    public async Task Killed_at_random_moments_no_acknowledged_write_is_lost_or_doubled()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var ledger = await TestLedger.OpenAsync();
        var acknowledged = new List<(long Row, string Hash, long Event, string Id)>();
        for (var kill = 0; kill < Kills; kill++)
        {
            await ledger.CloseAsync();
            var lines = await WriteUntilKilledAsync(ledger.DatabasePath, random.Next(1, 600));
            acknowledged.AddRange(lines);
            await ledger.ReopenAsync();
            await CheckAsync(ledger.Store, acknowledged, $"seed {seed}, kill {kill}");
        }

        Assert.True(acknowledged.Count >= Kills);
    }

    [Fact]
    public async Task Killed_at_random_moments_a_signed_ledger_is_the_one_that_was_signed()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var key = new SigningKey();
        await using var ledger = TrustTests.New(key);
        for (var kill = 0; kill < Kills / 2; kill++)
        {
            await ledger.CloseAsync();
            var acknowledged = await WriteUntilKilledAsync(ledger.DatabasePath, random.Next(1, 300), key.Private);
            var store = await ledger.ReopenAsync();
            var why = $"seed {seed}, kill {kill}: {store.Distrust?.Detail}";
            Assert.True(store.Distrust is null, why);
            var report = await store.VerifyAsync([.. acknowledged.Select(a => new LedgerCheckpoint(a.Row, a.Hash))], TestLedger.None);
            Assert.True(report is { Ok: true, SignedFrom: 1 }, $"{why} {report.Fault?.Detail}");
        }
    }

    [Fact]
    public async Task A_log_torn_anywhere_leaves_a_whole_prefix()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var ledger = await TestLedger.OpenAsync();
        for (var i = 0; i < 30; i++)
        {
            await ledger.Store.WriteAsync(
                t =>
                {
                    t.AppendEvent("s", "1"u8);
                    t.AppendEvent("s", "2"u8);
                    return t.Append(TestLedger.Note(i));
                },
                TestLedger.None);
        }

        var database = await ReadSharedAsync(ledger.DatabasePath);
        var log = await ReadSharedAsync(ledger.DatabasePath + "-wal");
        var head = ledger.Store.Head;
        var hashes = (await ledger.Store.ReadRowsAsync(new LedgerFilter(), TestLedger.None)).Select(r => r.HashHex).ToArray();
        var whole = 0;
        for (var i = 0; i < 40; i++)
        {
            // As a power cut would: only a part of the last writes reached the disk. The first rounds cut anywhere, later ones near the
            // end.
            var cut = i == 0 ? log.Length : random.Next(i < 20 ? 0 : log.Length * 3 / 4, log.Length);
            var torn = log[..cut];
            if (i % 3 == 1)
            {
                torn = [.. torn, .. new byte[Math.Min(4096, log.Length - cut)]];
            }

            var path = Path.Combine(ledger.Folder, $"torn{i}", "ledger.db");
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllBytesAsync(path, database);
            await File.WriteAllBytesAsync(path + "-wal", torn);
            await using var store = await LedgerStore.OpenAsync(ledger.Options with { Path = path }, TimeProvider.System, TestLedger.None);
            var why = $"seed {seed}, round {i}, cut at {cut} of {log.Length}";
            Assert.True((await store.VerifyAsync([], TestLedger.None)).Ok, why);
            if (store.Head.Epoch != head.Epoch)
            {
                // Cut before the ledger's own first commit: it began anew.
                Assert.Equal(1, store.Head.Seq);
                continue;
            }

            Assert.Equal(hashes[store.Head.Seq - 1], store.Head.HashHex);
            Assert.True((await store.ReadEventsAsync("s", 0, 1000, TestLedger.None)).LastSeq == 2 * (store.Head.Seq - 1), why);
            whole += store.Head == head ? 1 : 0;
        }

        Assert.InRange(whole, 1, 39);
    }

    private static async Task<List<(long Row, string Hash, long Event, string Id)>> WriteUntilKilledAsync(
        string path, int lines, params string[] key)
    {
        var self = Path.Combine(AppContext.BaseDirectory, "PocketCoder.Ledger.Tests" + (OperatingSystem.IsWindows() ? ".exe" : ""));
        using var process = Process.Start(Command.Start(self, [CrashWriter.Command, path, .. key]))!;
        var acknowledged = new List<(long, string, long, string)>();
        while (await process.StandardOutput.ReadLineAsync().WaitAsync(Wait.Limit) is { } line)
        {
            // What stands in the pipe after the kill was acknowledged too; only a line cut in two was not.
            if (line.EndsWith(';'))
            {
                var parts = line[..^1].Split(' ');
                acknowledged.Add((long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1],
                    long.Parse(parts[2], CultureInfo.InvariantCulture), parts[3]));
            }

            if (--lines == 0)
            {
                process.Kill();
            }
        }

        await process.WaitForExitAsync();
        Assert.True(lines <= 0, await process.StandardError.ReadToEndAsync());
        return acknowledged;
    }

    private static async Task CheckAsync(LedgerStore store, List<(long Row, string Hash, long Event, string Id)> acknowledged, string why)
    {
        var report = await store.VerifyAsync([.. acknowledged.Select(a => new LedgerCheckpoint(a.Row, a.Hash))], TestLedger.None);
        Assert.True(report.Ok, $"{why}: {report.Fault?.Detail}");

        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var after = 1L; await store.ReadRowsAsync(
            new LedgerFilter { After = after, Limit = 10_000 }, TestLedger.None) is { Count: > 0 } page; after = page[^1].Seq)
        {
            foreach (var row in page)
            {
                Assert.True(BodyView.TryRead(row.Utf8Body.Span, out var body) && rows.TryAdd(body.SessionId!, row.Seq),
                    $"{why}: row {row.Seq} is there twice");
            }
        }

        var events = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var after = 0L; (await store.ReadEventsAsync("crash", after, 10_000, TestLedger.None)).Events is { Count: > 0 } page; after =
            page[^1].Seq)
        {
            foreach (var e in page)
            {
                Assert.True(events.TryAdd(Encoding.UTF8.GetString(e.Utf8Body.Span).Trim('"'), e.Seq),
                    $"{why}: event {e.Seq} is there twice");
            }
        }

        Assert.All(acknowledged, a => Assert.True(rows[a.Id] == a.Row && events[a.Id] == a.Event, $"{why}: {a.Id} moved"));
        // A row and its event were one work: both are there or none.
        Assert.True(rows.Keys.ToHashSet(StringComparer.Ordinal).SetEquals(events.Keys), $"{why}: a work was torn apart");
    }

    private static async Task<byte[]> ReadSharedAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes);
        return bytes;
    }
}
