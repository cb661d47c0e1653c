using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace PocketCoder.Ledger.Tests;

/// <summary>
/// A chain in the database counts only when it is the one this machine signed: writing the database is not enough to change what was
/// decided.
/// </summary>
public sealed class TrustTests
{
    private static readonly string s_verifier = Path.Combine(AppContext.BaseDirectory, "verify-ledger.mjs");

    /// <summary>What somebody with the database and without the key may do to a closed ledger of at least eight rows.</summary>
    private static readonly Dictionary<string, Action<TestLedger, Random>> s_attacks = new(StringComparer.Ordinal)
    {
        ["cut the end off"] = (l, r) => Forger.Rechain(l, rows => rows.Take(r.Next(1, rows.Count))),
        ["append a decision of the owner"] = (l, _) => Forger.Append(l, Forger.Decision("forged")),
        ["append a decision with a signature of nothing"] = (l, _) => Forger.Append(
            l, Forger.Decision("forged", $",\"signature\":\"{new string('A', 86)}\"")),
        ["append a decision with the signature of another row"] = (l, _) => Forger.Rechain(
            l, rows => [.. rows, .. Forger.Decision("forged", SignatureOf(rows[^1])).Select((f, i) => f(rows.Count + 1 + i))]),
        ["repeat the last row"] = (l, _) => Forger.Rechain(l, rows => [.. rows, Renumber(rows[^1], rows.Count)]),
        ["change a row and compute every hash anew"] = (l, r) => Forger.Rechain(l, rows =>
        {
            var at = r.Next(
            1, rows.Count); return rows.Select((b, i) => i == at ? b.Replace("\"n\":", "\"m\":", StringComparison.Ordinal) : b);
        }),
        ["drop a row and number the rest anew"] = (l, r) => Forger.Rechain(l, rows =>
        {
            var at = r.Next(1, rows.Count); return rows.Take(at)
            .Concat(rows.Skip(at + 1).Select((b, i) => Renumber(b, at + i)));
        }),
        ["take all signatures away"] = (l, _) => Forger.Rechain(l, rows => rows.Select(Forger.Strip)),
        ["take all signatures away and append a decision"] = (l, _) => Forger.Rechain(
            l, rows => [.. rows.Select(Forger.Strip), .. Forger.Decision("forged").Select((f, i) => f(rows.Count + 1 + i))]),
        ["cut the end off and append a decision"] = (l, r) => Forger.Rechain(l, rows =>
        {
            var kept = r.Next(
            1, rows.Count); return [.. rows.Take(kept), .. Forger.Decision("forged").Select((f, i) => f(kept + 1 + i))];
        }),
        ["begin a new ledger"] = (l, _) => File.Delete(l.DatabasePath),
        ["cut the end off and say it was a backup"] = (l, r) =>
        {
            Forger.Rechain(l, rows => rows.Take(r.Next(2, rows.Count)));
            l.Tamper("INSERT INTO ledger_meta (name, value) VALUES ('backup_at', '2026-01-01T00:00:00.000Z')");
        },
        ["take the head away"] = (l, _) => File.Delete(l.Options.HeadPath!),
        ["break the head"] = (l, r) => File.WriteAllBytes(l.Options.HeadPath!, Mangled(File.ReadAllBytes(l.Options.HeadPath!), r)),
        ["put a head of another key there"] = (l, _) =>
        {
            using var other = new SigningKey();
            new HeadFile(l.Options.HeadPath!).Write(
                new LedgerHead("0011223344556677", 3, new string('a', 64)), TestLedger.Machine, other.Signer);
        },
    };

    public static TheoryData<string> AttackNames => new(s_attacks.Keys);

    [Theory]
    [MemberData(nameof(AttackNames))]
    public async Task Every_change_of_the_database_without_the_key_stops_decisions_until_the_owner_accepts_it(string attack)
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, rows: random.Next(8, 20));
        await ledger.CloseAsync();
        s_attacks[attack](ledger, random);

        var store = await ledger.ReopenAsync();
        var why = $"{attack}, seed {seed}";
        Assert.True(store.Distrust is { Row: not null }, why);
        await RefusesAsync(ledger);
        await ledger.AppendAsync(new LedgerEntry(LedgerKind.MachineStopped)); // ends may still be written
        Assert.False((await store.VerifyAsync([], TestLedger.None)).Ok, why);
        Assert.Equal((1, "BROKEN"), await VerifyExportAsync(ledger, key));

        store = await ledger.ReopenAsync(); // it does not go away by itself, and what was written meanwhile does not bless it
        Assert.True(store.Distrust is { Row: not null }, why);
        await RefusesAsync(ledger);
        var wrong = await Assert.ThrowsAsync<LedgerException>(
            () => store.AcceptAsync(store.Distrust!.Row!.Value + 1, "cli", TestLedger.None));
        Assert.Equal(LedgerError.InvalidData, wrong.Error);

        // Dies between the head and the row that accepts: still told, not accepted.
        await ledger.CloseAsync();
        var found = await LedgerStore.VerifyFileAsync(ledger.DatabasePath, [], TestLedger.None);
        new HeadFile(ledger.Options.HeadPath!).Write(found.Head!, TestLedger.Machine, key.Signer);
        store = await ledger.ReopenAsync();
        await RefusesAsync(ledger);
        var accepted = await store.AcceptAsync(store.Distrust!.Row!.Value, "cli", TestLedger.None);
        Assert.Contains("\"kind\":\"ledger_accepted\"", accepted.Body, StringComparison.Ordinal);
        await DecideAsync(ledger, "after");

        var report = await store.VerifyAsync([], TestLedger.None);
        Assert.True(report.Ok, $"{why}: {report.Fault?.Detail}");
        Assert.Contains(accepted.Seq, report.Accepted);
        Assert.Equal((0, "HOLDS"), await VerifyExportAsync(ledger, key));
        store = await ledger.ReopenAsync();
        Assert.Null(store.Distrust);
        await DecideAsync(ledger, "later");
    }

    [Fact]
    public async Task Whatever_moment_a_process_dies_in_the_head_outside_is_never_ahead_and_raises_no_alarm()
    {
        // Every head file there ever was, with every database that was ever on disk: older or equal heads are a crash, newer ones are a
        // loss.
        using var key = new SigningKey();
        await using var ledger = New(key);
        var moments = new List<(byte[] Head, byte[] Database, long Seq)>();
        for (var i = 0; i < 6; i++)
        {
            await ledger.ReopenAsync();
            await ledger.AppendManyAsync(i);
            var seq = ledger.Store.Head.Seq;
            await ledger.CloseAsync();
            moments.Add((await File.ReadAllBytesAsync(ledger.Options.HeadPath!), await File.ReadAllBytesAsync(ledger.DatabasePath), seq));
        }

        foreach (var (head, _, known) in moments)
        {
            foreach (var (_, database, seq) in moments)
            {
                await ledger.CloseAsync();
                await File.WriteAllBytesAsync(ledger.Options.HeadPath!, head);
                await File.WriteAllBytesAsync(ledger.DatabasePath, database);
                var store = await ledger.ReopenAsync();
                Assert.True(store.Distrust is null == known <= seq, $"head {known}, rows {seq}: {store.Distrust?.Detail}");
            }
        }
    }

    [Fact]
    public async Task A_new_ledger_that_dies_before_its_first_row_raises_no_alarm()
    {
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, 0);
        await ledger.CloseAsync();
        new HeadFile(ledger.Options.HeadPath!).Write(HeadFile.Empty, TestLedger.Machine, key.Signer);
        File.Delete(ledger.DatabasePath);
        Assert.Null((await ledger.ReopenAsync()).Distrust);
        await DecideAsync(ledger, "a");
        Assert.Null((await ledger.ReopenAsync()).Distrust);
    }

    [Fact]
    public async Task A_ledger_from_before_signing_goes_on_without_an_alarm_and_what_is_appended_unsigned_counts_no_more()
    {
        using var key = new SigningKey();
        await using var ledger = New(key);
        var signing = ledger.Options;
        ledger.Options = signing with { Signer = null, HeadPath = null };
        await ledger.ReopenAsync();
        await DecideAsync(ledger, "old");
        var before = ledger.Store.Head.Seq;
        await ledger.CloseAsync();

        // Dies after the head was put outside, before the first signed row.
        ledger.Options = signing;
        var old = await File.ReadAllBytesAsync(ledger.DatabasePath);
        await ledger.ReopenAsync();
        await ledger.CloseAsync();
        new HeadFile(signing.HeadPath!).Write(new LedgerHead((await LedgerStore.VerifyFileAsync(
            ledger.DatabasePath, [], TestLedger.None)).Head!.Epoch, before, await HashAsync(old, before)), TestLedger.Machine, key.Signer);
        await File.WriteAllBytesAsync(ledger.DatabasePath, old);

        var store = await ledger.ReopenAsync();
        Assert.Null(store.Distrust);
        await DecideAsync(ledger, "new");
        var report = await store.VerifyAsync([], TestLedger.None);
        Assert.True(report.Ok, report.Fault?.Detail);
        Assert.Equal(before + 1, report.SignedFrom);
        var rows = await store.ReadRowsAsync(new LedgerFilter(), TestLedger.None);
        Assert.Contains($"\"kind\":\"signing_began\"", rows[(int)before].Body, StringComparison.Ordinal);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"\"unsignedRows\":{before}"), rows[(int)before].Body,
            StringComparison.Ordinal);
        Assert.Equal((0, "HOLDS"), await VerifyExportAsync(ledger, key));

        await ledger.CloseAsync();
        Forger.Append(ledger, Forger.Decision("forged"));
        Assert.Equal(LedgerFaultKind.NotSigned, (await ledger.ReopenAsync()).Distrust?.Kind);

        async Task<string> HashAsync(byte[] database, long seq)
        {
            var path = Path.Combine(ledger.Folder, "old.db");
            await File.WriteAllBytesAsync(path, database);
            return (await LedgerStore.VerifyFileAsync(path, [], TestLedger.None)).Head is { } head
                && head.Seq == seq ? head.HashHex : throw new InvalidOperationException("not where it was");
        }
    }

    [Fact]
    public async Task A_row_that_another_program_writes_while_the_daemon_runs_is_not_taken_over_and_not_signed()
    {
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, 5);
        var head = ledger.Store.Head;
        Forger.Append(ledger, Forger.Decision("forged"));
        for (var i = 0; i < 3; i++)
        {
            var refused = await Assert.ThrowsAsync<LedgerException>(() => ledger.AppendAsync(TestLedger.Note(i)));
            Assert.Equal(LedgerError.Distrusted, refused.Error);
        }

        Assert.NotNull(ledger.Store.Distrust);
        Assert.Equal(head, ledger.Store.Head);
        Assert.Equal(head, ledger.Store.SignHead(key.Signer).Head);
        Assert.False((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
        // only a start looks at what it is
        await Assert.ThrowsAsync<LedgerException>(() => ledger.Store.AcceptAsync(6, "cli", TestLedger.None));
        Assert.Equal(LedgerFaultKind.NotSigned, (await ledger.ReopenAsync()).Distrust?.Kind);
        await RefusesAsync(ledger);
    }

    [Fact]
    public async Task A_head_that_a_device_remembers_stops_decisions_when_this_machine_signed_it_and_the_chain_has_it_not()
    {
        using var key = new SigningKey();
        using var other = new SigningKey();
        await using var ledger = await SignedAsync(key, 8);
        await ledger.CloseAsync();
        var (database, outside) =
            (await File.ReadAllBytesAsync(ledger.DatabasePath), await File.ReadAllBytesAsync(ledger.Options.HeadPath!));
        await ledger.ReopenAsync();
        await ledger.AppendManyAsync(4);
        var newest = ledger.Store.SignHead(key.Signer);
        Assert.False(await ledger.Store.CompareAsync(newest.Head, newest.Signature, "phone", TestLedger.None));

        // Whoever can write both files takes both back: only a device knows.
        await ledger.CloseAsync();
        await File.WriteAllBytesAsync(ledger.DatabasePath, database);
        await File.WriteAllBytesAsync(ledger.Options.HeadPath!, outside);
        var store = await ledger.ReopenAsync();
        Assert.Null(store.Distrust);
        Assert.False(await store.CompareAsync(
            newest.Head, other.Sign(newest.Head.SignedText(TestLedger.Machine)), "phone", TestLedger.None));
        Assert.False(await store.CompareAsync(newest.Head with { Seq = newest.Head.Seq + 1 }, newest.Signature, "phone", TestLedger.None));
        Assert.Null(store.Distrust);

        Assert.True(await store.CompareAsync(newest.Head, newest.Signature, "phone", TestLedger.None));
        await RefusesAsync(ledger);
        store = await ledger.ReopenAsync();
        await RefusesAsync(ledger);
        await store.AcceptAsync(store.Distrust!.Row!.Value, "cli", TestLedger.None);
        Assert.False(await store.CompareAsync(newest.Head, newest.Signature, "phone", TestLedger.None)); // the row says up to where
        await DecideAsync(ledger, "after");
        Assert.False(await (await ledger.ReopenAsync()).CompareAsync(newest.Head, newest.Signature, "phone", TestLedger.None));
    }

    [Fact]
    public async Task A_restored_backup_whose_head_the_restore_signed_goes_on_and_says_what_was_lost()
    {
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, 5);
        var copy = Path.Combine(ledger.Folder, "backup.db");
        var report = await ledger.Store.BackupAsync(copy, TestLedger.None);
        await ledger.AppendManyAsync(3);
        var lost = ledger.Store.SignHead(key.Signer);
        await ledger.CloseAsync();
        File.Copy(copy, ledger.DatabasePath, overwrite: true);
        new HeadFile(ledger.Options.HeadPath!).Write(report.Head!, TestLedger.Machine, key.Signer, lost.Head);

        var store = await ledger.ReopenAsync();
        Assert.Null(store.Distrust);
        var row = (await store.ReadRowsAsync(new LedgerFilter { Kind = LedgerKind.LedgerRestored }, TestLedger.None)).Single();
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"\"seq\":{lost.Head.Seq}}}"), row.Body, StringComparison.Ordinal);
        Assert.False(await store.CompareAsync(lost.Head, lost.Signature, "phone", TestLedger.None));
        await DecideAsync(ledger, "after");
        Assert.False(await (await ledger.ReopenAsync()).CompareAsync(lost.Head, lost.Signature, "phone", TestLedger.None));
    }

    [Fact]
    public async Task Only_the_ledger_itself_writes_that_it_was_accepted()
    {
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, 1);
        foreach (var kind in new[] { LedgerKind.LedgerAccepted, LedgerKind.LedgerDistrusted, LedgerKind.SigningBegan })
        {
            Assert.Equal(LedgerError.Refused,
                (await Assert.ThrowsAsync<LedgerException>(() => ledger.AppendAsync(new LedgerEntry(kind)))).Error);
        }

        await Assert.ThrowsAsync<LedgerException>(() => ledger.Store.AcceptAsync(1, "cli", TestLedger.None));
    }

    [Fact]
    public async Task The_head_file_is_for_its_owner_only()
    {
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, 1);
        await ledger.CloseAsync();
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ledger.Options.HeadPath!));
        }

        Assert.Null(await LedgerStore.CompareFileAsync(
            ledger.DatabasePath, ledger.Options.HeadPath!, TestLedger.Machine, key.Public, TestLedger.None));
        Forger.Append(ledger, Forger.Decision("forged"));
        Assert.NotNull(await LedgerStore.CompareFileAsync(
            ledger.DatabasePath, ledger.Options.HeadPath!, TestLedger.Machine, key.Public, TestLedger.None));
    }

    [Fact]
    public async Task A_decision_without_the_machines_signature_does_not_verify_anywhere_in_the_chain()
    {
        using var key = new SigningKey();
        await using var ledger = await SignedAsync(key, 4);
        await DecideAsync(ledger, "a");
        await ledger.AppendManyAsync(3);
        await ledger.CloseAsync();
        var path = ledger.DatabasePath;
        var whole = await LedgerStore.VerifyFileAsync(path, [], key.Public, TestLedger.None);
        Assert.True(whole.Ok, whole.Fault?.Detail);
        Assert.Equal((1L, true), (whole.SignedFrom, whole.SignaturesChecked > 0));
        Forger.Rechain(ledger, rows => rows.Select(r => r.Contains("approval_decided", StringComparison.Ordinal) ? Forger.Strip(r) : r));
        var stripped = await LedgerStore.VerifyFileAsync(path, [], key.Public, TestLedger.None);
        Assert.Equal(LedgerFaultKind.NotSigned, stripped.Fault?.Kind);
        // also without the key: the form is missing
        Assert.Equal(LedgerFaultKind.NotSigned, (await LedgerStore.VerifyFileAsync(path, [], TestLedger.None)).Fault?.Kind);
    }

    internal static TestLedger New(SigningKey key)
    {
        var ledger = new TestLedger();
        ledger.Options = ledger.Options with { Signer = key.Signer, HeadPath = Path.Combine(ledger.Folder, "ledger.head") };
        return ledger;
    }

    private static async Task<TestLedger> SignedAsync(SigningKey key, int rows)
    {
        var ledger = New(key);
        await ledger.ReopenAsync();
        await ledger.AppendManyAsync(rows);
        return ledger;
    }

    private static async Task DecideAsync(TestLedger ledger, string approval)
    {
        await ledger.AppendAsync(ChainTests.Request(approval));
        await ledger.AppendAsync(ChainTests.Decide(approval, "allow", "once") with
        { Actor = "cli", Data = TestLedger.Json("""{"decision":"allow","scope":"once","by":"cli"}""") });
        await ledger.AppendAsync(ChainTests.Start(approval));
    }

    private static async Task RefusesAsync(TestLedger ledger)
    {
        foreach (var entry in new[] { ChainTests.Request("n"), ChainTests.Decide("n", "allow", "once"), ChainTests.Start("n"),
            TestLedger.Note(1), new LedgerEntry(LedgerKind.DevicePaired), new LedgerEntry(LedgerKind.CommandStarted) })
        {
            var refused = await Assert.ThrowsAsync<LedgerException>(() => ledger.AppendAsync(entry));
            Assert.True(refused.Error == LedgerError.Distrusted, $"{entry.Kind}: {refused.Error}");
            Assert.Contains("pocketcoder ledger accept", refused.Message, StringComparison.Ordinal);
        }
    }

    private static async Task<(int Exit, string Word)> VerifyExportAsync(TestLedger ledger, SigningKey key)
    {
        using var output = new MemoryStream();
        await ledger.Store.ExportAsync(output, key.Signer, TestLedger.None);
        var file = Path.Combine(ledger.Folder, "export.ndjson");
        await File.WriteAllBytesAsync(file, output.ToArray());
        var (exit, text, errors) = await Command.RunAsync("node", [s_verifier, "--key", key.PublicText, file]);
        Assert.True(errors.Length == 0, errors);
        return (exit, text.Split(' ', 2)[0]);
    }

    private static string SignatureOf(string body) => ",\"signature\":\"" + (string)JsonNode.Parse(body)!["signature"]! + "\"";

    private static string Renumber(string body, int before)
    {
        var at = body.IndexOf(",\"at\"", StringComparison.Ordinal);
        return string.Create(CultureInfo.InvariantCulture, $"{{\"v\":1,\"seq\":{before + 1}{body[at..]}");
    }

    private static byte[] Mangled(byte[] file, Random random)
    {
        var text = Encoding.UTF8.GetString(file);
        return Encoding.UTF8.GetBytes(random.Next(3) switch
        {
            0 => text[..random.Next(text.Length)],
            1 => text.Replace("\"seq\":", "\"seq\":1", StringComparison.Ordinal),
            _ => "",
        });
    }
}
