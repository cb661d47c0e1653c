using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Ledger.Tests;

public sealed class VerifyTests
{
    [Theory]
    [InlineData("an edited body", "UPDATE ledger SET body = replace(body, '\"n\":40', '\"n\":41') WHERE seq = 42", LedgerFaultKind.Altered,
        42)]
    [InlineData("an edited hash", "UPDATE ledger SET hash = randomblob(32) WHERE seq = 42", LedgerFaultKind.Altered, 42)]
    [InlineData("a dropped row", "DELETE FROM ledger WHERE seq = 42", LedgerFaultKind.Gap, 42)]
    [InlineData("a dropped row, closed up", "DELETE FROM ledger WHERE seq = 42; UPDATE ledger SET seq = seq - 1 WHERE seq > 42",
        LedgerFaultKind.Altered, 42)]
    [InlineData("a dropped first row", "DELETE FROM ledger WHERE seq = 1", LedgerFaultKind.Gap, 1)]
    [InlineData("swapped rows",
        "UPDATE ledger SET seq = -1 WHERE seq = 42; UPDATE ledger SET seq = 42 WHERE seq = 43; UPDATE ledger SET seq = 43 WHERE seq = -1",
        LedgerFaultKind.Altered, 42)]
    [InlineData("swapped bodies", "UPDATE ledger SET body = (SELECT body FROM ledger WHERE seq = 43) WHERE seq = 42",
        LedgerFaultKind.Altered, 42)]
    [InlineData("an inserted row",
        "UPDATE ledger SET seq = -seq - 1 WHERE seq >= 42; UPDATE ledger SET seq = -seq WHERE seq < 0; INSERT INTO ledger SELECT 42, hash, body, kind, session_id, approval_id FROM ledger WHERE seq = 10",
        LedgerFaultKind.Altered, 42)]
    [InlineData("an appended row", "INSERT INTO ledger SELECT 302, hash, body, kind, session_id, approval_id FROM ledger WHERE seq = 301",
        LedgerFaultKind.Altered, 302)]
    [InlineData("a row before the first",
        "INSERT INTO ledger SELECT 0, hash, body, kind, session_id, approval_id FROM ledger WHERE seq = 1", LedgerFaultKind.Gap, 1)]
    [InlineData("a body that is no text of UTF-8", "UPDATE ledger SET body = CAST(x'ff7b7d' AS TEXT) WHERE seq = 42",
        LedgerFaultKind.Altered, 42)]
    [InlineData("a drifted kind", "UPDATE ledger SET kind = 'device_paired' WHERE seq = 42", LedgerFaultKind.LookupDrift, 42)]
    [InlineData("a drifted session", "UPDATE ledger SET session_id = NULL WHERE seq = 42", LedgerFaultKind.LookupDrift, 42)]
    [InlineData("a drifted approval", "UPDATE ledger SET approval_id = 'a' WHERE seq = 42", LedgerFaultKind.LookupDrift, 42)]
    [InlineData("another epoch", "UPDATE ledger_meta SET value = 'ffffffffffffffff' WHERE name = 'ledger_epoch'",
        LedgerFaultKind.WrongEpoch, 1)]
    [InlineData("another machine", "UPDATE ledger_meta SET value = 'x' WHERE name = 'machine_id'", LedgerFaultKind.BodyMismatch, 1)]
    [InlineData("no rows", "DELETE FROM ledger", LedgerFaultKind.Truncated, 1)]
    public async Task Every_kind_of_tampering_is_found_at_its_row(string what, string sql, LedgerFaultKind kind, long seq)
    {
        await using var ledger = await TestLedger.OpenAsync();
        await FillAsync(ledger, 300);
        await ledger.CloseAsync();
        Assert.True((await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None)).Ok);
        ledger.Tamper(sql);
        var fault = (await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None)).Fault;
        Assert.True(fault is not null, what);
        Assert.Equal((kind, seq), (fault.Kind, fault.Seq));
    }

    [Fact]
    public async Task A_cut_end_is_found_by_whoever_remembers_it()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await FillAsync(ledger, 300);
        var mark = new LedgerCheckpoint(ledger.Store.Head.Seq, ledger.Store.Head.HashHex);
        await ledger.CloseAsync();
        ledger.Tamper("DELETE FROM ledger WHERE seq > 290");
        Assert.True((await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None)).Ok);
        Assert.Equal(
            new LedgerFault(LedgerFaultKind.Truncated, 301, "row 301 was remembered, but the ledger ends at row 290"),
            (await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [mark], TestLedger.None)).Fault);
    }

    [Fact]
    public async Task A_chain_that_was_computed_anew_is_found_by_whoever_remembers_a_row_of_it()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await FillAsync(ledger, 50);
        var rows = await ledger.Store.ReadRowsAsync(new LedgerFilter(), TestLedger.None);
        await ledger.CloseAsync();
        var previous = rows[19].Hash.ToArray();
        foreach (var row in rows.Skip(20))
        {
            var body = row.Body.Replace("\"n\":19}", "\"n\":1919}", StringComparison.Ordinal);
            previous = SHA256.HashData([.. previous, .. Encoding.UTF8.GetBytes(body)]);
            ledger.Tamper("UPDATE ledger SET hash = $hash, body = $body WHERE seq = $seq", ("$hash", previous), ("$body", body),
                ("$seq", row.Seq));
        }

        Assert.True((await Verify()).Ok);
        Assert.True((await Verify(Mark(20))).Ok);
        Assert.Equal(LedgerFaultKind.Rewritten, (await Verify(Mark(20), Mark(21))).Fault?.Kind);
        Assert.Equal((LedgerFaultKind.Rewritten, 51), ((await Verify(Mark(51))).Fault is { } f ? (f.Kind, f.Seq) : default));

        LedgerCheckpoint Mark(int seq) => new(seq, rows[seq - 1].HashHex);
        Task<VerifyReport> Verify(params LedgerCheckpoint[] marks)
            => LedgerStore.VerifyFileAsync(ledger.DatabasePath, marks, TestLedger.None);
    }

    [Fact]
    public async Task A_row_that_was_never_decided_is_found_even_in_a_whole_chain()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendAsync(ChainTests.Request("a"));
        var head = ledger.Store.Head;
        await ledger.CloseAsync();
        var body = $$$"""{"v":1,"seq":3,"at":"2026-03-04T05:06:07.089Z","kind":"execution_started","machineId":"{{{TestLedger.Machine}}}","approvalId":"a","digest":"{{{new string('a', 64)}}}","data":{}}""";
        var hash = SHA256.HashData([.. Convert.FromHexString(head.HashHex), .. Encoding.UTF8.GetBytes(body)]);
        ledger.Tamper(
            "INSERT INTO ledger VALUES (3, $hash, $body, 'execution_started', NULL, 'a')", ("$hash", hash), ("$body", body));
        Assert.Equal(
            new LedgerFault(LedgerFaultKind.Undecided, 3, "row 3 (execution_started): it starts what was never allowed"),
            (await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None)).Fault);
    }

    [Theory]
    [InlineData("""{"v":1,"seq":3,"kind":"alarm_raised","machineId":"M"}""")]
    [InlineData("""{"v":2,"seq":2,"kind":"alarm_raised","machineId":"M"}""")]
    [InlineData("""{"v":1,"seq":2,"kind":"alarm_raised","machineId":"other"}""")]
    [InlineData("""{"v":1,"seq":2,"kind":7,"machineId":"M"}""")]
    [InlineData("""{"v":1,"seq":2.5,"kind":"alarm_raised","machineId":"M"}""")]
    [InlineData("""{"v":1,"seq":2,"kind":"alarm_raised","machineId":"M","data":[]}""")]
    [InlineData("""{"v":1,"seq":2,"machineId":"M","data":{}}""")]
    [InlineData("""[1]""")]
    [InlineData("""{"v":1,"seq":2""")]
    [InlineData("""{"v":1,"seq":2,"kind":"alarm_raised","machineId":"M","data":{}} {}""")]
    public async Task A_chained_row_with_a_wrong_body_is_found(string body)
    {
        body = body.Replace("\"M\"", $"\"{TestLedger.Machine}\"", StringComparison.Ordinal);
        await using var ledger = await TestLedger.OpenAsync();
        var head = ledger.Store.Head;
        await ledger.CloseAsync();
        var hash = SHA256.HashData([.. Convert.FromHexString(head.HashHex), .. Encoding.UTF8.GetBytes(body)]);
        ledger.Tamper("INSERT INTO ledger VALUES (2, $hash, $body, 'alarm_raised', NULL, NULL)", ("$hash", hash), ("$body", body));
        var fault = (await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None)).Fault;
        Assert.Equal((LedgerFaultKind.BodyMismatch, 2), (fault!.Kind, fault.Seq));
    }

    [Fact]
    public async Task The_running_store_finds_that_its_file_was_changed_under_it()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await FillAsync(ledger, 10);
        ledger.Tamper("DELETE FROM ledger WHERE seq > 5");
        Assert.Equal(LedgerFaultKind.Truncated, (await ledger.Store.VerifyAsync([], TestLedger.None)).Fault?.Kind);
    }

    [Fact]
    public async Task Verification_goes_on_over_many_pages_while_rows_are_appended()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await FillAsync(ledger, (2 * ChainVerifier.PageSize) + 5);
        var verification = ledger.Store.VerifyAsync([], TestLedger.None);
        await ledger.AppendManyAsync(20);
        var report = await verification;
        Assert.True(report.Ok, report.Fault?.Detail);
        Assert.InRange(report.Rows, (2 * ChainVerifier.PageSize) + 6, (2 * ChainVerifier.PageSize) + 26);
        Assert.Equal(report.Head!.HashHex, await ledger.Store.HashAtAsync(report.Head.Seq, TestLedger.None));
    }

    [Fact]
    public async Task A_damaged_file_is_reported_not_thrown()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        await using var ledger = await TestLedger.OpenAsync();
        await FillAsync(ledger, 200);
        var mark = new LedgerCheckpoint(ledger.Store.Head.Seq, ledger.Store.Head.HashHex);
        await ledger.CloseAsync();
        var whole = await File.ReadAllBytesAsync(ledger.DatabasePath);
        var rows = Encoding.Latin1.GetString(whole).IndexOf("configuration_changed", StringComparison.Ordinal);
        for (var i = 0; i < 150; i++)
        {
            // Anywhere: header, B-tree pages, bodies, hashes.
            var damaged = whole.ToArray();
            var at = i % 2 == 0 ? random.Next(damaged.Length) : random.Next(rows, damaged.Length);
            damaged.AsSpan(at, Math.Min(random.Next(1, 64), damaged.Length - at)).Fill((byte)random.Next(256));
            await File.WriteAllBytesAsync(ledger.DatabasePath, damaged);
            try
            {
                var report = await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [mark], TestLedger.None);
                if (report.Ok)
                {
                    // Damage in unused space is none: the rows are the very same.
                    Assert.Equal(mark.HashHex, report.Head!.HashHex);
                }
            }
            catch (LedgerException e)
            {
                Assert.True(e.Error is LedgerError.Io or LedgerError.ReadOnly or LedgerError.Busy,
                    $"seed {seed}, round {i}: {e.Error} {e.Message}");
            }
        }
    }

    [Fact]
    public async Task A_missing_file_is_an_error_not_a_verdict()
    {
        await using var ledger = new TestLedger();
        await Failing.WithAsync(LedgerError.Io, () => LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None));
    }

    private static Task FillAsync(TestLedger ledger, int rows) => ledger.Store.WriteAsync(
        t =>
        {
            for (var i = 0; i < rows; i++)
            {
                t.Append(TestLedger.Note(i));
            }
        },
        TestLedger.None);
}
