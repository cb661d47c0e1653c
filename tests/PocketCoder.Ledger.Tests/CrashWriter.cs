using System.Globalization;

namespace PocketCoder.Ledger.Tests;

/// <summary>
/// The process that is killed: 32 producers write a row and an event each, over and over, and one line is printed for
/// each acknowledged write: <c>rowSeq rowHash eventSeq id;</c>.
/// </summary>
internal static class CrashWriter
{
    public const string Command = "crash-writer";

    public static async Task<int> RunAsync(string path, string? key = null)
    {
        using var signing = key is null ? null : new SigningKey(key);
        await using var store = await LedgerStore.OpenAsync(new LedgerOptions(path, TestLedger.Machine)
        { Signer = signing?.Signer, HeadPath = signing is null ? null : HeadOf(path) }, TimeProvider.System, CancellationToken.None);
        var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => ProduceAsync(store, output)));
        return 0;
    }

    public static string HeadOf(string path) => Path.Combine(Path.GetDirectoryName(path)!, "ledger.head");

    private static async Task ProduceAsync(LedgerStore store, TextWriter output)
    {
        // Ends by the kill; the bound is for a parent that died first.
        for (var i = 0; i < 100_000; i++)
        {
            var id = Guid.CreateVersion7();
            var (row, position) = await store.WriteAsync(
                t => (
                    t.Append(new LedgerEntry(LedgerKind.SessionStarted) { SessionId = id.ToString("N") }),
                    t.AppendEvent("crash", TestLedger.Json($"\"{id:N}\""))),
                CancellationToken.None);
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{row.Seq} {row.HashHex} {position.Seq} {id:N};"));
        }
    }
}
