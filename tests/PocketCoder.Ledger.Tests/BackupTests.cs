using System.Text.Json;

namespace PocketCoder.Ledger.Tests;

public sealed class BackupTests
{
    [Fact]
    public async Task A_backup_made_under_load_is_a_whole_ledger_up_to_some_moment()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(50);
        var target = Path.Combine(ledger.Folder, "copy.db");
        using var stop = new CancellationTokenSource();
        var load = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await ledger.AppendManyAsync(1);
            }
        });
        var report = await ledger.Store.BackupAsync(target, TestLedger.None);
        await stop.CancelAsync();
        await load;
        Assert.True(report.Ok);
        Assert.InRange(report.Rows, 51, ledger.Store.Head.Seq);
        Assert.Equal(await ledger.Store.HashAtAsync(report.Rows, TestLedger.None), report.Head!.HashHex);
        Assert.Equal(report, await LedgerStore.VerifyFileAsync(target, [], TestLedger.None));
        Assert.False(File.Exists(target + ".partial"));
    }

    [Fact]
    public async Task A_backup_never_overwrites()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var target = Path.Combine(ledger.Folder, "copy.db");
        await File.WriteAllTextAsync(target, "mine");
        await Failing.WithAsync(LedgerError.Io, () => ledger.Store.BackupAsync(target, TestLedger.None));
        Assert.Equal("mine", await File.ReadAllTextAsync(target));
        await Failing.WithAsync(
            LedgerError.Io, () => ledger.Store.BackupAsync(Path.Combine(ledger.Folder, "no", "such", "folder.db"), TestLedger.None));
    }

    [Fact]
    public async Task A_ledger_that_does_not_verify_gives_no_backup()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(5);
        ledger.Tamper("UPDATE ledger SET kind = 'device_paired' WHERE seq = 3");
        var target = Path.Combine(ledger.Folder, "copy.db");
        await Failing.WithAsync(LedgerError.Corrupt, () => ledger.Store.BackupAsync(target, TestLedger.None));
        Assert.Empty(Directory.GetFiles(ledger.Folder, "copy*"));
    }

    [Fact]
    public async Task Going_on_from_a_backup_says_so_and_gives_every_stream_a_new_epoch()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var before = await ledger.Store.WriteAsync(t => t.AppendEvent("s", "1"u8), TestLedger.None);
        var target = Path.Combine(ledger.Folder, "copy.db");
        await ledger.Store.BackupAsync(target, TestLedger.None);
        await ledger.Store.WriteAsync(t => t.AppendEvent("s", "\"lost\""u8), TestLedger.None);
        await ledger.AppendManyAsync(3);
        var lost = new LedgerCheckpoint(ledger.Store.Head.Seq, ledger.Store.Head.HashHex);
        var epoch = ledger.Store.Head.Epoch;

        await ledger.CloseAsync();
        ledger.Options = ledger.Options with { Path = target };
        await ledger.ReopenAsync();
        var page = await ledger.Store.ReadEventsAsync("s", 0, 10, TestLedger.None);
        Assert.NotEqual(before.Epoch, page.Epoch);
        Assert.Equal(1, page.LastSeq);
        Assert.Equal(new StreamPosition(page.Epoch!, 2), await ledger.Store.WriteAsync(t => t.AppendEvent("s", "2"u8), TestLedger.None));
        var row = Assert.Single(await ledger.Store.ReadRowsAsync(new LedgerFilter { Kind = LedgerKind.LedgerRestored }, TestLedger.None));
        using var body = JsonDocument.Parse(row.Body);
        Assert.Equal("2026-03-04T05:06:07.089Z", body.RootElement.GetProperty("data").GetProperty("backupAt").GetString());
        Assert.Equal(epoch, ledger.Store.Head.Epoch);
        // The devices that remember a later head hear of it.
        Assert.Equal(LedgerFaultKind.Truncated, (await ledger.Store.VerifyAsync([lost], TestLedger.None)).Fault?.Kind);
        await ledger.ReopenAsync();
        Assert.Equal(page.Epoch, (await ledger.Store.ReadEventsAsync("s", 0, 10, TestLedger.None)).Epoch);
    }
}
