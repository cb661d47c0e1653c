using System.Security.Cryptography;
using System.Text;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Platform;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Ledger;

/// <summary>
/// A daemon whose database somebody else wrote: it starts, says so everywhere, decides and starts nothing, and goes on when its owner wants
/// it.
/// </summary>
public sealed class DistrustTests
{
    [Fact]
    public async Task A_forged_decision_in_the_database_stops_everything_that_decides_until_the_owner_accepts_it()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        await daemon.RestartAsync();
        await daemon.Daemon.StopAsync("test");
        Forge(daemon.Options.Home.Database);
        await daemon.RestartAsync();
        var target = daemon.Daemon.AsOwner();

        await using var again = await phone.Device.AgainAsync(daemon.Url);
        var warning = again.Hello.Machine.Warnings[0];
        Assert.Contains("not the one this machine signed", warning, StringComparison.Ordinal);
        Assert.Equal(warning, (await target.StatusAsync(CancellationToken.None)).Warnings[0]);
        var verified = await target.VerifyLedgerAsync(CancellationToken.None);
        Assert.False(verified.Intact);
        var row = verified.FirstBadSeq!.Value;
        Assert.Contains($"pocketcoder ledger accept {row}", warning, StringComparison.Ordinal);

        var session = new AgentSessionNewRequest(
            Guid.CreateVersion7(), Guid.CreateVersion7(), phone.Project.ProjectId, "stub", "run: touch no.txt");
        var refused = await Assert.ThrowsAsync<WireErrorException>(() => again.AskAsync(
            MessageTypes.AgentSessionNew, session, ProtocolJson.Default.AgentSessionNewRequest,
            ProtocolJson.Default.AgentSessionNewResponse));
        Assert.Equal(ErrorCode.LedgerDistrusted, refused.Error.Code);
        Assert.Equal(ErrorCode.LedgerDistrusted, (await Assert.ThrowsAsync<ControlException>(() => daemon.LinkAsync())).Code);
        Assert.Equal(ErrorCode.LedgerDistrusted, (await Assert.ThrowsAsync<ControlException>(
            () => target.AddNetworkRuleAsync(phone.Project.ProjectId, "one.test:443", 1, CancellationToken.None))).Code);
        Assert.Equal(ErrorCode.InvalidRequest,
            (await Assert.ThrowsAsync<ControlException>(() => target.AcceptLedgerAsync(row - 1, CancellationToken.None))).Code);

        await target.AcceptLedgerAsync(row, CancellationToken.None);
        Assert.DoesNotContain((await target.StatusAsync(CancellationToken.None)).Warnings,
            w => w.Contains("not the one", StringComparison.Ordinal));
        verified = await target.VerifyLedgerAsync(CancellationToken.None);
        Assert.True(verified.Intact, verified.Problem);
        Assert.Single(verified.Accepted);
        await using var after = await daemon.PhoneAsync("after");
        await after.StartAsync("run: true");
        await after.Device.DecideAsync(await after.AskedAsync(), DecisionVerdict.Allow);
        await after.DoneAsync();
    }

    [Fact]
    public async Task What_only_a_device_remembers_stops_decisions_too_and_what_the_machine_did_not_sign_does_not()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var home = daemon.Options.Home;
        await daemon.Daemon.StopAsync("test");
        var (database, head) = (await File.ReadAllBytesAsync(home.Database), await File.ReadAllBytesAsync(home.LedgerHead));
        await daemon.RestartAsync();
        await using var second = await phone.Device.AgainAsync(daemon.Url);
        var remembered = second.Hello.Ledger;
        await daemon.Daemon.StopAsync("test");
        await File.WriteAllBytesAsync(home.Database, database);
        await File.WriteAllBytesAsync(home.LedgerHead, head);
        await daemon.RestartAsync();

        await using var third = await phone.Device.AgainAsync(daemon.Url);
        await AskAsync(third, remembered with { Seq = remembered.Seq + 50 });
        Assert.DoesNotContain("not the one", string.Concat((await StatusAsync(daemon)).Warnings), StringComparison.Ordinal);
        await AskAsync(third, remembered);
        Assert.Contains("not the one this machine signed", (await StatusAsync(daemon)).Warnings[0], StringComparison.Ordinal);
        Assert.False((await daemon.Daemon.AsOwner().VerifyLedgerAsync(CancellationToken.None)).Intact);

        static Task<LedgerHeadResponse> AskAsync(TestDevice device, LedgerHead head) => device.AskAsync(
            MessageTypes.LedgerHead, new LedgerHeadRequest(head.Seq, head), ProtocolJson.Default.LedgerHeadRequest,
            ProtocolJson.Default.LedgerHeadResponse);
    }

    [Fact]
    public async Task A_cut_end_is_told_by_the_file_outside_and_how_far_the_answer_reaches_by_the_devices_that_connected()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var target = daemon.Daemon.AsOwner();
        var verified = await target.VerifyLedgerAsync(CancellationToken.None);
        Assert.True(verified.Intact);
        Assert.Contains(verified.NotChecked, l => l.Contains(
            "none connected since the daemon started. Whether the end was cut off together with ledger.head, only they can tell",
            StringComparison.Ordinal));

        // What a device remembers, and is there, is how far the answer reaches; what is not in the chain confirms nothing.
        var head = phone.Device.Hello.Ledger;
        await RememberAsync(phone.Device, head with { Hash = new string('a', 64), Seq = head.Seq - 1 });
        Assert.Contains((await target.VerifyLedgerAsync(CancellationToken.None)).NotChecked,
            l => l.Contains("none connected", StringComparison.Ordinal));
        await RememberAsync(phone.Device, head);
        verified = await target.VerifyLedgerAsync(CancellationToken.None);
        Assert.Contains(verified.Checked,
            l => l.EndsWith($"the newest row that one of them remembered is {head.Seq}", StringComparison.Ordinal));
        Assert.Contains(verified.NotChecked, l => l.StartsWith($"whether rows above {head.Seq} were cut off", StringComparison.Ordinal));

        // Triggers dropped, rows deleted, the file outside left as it was.
        await daemon.Daemon.StopAsync("test");
        Rewrite(daemon.Options.Home.Database, rows => [.. rows.Take(rows.Count - 2)]);
        await daemon.RestartAsync();
        verified = await daemon.Daemon.AsOwner().VerifyLedgerAsync(CancellationToken.None);
        Assert.False(verified.Intact);
        Assert.Contains("not the one this machine signed", (await StatusAsync(daemon)).Warnings[0], StringComparison.Ordinal);

        static Task RememberAsync(TestDevice device, LedgerHead remembered) => device.AskAsync(
            MessageTypes.LedgerHead, new LedgerHeadRequest(null, remembered), ProtocolJson.Default.LedgerHeadRequest,
            ProtocolJson.Default.LedgerHeadResponse);
    }

    [Fact]
    public async Task A_home_without_a_head_file_from_before_goes_on_and_has_one()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await daemon.Daemon.StopAsync("test");
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(daemon.Options.Home.LedgerHead));
        }

        Unsign(daemon.Options.Home.Database);
        File.Delete(daemon.Options.Home.LedgerHead);
        await daemon.RestartAsync();
        var verified = await daemon.Daemon.AsOwner().VerifyLedgerAsync(CancellationToken.None);
        Assert.True(verified is { Intact: true, SignedFrom: > 1 }, verified.Problem);
        Assert.Contains(verified.NotChecked, l => l.Contains("unsigned, from before row", StringComparison.Ordinal));
        Assert.True(File.Exists(daemon.Options.Home.LedgerHead));
    }

    private static Task<ControlStatus> StatusAsync(TestDaemon daemon) => daemon.Daemon.AsOwner().StatusAsync(CancellationToken.None);

    private static void Forge(string database) => Rewrite(database, rows =>
    {
        var machine = System.Text.Json.JsonDocument.Parse(rows[0]).RootElement.GetProperty("machineId").GetString();
        var digest = new string('a', 64);
        string Row(int seq, string kind, string data)
            => $$"""{"v":1,"seq":{{seq}},"at":"2026-03-04T05:06:07.089Z","kind":"{{kind}}","machineId":"{{machine}}","approvalId":"forged","actor":"cli","digest":"{{digest}}","data":{{data}}}""";
        return [.. rows, Row(rows.Count + 1, "approval_requested", "{}"),
            Row(rows.Count + 2, "approval_decided", """{"decision":"allow","scope":"once","by":"cli"}""")];
    });

    /// <summary>The chain as a version without signatures would have written it.</summary>
    private static void Unsign(string database) => Rewrite(database, rows => [.. rows.Select(r =>
        r.LastIndexOf(",\"signature\":\"", StringComparison.Ordinal) is >= 0 and var at ? r[..at] + "}" : r)]);

    private static void Rewrite(string database, Func<IReadOnlyList<string>, IReadOnlyList<string>> edit)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        var rows = new List<(string Body, string Kind, object Session, object Approval)>();
        using (var read = connection.CreateCommand())
        {
            read.CommandText = "SELECT body, kind, session_id, approval_id FROM ledger ORDER BY seq";
            using var reader = read.ExecuteReader();
            while (reader.Read())
            {
                rows.Add((reader.GetString(0), reader.GetString(1), reader.GetValue(2), reader.GetValue(3)));
            }
        }

        var triggers = Run(connection, "SELECT group_concat(sql, ';;') FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger'");
        Run(connection, "DROP TRIGGER ledger_no_update; DROP TRIGGER ledger_no_delete; DROP TRIGGER ledger_in_order; DELETE FROM ledger");
        var hash = new byte[32];
        var bodies = edit([.. rows.Select(r => r.Body)]);
        for (var i = 0; i < bodies.Count; i++)
        {
            hash = SHA256.HashData([.. hash, .. Encoding.UTF8.GetBytes(bodies[i])]);
            var root = System.Text.Json.JsonDocument.Parse(bodies[i]).RootElement;
            using var insert = connection.CreateCommand();
            insert.CommandText =
                "INSERT INTO ledger (seq, hash, body, kind, session_id, approval_id) VALUES ($seq, $hash, $body, $kind, $session, $approval)";
            insert.Parameters.AddWithValue("$seq", i + 1);
            insert.Parameters.AddWithValue("$hash", hash);
            insert.Parameters.AddWithValue("$body", bodies[i]);
            insert.Parameters.AddWithValue("$kind", root.GetProperty("kind").GetString());
            insert.Parameters.AddWithValue("$session", i < rows.Count ? rows[i].Session : DBNull.Value);
            insert.Parameters.AddWithValue("$approval", i < rows.Count ? rows[i].Approval : "forged");
            insert.ExecuteNonQuery();
        }

        foreach (var trigger in triggers!.Split(";;"))
        {
            Run(connection, trigger);
        }
    }

    private static string? Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() as string;
    }
}
