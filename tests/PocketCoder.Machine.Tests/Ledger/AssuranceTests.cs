using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using PocketCoder.Ledger;
using PocketCoder.Machine.Tests.Entries;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Ledger;

/// <summary>
/// How each decision says that it was proved, in the hands of somebody who has the machine's key and none of a device: the ledger's own
/// verification and docs/verify-ledger.mjs refuse the same, whatever is changed.
/// </summary>
[Trait("Category", "Slow")]
public sealed class AssuranceTests
{
    private static readonly string[] s_proves = ["approval_agreed", "approval_decided", "undo_started", "rule_added"];

    [Fact]
    public async Task A_decision_that_is_not_proved_as_it_says_is_refused_by_both_verifiers()
    {
        await using var ledger = await StoryLedger.MakeAsync();
        var edits = Edits(ledger.Rows).ToList();
        Assert.True(edits.Count > 150, $"{edits.Count} edits");
        var verdicts = await ledger.VerifyAsync([("unchanged", ledger.Rows), .. edits.Select(e => (e.What, e.Rows))]);
        Assert.Equal((true, true), (verdicts[0].Machine, verdicts[0].Stranger));
        var accepted = verdicts.Skip(1).Where(v => v.Machine || v.Stranger).Select(v => $"{v.What}: {v.MachineSays}, {v.StrangerSays}").ToList();
        Assert.True(accepted.Count == 0, string.Join('\n', accepted));
    }

    [Fact]
    public async Task Both_verifiers_agree_on_every_change_of_a_decision()
    {
        await using var ledger = await StoryLedger.MakeAsync();
        var random = new Random(14);
        var single = Fields(ledger.Rows).ToList();
        var many = Enumerable.Range(0, 150).Select(_ =>
        {
            var rows = Copy(ledger.Rows);
            var told = new List<string>();
            for (var i = 0; i < 3; i++)
            {
                var (what, seq, body) = single[random.Next(single.Count)];
                rows[seq] = JsonNode.Parse(body)!.AsObject();
                told.Add(what);
            }

            return (string.Join(" and ", told), (IReadOnlyList<JsonObject>)rows);
        });
        var verdicts = await ledger.VerifyAsync(
        [
            .. single.Select(s => (s.What, (IReadOnlyList<JsonObject>)With(ledger.Rows, s.Seq, JsonNode.Parse(s.Body)!.AsObject()))),
            .. many,
        ]);
        Assert.True(single.Count > 300, $"{single.Count} changes");
        Assert.Contains(verdicts, v => v.Machine);
        Assert.Empty(verdicts.Where(v => v.Machine != v.Stranger).Select(v => v.ToString()));
    }

    [Fact]
    public async Task A_ledger_of_a_version_that_wrote_no_proofs_holds_and_says_how_much_it_can_not_tell()
    {
        await using var ledger = await StoryLedger.MakeAsync();
        var old = Copy(ledger.Rows);
        var later = old.Where(r => (string?)r["data"]!["proof"] == "chat-platform").Select(r => (string)r["approvalId"]!).ToList();
        later.AddRange(old.Where(r => r["data"]!["twoPeople"] is not null).Select(r => (string)r["approvalId"]!));
        old.RemoveAll(r => r["data"]!["platform"] is not null || Is(r, "device_limited")
            || (r["approvalId"] is { } id && later.Contains((string)id!))); // no such version had chats, or a rule for two people
        foreach (var row in old)
        {
            row["data"]!.AsObject().Remove("proof");
            row["data"]!.AsObject().Remove("proofs");
        }

        // An update continues it: from there on each decision has its proof, and one without is a fault.
        var updated = Copy(old);
        var started = ledger.Rows.First(r => Is(r, "machine_started")).DeepClone().AsObject();
        updated.Add(started);
        List<JsonObject> after = [.. updated, .. ledger.Rows.Where(r => Is(r, "rule_added") && r["approvalId"] is null)
            .Select(r => r.DeepClone().AsObject())];
        var withoutProof = Copy(after);
        withoutProof[^1]["data"]!.AsObject().Remove("proof");
        var verdicts = await ledger.VerifyAsync([("old", old), ("updated", after), ("a decision without proof after the update", withoutProof)]);

        Assert.Equal([(true, true), (true, true), (false, false)], verdicts.Select(v => (v.Machine, v.Stranger)));
        var owners = old.Count(r => (Is(r, "approval_decided") && (string?)r["actor"] == "cli" && r["data"]!["grant"] is null)
            || (Is(r, "rule_added") && r["approvalId"] is null));
        Assert.True(owners >= 2);
        Assert.All(verdicts.Take(2), v => Assert.Equal((owners, owners), (v.MachineUntold, v.StrangerUntold)));
    }

    [Fact]
    public async Task The_daemon_writes_a_proof_with_each_decision()
    {
        await using var ledger = await StoryLedger.MakeAsync();
        Assert.Equal(
            ["chat-platform", "device-key", "grant", "owner-socket"],
            ledger.Rows.Where(r => Is(r, "approval_decided")).Select(r => (string)r["data"]!["proof"]!).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal));
        Assert.All(ledger.Rows.Where(r => Is(r, "undo_started")), r => Assert.Equal("device-key", (string?)r["data"]!["proof"]));
        Assert.All(
            ledger.Rows.Where(r => Is(r, "rule_added")),
            r => Assert.Equal(r["approvalId"] is null ? "owner-socket" : null, (string?)r["data"]!["proof"]));
        Assert.Equal("pocketcoder-proof-v1", (string?)ledger.Rows.First(r => Is(r, "machine_started"))["data"]!["proofs"]);
    }

    private static bool Is(JsonObject row, string kind) => (string?)row["kind"] == kind;

    /// <summary>What an attacker would do; each must be refused.</summary>
    private static IEnumerable<(string What, IReadOnlyList<JsonObject> Rows)> Edits(IReadOnlyList<JsonObject> rows)
    {
        var request = rows.First(r => Is(r, "approval_requested"));
        for (var at = 0; at < rows.Count; at++)
        {
            if (!s_proves.Contains((string?)rows[at]["kind"], StringComparer.Ordinal))
            {
                continue;
            }

            var row = rows[at];
            var name = $"row {at + 1} {row["kind"]} {row["data"]!["proof"]}";
            var tablet = rows.First(r => Is(r, "device_paired") && r["data"]!["deviceSigningKey"] is not null
                && (string?)r["deviceId"] != (string?)row["deviceId"]);
            if (Is(row, "rule_added") && row["approvalId"] is not null)
            {
                yield return Edit("claims a proof of its own", r => r["data"]!["proof"] = "owner-socket");
                continue;
            }

            yield return Edit("loses its proof", r => r["data"]!.AsObject().Remove("proof"));
            foreach (var proof in (string?[])["device-key", "owner-socket", "grant", "chat-platform", "DEVICE-KEY", "", "none", null])
            {
                if (proof != (string?)row["data"]!["proof"])
                {
                    yield return Edit($"claims '{proof}'", r => r["data"]!["proof"] = proof);
                }
            }

            yield return Edit("has a number for a proof", r => r["data"]!["proof"] = 1);
            if (Is(row, "approval_agreed") || rows.Any(r => Is(r, "approval_agreed") && Same(r, row)))
            {
                yield return Edit("names no person", r => r["data"]!.AsObject().Remove("person"));
                yield return Edit("names another person", r => r["data"]!["person"] = "eve");
                yield return Edit("has a list for a person", r => r["data"]!["person"] = new JsonArray("bo"));
                yield return Edit("is for the session", r => r["data"]!["scope"] = "session");
                yield return Changed("is without the other person", list => list.RemoveAll(r => Is(r, "approval_agreed") && Same(r, row)));
                yield return Changed("is of what one person decides", list =>
                    list.Single(r => Is(r, "approval_requested") && Same(r, row))["data"]!.AsObject().Remove("twoPeople"));
                yield return Changed("is twice by the same", list =>
                {
                    var first = list.FindIndex(r => Is(r, "approval_agreed") && Same(r, row));
                    var second = list.FindIndex(r => Is(r, "approval_decided") && Same(r, row));
                    var (agreed, again) = (list[first], list[first].DeepClone().AsObject());
                    again["kind"] = "approval_decided";
                    list[second] = again;
                });
            }

            if (Is(row, "approval_agreed"))
            {
                yield return Changed("is of a device that is another person's now", list => list.Insert(at + 1, Limited(row, "eve")));
                yield return Changed("is of a device that was revoked before the second", list => list.Insert(at + 1, Revoked(row)));
                yield return Edit("denies", r => r["data"]!["decision"] = "deny");
                yield return Changed("comes after the decision", list =>
                {
                    list.RemoveAt(at);
                    list.Insert(list.FindIndex(r => Is(r, "approval_decided") && Same(r, row)) + 1, row.DeepClone().AsObject());
                });
            }

            switch ((string?)row["data"]!["proof"])
            {
                case "device-key":
                    foreach (var field in (string[])["deviceSigningKey", "signed", "signature"])
                    {
                        yield return Edit($"loses {field}", r => r["data"]!.AsObject().Remove(field));
                        yield return Edit($"has null for {field}", r => r["data"]![field] = null);
                        yield return Edit($"has a list for {field}",
                            r => r["data"]![field] = new JsonArray(r["data"]![field]!.DeepClone()));
                    }

                    yield return Edit("loses its signature and stays with the device", r => Strip(r));
                    yield return Edit("loses its device", r => r.Remove("deviceId"));
                    yield return Edit("is another device's", r => r["deviceId"] = (string)tablet["deviceId"]!);
                    yield return Edit("is another device's, with its key", r =>
                    {
                        r["deviceId"] = (string)tablet["deviceId"]!;
                        r["data"]!["deviceSigningKey"] = (string)tablet["data"]!["deviceSigningKey"]!;
                    });
                    yield return Edit("is of a device that never was", r => r["deviceId"] = "nobody");
                    yield return Edit("is the owner's, with the device", r => Claim(Strip(r)));
                    yield return Edit("is the owner's, with the signature", r =>
                    {
                        r.Remove("deviceId");
                        Claim(r);
                    });
                    yield return Edit("has a padded signature", r => r["data"]!["signature"] += "==");
                    yield return Edit("has a signature with a line end", r => r["data"]!["signature"] += "\n");
                    yield return Edit("also names an allowance", r => r["data"]!["grant"] = (string)request["approvalId"]!);
                    yield return Changed("is after its device's revocation", list => list.Insert(at, Revoked(row)));
                    yield return Changed("is by a device that was never paired", list => list.RemoveAll(
                        r => Is(r, "device_paired") && (string?)r["deviceId"] == (string?)row["deviceId"]));
                    yield return Changed("is before its device was paired", list =>
                    {
                        var paired = list.Single(r => Is(r, "device_paired") && (string?)r["deviceId"] == (string?)row["deviceId"]);
                        list.Remove(paired);
                        list.Add(paired);
                    });
                    yield return Changed("is after its device was paired with another key", list =>
                    {
                        var again = tablet.DeepClone().AsObject();
                        again["deviceId"] = (string)row["deviceId"]!;
                        list.Insert(at, again);
                    });
                    foreach (var other in rows.Where(r => r != row && Is(r, (string)row["kind"]!) && r["data"]!["signed"] is not null))
                    {
                        yield return Edit($"has the signature of row {other["seq"]}", r =>
                        {
                            r["data"]!["signed"] = (string)other["data"]!["signed"]!;
                            r["data"]!["signature"] = (string)other["data"]!["signature"]!;
                        });
                    }

                    break;
                case "owner-socket":
                    yield return Edit("names a device", r => r["deviceId"] = (string)tablet["deviceId"]!);
                    yield return Edit("has null for a device", r => r["deviceId"] = null);
                    yield return Edit("names another actor", r => r["actor"] = "tablet");
                    yield return Edit("names no actor", r => r.Remove("actor"));
                    yield return Edit("bears a signature", r => r["data"]!["signature"] = "AAAA");
                    yield return Edit("names an allowance", r => r["data"]!["grant"] = (string)request["approvalId"]!);
                    if (!Is(row, "rule_added"))
                    {
                        yield return Edit("is said to be by another", r => r["data"]!["by"] = "tablet");
                    }

                    break;
                case "chat-platform":
                    yield return Edit("names no platform", r => r["data"]!.AsObject().Remove("platform"));
                    yield return Edit("names another platform", r => r["data"]!["platform"] = "elsewhere");
                    yield return Edit("has a number for a platform", r => r["data"]!["platform"] = 1);
                    yield return Edit("names no device", r => r.Remove("deviceId"));
                    yield return Edit("is a device's, which has a key", r => r["deviceId"] = (string)tablet["deviceId"]!);
                    yield return Edit("is of a person who never was", r => r["deviceId"] = "chat-nobody");
                    yield return Edit("bears a signature", r => r["data"]!["signature"] = "AAAA");
                    yield return Edit("names an allowance", r => r["data"]!["grant"] = (string)request["approvalId"]!);
                    yield return Edit("is the owner's", r => Claim(r));
                    yield return Changed("is after the person's revocation", list => list.Insert(at, Revoked(row)));
                    yield return Changed("is after the device got a key", list =>
                    {
                        var again = tablet.DeepClone().AsObject();
                        (again["deviceId"], again["data"]!["platform"]) = ((string)row["deviceId"]!, (string)row["data"]!["platform"]!);
                        list.Insert(at, again);
                    });
                    yield return Changed("is by a person who was never paired", list => list.RemoveAll(
                        r => Is(r, "device_paired") && (string?)r["deviceId"] == (string?)row["deviceId"]));
                    break;
                case "grant":
                    yield return Edit("names no allowance", r => r["data"]!.AsObject().Remove("grant"));
                    yield return Edit("names itself", r => r["data"]!["grant"] = (string)r["approvalId"]!);
                    yield return Edit("names an allowance that is none", r => r["data"]!["grant"] = Guid.CreateVersion7().ToString());
                    yield return Edit("lasts longer than its allowance", r => r["data"]!["scope"] = "project");
                    yield return Edit("bears a signature", r => r["data"]!["signed"] = "x");
                    yield return Edit("is another device's", r => r["deviceId"] = (string)tablet["deviceId"]!);
                    break;
            }

            (string, IReadOnlyList<JsonObject>) Edit(string what, Action<JsonObject> edit)
                => Changed(what, list => edit(list[at]));

            (string, IReadOnlyList<JsonObject>) Changed(string what, Action<List<JsonObject>> edit)
            {
                var list = Copy(rows);
                edit(list);
                return ($"{name} {what}", list);
            }
        }

        static bool Same(JsonObject one, JsonObject other) => (string?)one["approvalId"] == (string?)other["approvalId"];

        JsonObject Limited(JsonObject row, string person)
        {
            var limited = Revoked(row);
            limited["kind"] = "device_limited";
            limited["data"] = new JsonObject { ["name"] = "phone", ["person"] = person, ["by"] = "cli" };
            return limited;
        }

        static JsonObject Strip(JsonObject row)
        {
            foreach (var field in (string[])["deviceSigningKey", "signed", "signature"])
            {
                row["data"]!.AsObject().Remove(field);
            }

            return row;
        }

        static void Claim(JsonObject row)
        {
            (row["actor"], row["data"]!["by"], row["data"]!["proof"]) = ("cli", "cli", "owner-socket");
        }

        JsonObject Revoked(JsonObject row)
        {
            var revoked = rows.First(r => Is(r, "device_paired")).DeepClone().AsObject();
            (revoked["kind"], revoked["deviceId"]) = ("device_revoked", (string)row["deviceId"]!);
            revoked["data"] = new JsonObject { ["name"] = "phone", ["by"] = "cli" };
            return revoked;
        }
    }

    /// <summary>Every field of every row that proves something, changed, taken away, and of another type.</summary>
    private static IEnumerable<(string What, int Seq, string Body)> Fields(IReadOnlyList<JsonObject> rows)
    {
        for (var at = 0; at < rows.Count; at++)
        {
            var row = rows[at];
            var kind = (string)row["kind"]!;
            if (!s_proves.Contains(kind, StringComparer.Ordinal) || (kind == "rule_added" && row["approvalId"] is not null))
            {
                continue;
            }

            foreach (var path in ProofTests.Paths(row, "").Where(p => p is not ("v" or "seq" or "at" or "kind" or "machineId")))
            {
                foreach (var changed in ProofTests.Changed(row.ToJsonString(), path))
                {
                    yield return ($"row {at + 1} {kind} {path}", at, changed);
                }

                foreach (var other in (JsonNode?[])[null, JsonValue.Create(7), new JsonArray("x"), new JsonObject()])
                {
                    var typed = row.DeepClone().AsObject();
                    var parts = path.Split('.');
                    (parts.Length == 1 ? typed : typed[parts[0]]!.AsObject())[parts[^1]] = other;
                    yield return ($"row {at + 1} {kind} {path} as {other?.ToJsonString() ?? "null"}", at, typed.ToJsonString());
                }
            }
        }
    }

    private static List<JsonObject> Copy(IReadOnlyList<JsonObject> rows) => [.. rows.Select(r => r.DeepClone().AsObject())];

    private static List<JsonObject> With(IReadOnlyList<JsonObject> rows, int at, JsonObject row)
    {
        var list = Copy(rows);
        list[at] = row;
        return list;
    }

    private sealed record Verdict(
        string What, bool Machine, string? MachineSays, bool Stranger, string StrangerSays, long MachineUntold, long StrangerUntold);

    /// <summary>The ledger of a daemon in which everything was decided that can be, and the file that it was in.</summary>
    private sealed class StoryLedger : IAsyncDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pc-assure-");
        private readonly ExportedLedger _export;

        private StoryLedger(ExportedLedger export)
        {
            _export = export;
            Rows = [.. export.Bodies.Select(b => JsonNode.Parse(ExportedLedger.Unsigned(b))!.AsObject())];
        }

        public IReadOnlyList<JsonObject> Rows { get; }

        public static async Task<StoryLedger> MakeAsync()
        {
            var room = new ChatRoom();
            await using var daemon = await TestDaemon.StartAsync(
                egress: options => options with { Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([]) },
                more: options => options with { EntryPoints = [room] });
            await using var tablet = await daemon.PairAsync("tablet");
            await using var other = await room.EnterAsync(daemon, "ou_bo");
            await ProofTests.StoryAsync(daemon);
            await using var guest = await room.EnterAsync(daemon);
            await guest.StartAsync("run: echo chat");
            await guest.DecideAsync(await guest.AskedAsync(), DecisionVerdict.Allow);
            await guest.NextAsync<DoneEvent>();
            await TwoPeopleAsync(daemon, tablet);
            var ledger = new StoryLedger(await ExportedLedger.OfAsync(daemon));
            await daemon.Daemon.StopAsync("test");
            File.Copy(daemon.Options.Home.Database, ledger.Database);
            return ledger;
        }

        /// <summary>What may destroy something is allowed by the owner and somebody with a tablet, in either order.</summary>
        private static async Task TwoPeopleAsync(TestDaemon daemon, TestDevice tablet)
        {
            var owner = daemon.Daemon.AsOwner();
            await owner.LimitDeviceAsync(tablet.Identity.Id, person: "bo");
            await owner.TwoPeopleAsync(true);
            await using var phone = await daemon.PhoneAsync("another");
            await owner.LimitDeviceAsync(phone.Device.Identity.Id, person: "cy");
            var session = await phone.StartAsync("run: rm -rf one.txt", SandboxKind.Bubblewrap);
            var asked = await phone.AskedAsync();
            await tablet.DecideAsync(asked, DecisionVerdict.Allow);
            await owner.Sessions.DecideAsync(new DecisionRequest(
                asked.ApprovalId, Guid.CreateVersion7(), DecisionVerdict.Allow, DecisionScope.Once, asked.Digest, ""));
            await phone.DoneAsync();
            await phone.PromptAsync(session, "run: rm -rf one.txt");
            asked = await phone.AskedAsync();
            await phone.Device.DecideAsync(asked, DecisionVerdict.Allow);
            await tablet.DecideAsync(asked, DecisionVerdict.Allow);
            await phone.DoneAsync();
        }

        private string Database => Path.Combine(_folder.FullName, "ledger.db");

        public async Task<IReadOnlyList<Verdict>> VerifyAsync(IReadOnlyList<(string What, IReadOnlyList<JsonObject> Rows)> ledgers)
        {
            var made = ledgers.Select(l => _export.Of(l.Rows)).ToList();
            var strangers = await ExportedLedger.VerifyTextsAsync([.. made.Select(m => m.Text)]);
            Assert.Equal(ledgers.Count, strangers.Count);
            var verdicts = new List<Verdict>();
            for (var i = 0; i < ledgers.Count; i++)
            {
                Write(made[i].Rows);
                var machine = await LedgerStore.VerifyFileAsync(Database, [], _export.SigningKey, CancellationToken.None);
                Assert.Null(strangers[i]["error"]);
                verdicts.Add(new Verdict(
                    ledgers[i].What, machine.Ok, machine.Fault?.Detail, (bool)strangers[i]["ok"]!,
                    strangers[i]["findings"]!.ToJsonString(), machine.Untold, (long)strangers[i]["untold"]!));
            }

            return verdicts;
        }

        public ValueTask DisposeAsync()
        {
            _folder.Delete(recursive: true);
            return ValueTask.CompletedTask;
        }

        private void Write(IReadOnlyList<(byte[] Hash, string Body)> rows)
        {
            using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
            connection.Open();
            Run(connection, "PRAGMA synchronous = OFF");
            using var all = connection.BeginTransaction();
            Run(connection,
                "DROP TRIGGER IF EXISTS ledger_no_update; DROP TRIGGER IF EXISTS ledger_no_delete; DROP TRIGGER IF EXISTS ledger_in_order; DELETE FROM ledger");
            using var insert = connection.CreateCommand();
            insert.CommandText =
                "INSERT INTO ledger (seq, hash, body, kind, session_id, approval_id) VALUES ($seq, $hash, $body, $kind, $session, $approval)";
            for (var at = 0; at < rows.Count; at++)
            {
                using var body = JsonDocument.Parse(rows[at].Body);
                insert.Parameters.Clear();
                insert.Parameters.AddWithValue("$seq", at + 1);
                insert.Parameters.AddWithValue("$hash", rows[at].Hash);
                insert.Parameters.AddWithValue("$body", rows[at].Body);
                insert.Parameters.AddWithValue("$kind", Text(body, "kind"));
                insert.Parameters.AddWithValue("$session", Text(body, "sessionId"));
                insert.Parameters.AddWithValue("$approval", Text(body, "approvalId"));
                insert.ExecuteNonQuery();
            }

            all.Commit();
        }

        private static object Text(JsonDocument body, string name)
            => body.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()!
                : DBNull.Value;

        private static void Run(SqliteConnection connection, string sql)
        {
            using var command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }
}
