using PocketCoder.Testing;

namespace PocketCoder.Ledger.Tests;

public sealed class DiskFullTests
{
    private static readonly byte[] s_large = TestLedger.Json($"\"{new string('x', 100_000)}\"");

    [Fact]
    public async Task At_its_limit_the_ledger_refuses_stays_whole_and_goes_on_when_space_returns()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MaxBytes = 2 << 20 });
        await FillAsync(ledger.Store);
        await CheckAsync(ledger);
    }

    [Fact]
    public async Task On_a_really_full_disk_the_ledger_refuses_stays_whole_and_goes_on_when_space_returns()
    {
        await using var ledger = new TestLedger();
        var disk = Path.Combine(ledger.Folder, "disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", disk),
            "this user cannot mount a small disk");
        try
        {
            ledger.Options = ledger.Options with { Path = Path.Combine(disk, "ledger.db") };
            await ledger.ReopenAsync();
            await ledger.Store.WriteAsync(t => t.AppendEvent("large", s_large), TestLedger.None);
            var ballast = Path.Combine(disk, "ballast");
            await FillDiskAsync(ballast);
            await FillAsync(ledger.Store);
            var head = ledger.Store.Head;
            await Failing.WithAsync(
                LedgerError.DiskFull, () => ledger.Store.WriteAsync(t => t.AppendEvent("large", s_large), TestLedger.None));
            Assert.Equal(head, ledger.Store.Head);
            File.Delete(ballast);
            await CheckAsync(ledger);
            await ledger.CloseAsync();
        }
        finally
        {
            Assert.True(await RunAsync("umount", disk));
        }
    }

    [Fact]
    public async Task A_full_disk_fails_every_member_of_the_group_and_none_is_kept()
    {
        await using var ledger = await TestLedger.OpenAsync(o => o with { MaxBytes = 1 << 20 });
        await FillAsync(ledger.Store);
        var head = ledger.Store.Head;
        using var gate = new ManualResetEventSlim();
        using var started = new ManualResetEventSlim();
        var blocker = ledger.Store.WriteAsync(
            _ =>
            {
                started.Set();
                return gate.Wait(Wait.Limit);
            },
            TestLedger.None);
        // The next two gather while the writer is held, so they are one group.
        Assert.True(started.Wait(Wait.Limit));
        var small = ledger.Store.WriteAsync(t => t.Append(TestLedger.Note(1)), TestLedger.None);
        var swallowing = ledger.Store.WriteAsync(
            t =>
            {
                for (var i = 0; i < 3; i++)
                {
                    try
                    {
                        t.AppendEvent("large", s_large);
                    }
                    catch (LedgerException e)
                    {
                        // A work that goes on after a failure must not slip out of the transaction.
                        Assert.Equal(LedgerError.DiskFull, e.Error);
                    }
                }

                return t.Append(TestLedger.Note(2));
            },
            TestLedger.None);
        gate.Set();
        Assert.True(await blocker);
        var outcomes = await Task.WhenAll(OutcomeAsync(small), OutcomeAsync(swallowing));
        Assert.Equal([LedgerError.DiskFull, LedgerError.DiskFull], outcomes);
        Assert.Empty(await ledger.Store.ReadRowsAsync(new LedgerFilter { After = head.Seq }, TestLedger.None));
        Assert.Equal(head, ledger.Store.Head);
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    /// <summary>Appends until there is no space; what was acknowledged must be what is there.</summary>
    private static async Task FillAsync(LedgerStore store)
    {
        var acknowledged = store.Head.Seq;
        for (var i = 0; i < 1000; i++)
        {
            var writes = Enumerable.Range(0, 3).Select(n => OutcomeAsync(store.WriteAsync(
                t =>
                {
                    t.AppendEvent("fill", s_large);
                    return t.Append(TestLedger.Note(n));
                },
                TestLedger.None))).ToArray();
            var outcomes = await Task.WhenAll(writes);
            acknowledged += outcomes.Count(o => o is null);
            Assert.Equal(acknowledged, store.Head.Seq);
            if (outcomes.Any(o => o is not null))
            {
                Assert.All(outcomes, o => Assert.True(o is null or LedgerError.DiskFull, $"{o}"));
                return;
            }
        }

        Assert.Fail("the disk never was full");
    }

    /// <summary>The chain holds, as many events as rows are there, and writing goes on once old events are gone.</summary>
    private static async Task CheckAsync(TestLedger ledger)
    {
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
        var page = await ledger.Store.ReadEventsAsync("fill", 0, 10, TestLedger.None);
        Assert.Equal(ledger.Store.Head.Seq - 1, page.LastSeq);
        await ledger.Store.WriteAsync(t => t.TrimEvents("fill", page.LastSeq), TestLedger.None);
        var position = await ledger.Store.WriteAsync(
            t =>
            {
                t.Append(TestLedger.Note(1));
                return t.AppendEvent("fill", s_large);
            },
            TestLedger.None);
        Assert.Equal(page.LastSeq + 1, position.Seq);
        await ledger.ReopenAsync();
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
        Assert.Equal(position.Seq, (await ledger.Store.ReadEventsAsync("fill", 0, 10, TestLedger.None)).LastSeq);
    }

    private static async Task<LedgerError?> OutcomeAsync(Task write)
    {
        try
        {
            await write;
            return null;
        }
        catch (LedgerException e)
        {
            return e.Error;
        }
    }

    private static async Task FillDiskAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (var i = 0; i < 8; i++)
            {
                await file.WriteAsync(new byte[512 * 1024]);
            }
        }
        catch (IOException)
        {
            return;
        }

        Assert.Fail("the ballast did not fill the disk");
    }

    private static async Task<bool> RunAsync(string program, params string[] arguments)
    {
        try
        {
            return (await Command.RunAsync(program, arguments)).Exit == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
