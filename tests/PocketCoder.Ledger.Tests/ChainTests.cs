using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace PocketCoder.Ledger.Tests;

public sealed class ChainTests
{
    private static readonly string s_digest = new('a', 64);
    private static readonly string s_other = new('b', 64);

    [Theory]
    [InlineData("\u624b\u673a")]
    [InlineData("J\u00fcrgens Handy \U0001f4f1")]
    [InlineData("\u0643\u0631\u064a\u0645")]
    public async Task Somebody_is_named_in_any_script_and_the_row_stays_printable_ascii(string name)
    {
        await using var ledger = await TestLedger.OpenAsync();
        var row = await ledger.AppendAsync(new LedgerEntry(LedgerKind.ConfigurationChanged) { Actor = name });
        Assert.All(row.Body, c => Assert.InRange(c, ' ', '~'));
        Assert.Equal(name, (string?)System.Text.Json.Nodes.JsonNode.Parse(row.Body)!["actor"]);
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\u0007b")]
    [InlineData("a\u0085b")]
    [InlineData("half \ud83d")]
    public async Task Nobody_is_named_by_nothing_by_control_characters_or_by_half_a_character(string name)
    {
        await using var ledger = await TestLedger.OpenAsync();
        var head = ledger.Store.Head;
        await Failing.WithAsync(
            LedgerError.InvalidData, () => ledger.AppendAsync(new LedgerEntry(LedgerKind.ConfigurationChanged) { Actor = name }));
        Assert.Equal(head, ledger.Store.Head);
    }

    [Fact]
    public async Task Every_hash_covers_the_hash_before_and_the_exact_text()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(20);
        var previous = new byte[32];
        foreach (var row in await ledger.Store.ReadRowsAsync(new LedgerFilter(), TestLedger.None))
        {
            Assert.Equal(SHA256.HashData([.. previous, .. Encoding.UTF8.GetBytes(row.Body)]), row.Hash.ToArray());
            previous = row.Hash.ToArray();
        }

        Assert.Equal(ledger.Store.Head.HashHex, Convert.ToHexStringLower(previous));
        Assert.Equal(ledger.Store.Head.HashHex, await ledger.Store.HashAtAsync(21, TestLedger.None));
        Assert.Null(await ledger.Store.HashAtAsync(22, TestLedger.None));
        Assert.Null(await ledger.Store.HashAtAsync(0, TestLedger.None));
    }

    [Fact]
    public async Task The_body_has_all_fields_in_the_documented_order()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var row = await ledger.AppendAsync(new LedgerEntry(LedgerKind.ApprovalRequested)
        {
            SessionId = "s",
            TurnId = "t",
            ApprovalId = "a",
            DeviceId = "d",
            Actor = "agent:claude",
            Sandbox = "bubblewrap",
            Digest = s_digest,
            Data = TestLedger.Json("""{ "command" : ["rm", "-rf", "\u202e/"], "snow": "☃", "big": 1e400 }"""),
        });
        Assert.Equal(
            $$$"""{"v":1,"seq":2,"at":"2026-03-04T05:06:07.089Z","kind":"approval_requested","machineId":"{{{TestLedger.Machine}}}","sessionId":"s","turnId":"t","approvalId":"a","deviceId":"d","actor":"agent:claude","sandbox":"bubblewrap","digest":"{{{s_digest}}}","data":{"command":["rm","-rf","\u202E/"],"snow":"\u2603","big":1e400}}""",
            row.Body);
    }

    [Fact]
    public async Task Bodies_are_ascii_whatever_the_text()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var nasty = "\u202e‮\u0001\u2028😀\"\\</script>\n";
        var data = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { [nasty] = nasty });
        var row = await ledger.AppendAsync(new LedgerEntry(LedgerKind.AlarmRaised) { Actor = "machine", Data = data });
        Assert.All(row.Body, c => Assert.InRange(c, ' ', '~'));
        using var document = JsonDocument.Parse(row.Body);
        Assert.Equal(nasty, document.RootElement.GetProperty("data").GetProperty(nasty).GetString());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":{"b":1,"b":2}}""")]
    [InlineData("""{"a":"\ud800"}""")]
    [InlineData("\u00a0")]
    public void Data_must_be_one_object_without_duplicate_names(string json)
        => Assert.Equal(LedgerError.InvalidData,
            Assert.Throws<LedgerException>(() => new LedgerEntry(LedgerKind.AlarmRaised) { Data = TestLedger.Json(json) }).Error);

    [Fact]
    public void Data_must_be_valid_utf8()
        => Assert.Equal(LedgerError.InvalidData, Assert.Throws<LedgerException>(
            () => new LedgerEntry(LedgerKind.AlarmRaised) { Data = (byte[])[.. "{\"a\":\""u8, 0xff, .. "\"}"u8] }).Error);

    [Fact]
    public async Task What_is_no_row_is_refused_and_changes_nothing()
    {
        await using var ledger = await TestLedger.OpenAsync();
        var head = ledger.Store.Head;
        LedgerEntry[] invalid =
        [
            new("approval_granted"),
            new(LedgerKind.AlarmRaised) { SessionId = "" },
            new(LedgerKind.AlarmRaised) { SessionId = new string('x', 257) },
            new(LedgerKind.AlarmRaised) { DeviceId = "a\nb" },
            new(LedgerKind.AlarmRaised) { Actor = "\ud800" },
            new(LedgerKind.AlarmRaised) { Sandbox = "\u202enone" },
            new(LedgerKind.AlarmRaised) { Digest = s_digest.ToUpperInvariant() },
            new(LedgerKind.AlarmRaised) { Digest = "abc" },
        ];
        foreach (var entry in invalid)
        {
            await Failing.WithAsync(LedgerError.InvalidData, () => ledger.AppendAsync(entry));
        }

        var large = new LedgerEntry(LedgerKind.AlarmRaised)
        { Data = TestLedger.Json($$"""{"x":"{{new string('x', LedgerLimits.MaxBodyBytes)}}"}""") };
        await Failing.WithAsync(LedgerError.TooLarge, () => ledger.AppendAsync(large));
        Assert.Equal(head, ledger.Store.Head);
        await ledger.AppendManyAsync(1);
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    [Theory]
    [InlineData("UPDATE ledger SET kind = 'x' WHERE seq = 1")]
    [InlineData("UPDATE ledger SET body = '{}'")]
    [InlineData("UPDATE ledger SET seq = 9 WHERE seq = 1")]
    [InlineData("DELETE FROM ledger")]
    [InlineData("DELETE FROM ledger WHERE seq = 2")]
    [InlineData("INSERT INTO ledger (seq, hash, body, kind) VALUES (9, zeroblob(32), '{}', 'x')")]
    [InlineData("INSERT INTO ledger (hash, body, kind) VALUES (zeroblob(32), '{}', 'x')")]
    [InlineData("INSERT OR REPLACE INTO ledger (seq, hash, body, kind) VALUES (2, zeroblob(32), '{}', 'x')")]
    [InlineData("INSERT OR IGNORE INTO ledger (seq, hash, body, kind) VALUES (2, zeroblob(32), '{}', 'x')")]
    [InlineData("INSERT INTO ledger (seq, hash, body, kind) VALUES (2, zeroblob(32), '{}', 'x') ON CONFLICT (seq) DO UPDATE SET kind = 'x'")]
    public async Task The_table_refuses_every_change_even_from_other_tools(string sql)
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(2);
        await ledger.CloseAsync();
        await using (var connection = new SqliteConnection($"Data Source={ledger.DatabasePath};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            Assert.Contains("append-only", Assert.Throws<SqliteException>(() => command.ExecuteNonQuery()).Message,
                StringComparison.Ordinal);
        }

        await ledger.ReopenAsync();
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
        Assert.Equal(3, ledger.Store.Head.Seq);
    }

    [Fact]
    public async Task Rows_are_found_by_kind_session_and_approval_from_both_ends()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendManyAsync(9);
        await ledger.AppendAsync(Request("a1"));
        await ledger.AppendAsync(Request("a2"));
        Assert.Equal([2L, 5, 8], await Find(new LedgerFilter { SessionId = "s0" }));
        Assert.Equal([8L, 5], await Find(new LedgerFilter { SessionId = "s0", NewestFirst = true, Limit = 2 }));
        Assert.Equal([2L], await Find(new LedgerFilter { SessionId = "s0", NewestFirst = true, After = 5 }));
        Assert.Equal([5L, 8], await Find(new LedgerFilter { SessionId = "s0", After = 2 }));
        Assert.Equal([11L, 12], await Find(new LedgerFilter { Kind = LedgerKind.ApprovalRequested }));
        Assert.Equal([12L], await Find(new LedgerFilter { ApprovalId = "a2", Kind = LedgerKind.ApprovalRequested }));
        Assert.Empty(await Find(new LedgerFilter { ApprovalId = "a2", SessionId = "s0" }));

        async Task<IEnumerable<long>> Find(LedgerFilter filter)
            => (await ledger.Store.ReadRowsAsync(filter, TestLedger.None)).Select(r => r.Seq);
    }

    [Fact]
    public async Task The_good_order_of_a_decision_passes()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendAsync(Request("a"));
        await ledger.AppendAsync(Decide("a", "allow", "once"));
        await ledger.AppendAsync(Start("a"));
        await ledger.AppendAsync(
            new LedgerEntry(LedgerKind.ExecutionFinished) { ApprovalId = "a", Data = TestLedger.Json("""{"exit":0}""") });
        await ledger.AppendAsync(Request("b"));
        await ledger.AppendAsync(new LedgerEntry(LedgerKind.ApprovalExpired) { ApprovalId = "b" });
        await ledger.AppendAsync(Request("c"));
        await ledger.AppendAsync(Decide("c", "allow", "session"));
        await ledger.AppendAsync(Start("c"));
        await ledger.AppendAsync(Start("c"));
        await ledger.AppendAsync(new LedgerEntry(LedgerKind.ExecutionUnknown) { ApprovalId = "c" });
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    public static TheoryData<string> WrongOrders => new(s_orders.Keys);

    private static readonly Dictionary<string, LedgerEntry[]> s_orders = new(StringComparer.Ordinal)
    {
        ["execution without a request"] = [Start("a")],
        ["execution without a decision"] = [Request("a"), Start("a")],
        ["execution after a denial"] = [Request("a"), Decide("a", "deny"), Start("a")],
        ["execution after expiry"] = [Request("a"), new(LedgerKind.ApprovalExpired) { ApprovalId = "a" }, Start("a")],
        ["execution of another digest"] = [Request("a"), Decide("a", "allow"), Start("a") with { Digest = s_other }],
        ["execution without a digest"] = [Request("a"), Decide("a", "allow"), Start("a") with { Digest = null }],
        ["execution of another approval"] = [Request("a"), Decide("a", "allow"), Start("b")],
        ["execution without an approval"] = [new(LedgerKind.ExecutionStarted) { Digest = s_digest }],
        ["a second execution of what was allowed once"] = [Request("a"), Decide("a", "allow", "once"), Start("a"), Start("a")],
        ["an end without a start"] = [Request("a"), Decide("a", "allow"), new(LedgerKind.ExecutionFinished) { ApprovalId = "a" }],
        ["an unknown end without a start"] = [Request("a"), Decide("a", "allow"), new(LedgerKind.ExecutionUnknown) { ApprovalId = "a" }],
        ["a decision without a request"] = [Decide("a", "allow")],
        ["a decision of another digest"] = [Request("a"), Decide("a", "allow") with { Digest = s_other }],
        ["a second decision"] = [Request("a"), Decide("a", "deny"), Decide("a", "allow")],
        ["a decision after expiry"] = [Request("a"), new(LedgerKind.ApprovalExpired) { ApprovalId = "a" }, Decide("a", "allow")],
        ["a decision that is none"] = [Request("a"), Decide("a", "maybe")],
        ["a decision without data"] = [Request("a"), Decide("a", "allow") with { Data = default }],
        ["a decision that is no text"] = [Request("a"), Decide("a", "allow") with { Data = TestLedger.Json("""{"decision":["allow"]}""") }],
        ["a decision nested elsewhere"] =
            [Request("a"), Decide("a", "allow") with { Data = TestLedger.Json("""{"x":{"decision":"allow"}}""") }],
        ["a second request"] = [Request("a"), Request("a")],
        ["a request without a digest"] = [Request("a") with { Digest = null }],
        ["expiry after a decision"] = [Request("a"), Decide("a", "allow"), new(LedgerKind.ApprovalExpired) { ApprovalId = "a" }],
        ["expiry without a request"] = [new(LedgerKind.ApprovalExpired) { ApprovalId = "a" }],
    };

    [Theory]
    [MemberData(nameof(WrongOrders))]
    public async Task Nothing_is_done_before_it_is_decided(string order)
    {
        await using var ledger = await TestLedger.OpenAsync();
        var entries = s_orders[order];
        foreach (var entry in entries[..^1])
        {
            await ledger.AppendAsync(entry);
        }

        var head = ledger.Store.Head;
        await Failing.WithAsync(LedgerError.Undecided, () => ledger.AppendAsync(entries[^1]));
        Assert.Equal(head, ledger.Store.Head);
    }

    [Fact]
    public async Task The_rules_hold_within_one_work_too()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await Failing.WithAsync(LedgerError.Undecided, () => ledger.Store.WriteAsync(
            t =>
            {
                t.Append(Request("a"));
                t.Append(Start("a"));
            },
            TestLedger.None));
        Assert.Equal(1, ledger.Store.Head.Seq);
    }

    [Fact]
    public void Any_bytes_as_data_are_refused_or_become_the_same_json_in_ascii()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var accepted = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Mangled("""{"a":[1,-2.5e3,true,null,{"b":"\u00e9\ud83d\ude00 \"x\" ü"}],"decision":"allow","":{}}""", random);
            try
            {
                var data = new LedgerEntry(LedgerKind.AlarmRaised) { Data = bytes }.Data;
                accepted++;
                Assert.True(data.Span.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0, $"seed {seed}, round {i}");
                using var before = JsonDocument.Parse(bytes);
                using var after = JsonDocument.Parse(data);
                Assert.True(JsonElement.DeepEquals(before.RootElement, after.RootElement), $"seed {seed}, round {i}");
            }
            catch (LedgerException e)
            {
                Assert.True(e.Error == LedgerError.InvalidData, $"seed {seed}, round {i}: {e.Error}");
            }
        }

        Assert.InRange(accepted, 100, 19_900);
    }

    [Fact]
    public void Any_bytes_as_a_body_are_read_or_refused_but_never_thrown()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var read = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = Mangled(
                """{"v":1,"seq":12,"kind":"approval_decided","machineId":"m","sessionId":"s","approvalId":"a","digest":"d","data":{"decision":"allow","scope":{"x":[1]},"ledgerEpoch":"e"}}""", random);
            read += BodyView.TryRead(bytes, out var view) && view.Kind is not null ? 1 : 0;
        }

        Assert.True(read is > 100 and < 19_900, $"seed {seed}: {read}");
    }

    private static byte[] Mangled(string good, Random random)
    {
        var bytes = Encoding.UTF8.GetBytes(good).ToList();
        for (var n = random.Next(0, 4); n > 0 && bytes.Count > 0; n--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes.RemoveRange(at, Math.Min(random.Next(1, 20), bytes.Count - at)); break;
                case 2: bytes.Insert(at, (byte)"{}[]\",:\\u0 \n1e-+.tfn"[random.Next(19)]); break;
                case 3: bytes.Insert(at, (byte)random.Next(256)); break;
                default: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 30), bytes.Count - at))); break;
            }
        }

        return [.. bytes];
    }

    internal static LedgerEntry Request(string approval) => new(LedgerKind.ApprovalRequested) { ApprovalId = approval, Digest = s_digest };

    internal static LedgerEntry Decide(string approval, string decision, string scope = "session")
        => new(LedgerKind.ApprovalDecided)
        { ApprovalId = approval, Digest = s_digest, Data = TestLedger.Json($$"""{"decision":"{{decision}}","scope":"{{scope}}"}""") };

    internal static LedgerEntry Start(string approval) => new(LedgerKind.ExecutionStarted) { ApprovalId = approval, Digest = s_digest };
}
