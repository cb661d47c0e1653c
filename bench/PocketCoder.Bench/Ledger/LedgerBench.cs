using System.Diagnostics;
using System.Text;
using PocketCoder.Bench.Results;
using PocketCoder.Ledger;

namespace PocketCoder.Bench.Ledgers;

/// <summary>Durable appends under load, and verification: the storage alone, in this process.</summary>
internal static class LedgerBench
{
    private const int Producers = 200;

    /// <summary>Sessions that are busy at once; every stream and index tail that is touched costs a page in the log.</summary>
    private const int Sessions = 10;

    private static readonly byte[] s_rowData = Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', 420)}}"}""");
    private static readonly byte[] s_eventBody = Encoding.UTF8.GetBytes($$"""{"text":"{{new string('x', 589)}}"}""");

    public static async Task RunAsync(BenchOptions options, Measured measured)
    {
        for (var run = 0; run < options.Runs; run++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(options.Folder, Guid.CreateVersion7().ToString("N")));
            try
            {
                Sync(folder, measured);
                await RunOnceAsync(Path.Combine(folder.FullName, "ledger.db"), options, measured);
            }
            finally
            {
                folder.Delete(recursive: true);
            }
        }
    }

    private static async Task RunOnceAsync(string path, BenchOptions options, Measured measured)
    {
        await using var store = await LedgerStore.OpenAsync(new LedgerOptions(path, "bench"), TimeProvider.System, CancellationToken.None);

        // Warm-up: the JIT's cost is not the ledger's.
        await LoadAsync(store, Producers, options.LedgerLoad / 3, AppendRow);
        var (rows, latencies) = await LoadAsync(store, Producers, options.LedgerLoad, AppendRow);
        measured.Add(Claims.Append, rows);
        measured.AddPercentiles(latencies, null, Claims.AppendP99);
        measured.Add(Claims.Events, (await LoadAsync(store, Producers, options.LedgerLoad, AppendEvent)).PerSecond);
        measured.Add(Claims.AppendAlone, (await LoadAsync(store, 1, options.LedgerLoad / 3, AppendRow)).PerSecond);
        await VerifyAsync(store, measured);
    }

    /// <summary>Each producer appends one row and waits until it is durable, again and again.</summary>
    private static async Task<(double PerSecond, List<double> Milliseconds)> LoadAsync(
        LedgerStore store, int producers, TimeSpan time, Action<LedgerTransaction, int> work)
    {
        var clock = Stopwatch.StartNew();
        var latencies = await Task.WhenAll(Enumerable.Range(0, producers).Select(p => Task.Run(() => ProduceAsync(p))));
        var seconds = clock.Elapsed.TotalSeconds;
        List<double> all = [.. latencies.SelectMany(l => l)];
        return (all.Count / seconds, all);

        async Task<List<double>> ProduceAsync(int producer)
        {
            List<double> mine = [];
            while (clock.Elapsed < time)
            {
                var start = Stopwatch.GetTimestamp();
                await store.WriteAsync(t => work(t, producer), CancellationToken.None);
                mine.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            return mine;
        }
    }

    private static void AppendRow(LedgerTransaction t, int producer)
        => t.Append(new LedgerEntry(LedgerKind.ConfigurationChanged) { SessionId = Session(producer), Actor = "bench", Data = s_rowData });

    private static void AppendEvent(LedgerTransaction t, int producer) => t.AppendEvent(Session(producer), s_eventBody);

    private static string Session(int producer) => $"session-{producer % Sessions}";

    private static async Task VerifyAsync(LedgerStore store, Measured measured)
    {
        var clock = Stopwatch.StartNew();
        var report = await store.VerifyAsync([], CancellationToken.None);
        measured.Add(Claims.Verify,
            report.Ok ? report.Rows / clock.Elapsed.TotalSeconds : throw new InvalidOperationException(report.Fault!.Detail));
    }

    /// <summary>What the disk itself takes: no number about durability means anything without it.</summary>
    private static void Sync(DirectoryInfo folder, Measured measured)
    {
        const int Times = 100;
        var block = new byte[4_096];
        List<double> took = [];
        using var file = new FileStream(
            Path.Combine(folder.FullName, "sync"), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);

        // Overwriting, as a database does with its log most of the time: a file that grows costs the file system's own log too.
        file.Write(new byte[Times * block.Length]);
        file.Flush(flushToDisk: true);
        file.Position = 0;
        for (var i = 0; i < Times; i++)
        {
            var start = Stopwatch.GetTimestamp();
            file.Write(block);
            file.Flush(flushToDisk: true);
            took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        measured.AddPercentiles(took, Claims.Sync, null);
    }
}
