using System.Diagnostics;
using System.Text;
using PocketCoder.Ledger;

namespace PocketCoder.Bench;

/// <summary>Durable appends under load, verification, and the read that a returning client causes.</summary>
internal static class LedgerBench
{
    private const int ResumeEvents = 10_000;

    /// <summary>Sessions that are busy at once; every stream and index tail that is touched costs a page in the log.</summary>
    private const int Sessions = 10;

    public static async Task<int> RunAsync(BenchOptions options)
    {
        var table = new BenchTable($"ledger ({options.Producers} producers, {options.Seconds} s a cell)");
        for (var run = 0; run < options.Runs; run++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(options.Folder, $"pocketcoder-bench-{Guid.CreateVersion7():N}"));
            try
            {
                await RunOnceAsync(Path.Combine(folder.FullName, "ledger.db"), options, table);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }

        table.Print(options.Json);
        return 0;
    }

    private static async Task RunOnceAsync(string path, BenchOptions options, BenchTable table)
    {
        var open = Stopwatch.StartNew();
        await using var store = await LedgerStore.OpenAsync(new LedgerOptions(path, "bench"), TimeProvider.System, CancellationToken.None);
        table.Add("open a new ledger", "ms", open.Elapsed.TotalMilliseconds);

        // Warm-up: the JIT's cost is not the ledger's.
        await LoadAsync(store, options with { Seconds = Math.Min(1, options.Seconds) }, AppendRow, null, "");
        await LoadAsync(store, options, AppendRow, table, "ledger rows (≈600 B)");
        await LoadAsync(store, options, AppendApproval, table, "approval requests (≈600 B, checked)");
        await LoadAsync(store, options, AppendEvent, table, $"stream events (600 B), {Sessions} streams");
        await LoadAsync(store, options, AppendEventApart, table, $"stream events (600 B), {options.Producers} streams");
        await LoadAsync(store, options with { Producers = 1 }, AppendRow, table, "ledger rows, one producer");
        await VerifyAsync(store, table);
        await ResumeAsync(store, table);
    }

    private static async Task LoadAsync(LedgerStore store, BenchOptions options, Action<LedgerTransaction, int, int> work, BenchTable? table, string what)
    {
        var latencies = new List<double>[options.Producers];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, options.Producers).Select(p => Task.Run(() => ProduceAsync(p))));
        var seconds = clock.Elapsed.TotalSeconds;
        var all = latencies.SelectMany(l => l).Order().ToArray();
        table?.Add(what, "durable/s", all.Length / seconds);
        table?.Add(what + ", p50", "ms", all[all.Length / 2]);
        table?.Add(what + ", p99", "ms", all[all.Length * 99 / 100]);

        async Task ProduceAsync(int producer)
        {
            var mine = latencies[producer] = [];
            for (var i = 0; clock.Elapsed.TotalSeconds < options.Seconds; i++)
            {
                var start = Stopwatch.GetTimestamp();
                var n = i;
                await store.WriteAsync(t => work(t, producer, n), CancellationToken.None);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }
    }

    private static readonly byte[] RowData = Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', 420)}}"}""");
    private static readonly byte[] EventBody = Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', 589)}}"}""");
    private static readonly string Digest = new('a', 64);

    private static void AppendRow(LedgerTransaction t, int producer, int n)
        => t.Append(new LedgerEntry(LedgerKind.ConfigurationChanged) { SessionId = Session(producer), Actor = "bench", Data = RowData });

    private static void AppendApproval(LedgerTransaction t, int producer, int n)
        => t.Append(new LedgerEntry(LedgerKind.ApprovalRequested) { SessionId = Session(producer), ApprovalId = Guid.CreateVersion7().ToString(), Digest = Digest, Data = RowData });

    private static void AppendEvent(LedgerTransaction t, int producer, int n) => t.AppendEvent(Session(producer), EventBody);

    private static void AppendEventApart(LedgerTransaction t, int producer, int n) => t.AppendEvent($"apart-{producer}", EventBody);

    private static string Session(int producer) => $"session-{producer % Sessions}";

    private static async Task VerifyAsync(LedgerStore store, BenchTable table)
    {
        var clock = Stopwatch.StartNew();
        var report = await store.VerifyAsync([], CancellationToken.None);
        if (!report.Ok)
        {
            throw new InvalidOperationException(report.Fault!.Detail);
        }

        table.Add("verify", "rows/s", report.Rows / clock.Elapsed.TotalSeconds);
    }

    private static async Task ResumeAsync(LedgerStore store, BenchTable table)
    {
        await store.WriteAsync(
            t =>
            {
                for (var i = 0; i < ResumeEvents; i++)
                {
                    t.AppendEvent("resume", EventBody);
                }
            },
            CancellationToken.None);
        var clock = Stopwatch.StartNew();
        var read = 0;
        for (var after = 0L; await store.ReadEventsAsync("resume", after, 1000, CancellationToken.None) is { Events.Count: > 0 } page; after = page.Events[^1].Seq)
        {
            read += page.Events.Count;
        }

        table.Add($"read {read:#,0} events in pages of 1,000", "ms", clock.Elapsed.TotalMilliseconds);
    }
}
