using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Data.Sqlite;
using PocketCoder.Machine.Approvals;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Tests.Snapshots;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Ledger;

/// <summary>
/// What a stranger can check in an export of a real machine, with docs/verify-ledger.mjs alone, and what somebody who has the machine's key
/// can't change in it unnoticed: each field of each row that a digest, a device's signature or an allowance covers is changed and taken
/// away, one at a time.
/// </summary>
[Trait("Category", "Slow")]
public sealed class ProofTests
{
    /// <summary>
    /// The machine's own words, which nobody else vouches for: the row's signature covers them, and that is all. By kind and path;
    /// <c>*</c>: of every kind.
    /// </summary>
    private static readonly HashSet<string> s_machinesWord = new(StringComparer.Ordinal)
    {
        "* actor", "approval_decided data.person",
        "approval_requested data.expiresAt",
        "approval_expired data.reason",
        "execution_started data.snapshot", "execution_started deviceId",
        "execution_finished deviceId", "execution_finished data.exitCode", "execution_finished data.failed",
        "execution_finished data.durationMs", "execution_finished data.outputBytes",
        "execution_finished data.outputSha256", "execution_finished data.stoppedBy",
        "execution_refused deviceId", "execution_refused data.reason",
        "undo_started sessionId", "undo_started turnId", "undo_started sandbox", "undo_started data.by", "undo_started data.files",
        "undo_started data.snapshot",
        "rule_added sessionId", "rule_added sandbox", "rule_added data.ruleId",
        "device_paired sandbox", "device_paired data.name", "device_paired data.app", "device_paired data.scopes.0",
        "device_paired data.scopes.1", "device_paired data.scopes.2", "device_paired data.scopes.3",
        "device_paired data.staticKey",
    };

    private static readonly string[] s_judged =
        ["approval_requested", "approval_decided", "approval_expired", "execution_started", "execution_finished", "execution_refused",
            "undo_started", "rule_added", "device_paired"];

    [Fact]
    public async Task Every_field_that_a_digest_a_signature_or_an_allowance_covers_is_missed_when_it_is_changed()
    {
        var ledger = await ExportAsync();
        List<string> texts = [string.Join('\n', ledger.Lines) + "\n", ledger.With(1, ledger.Bodies[0])];
        List<(long Seq, string What, bool Covered)> changes = [(0, "nothing changed", false), (0, "nothing changed, signed anew", false)];
        for (var seq = 1; seq <= ledger.Bodies.Count; seq++)
        {
            var body = ExportedLedger.Unsigned(ledger.Bodies[seq - 1]);
            var node = JsonNode.Parse(body)!;
            var kind = (string)node["kind"]!;
            foreach (var path in s_judged.Contains(kind, StringComparer.Ordinal)
                ? Paths(node, "").Where(p => p is not ("v" or "seq" or "at")) : [])
            {
                foreach (var changed in Changed(body, path))
                {
                    texts.Add(ledger.With(seq, changed));
                    changes.Add((seq, $"{kind} {path}", IsCovered(node, kind, path)));
                }
            }
        }

        var reports = await ExportedLedger.VerifyTextsAsync(texts);
        Assert.Equal(texts.Count, reports.Count);
        Assert.True((bool)reports[0]["ok"]!, reports[0].ToJsonString());
        Assert.True((bool)reports[1]["ok"]!, reports[1].ToJsonString());
        var wrong = new List<string>();
        for (var i = 2; i < reports.Count; i++)
        {
            var (at, what, covered) = changes[i];
            var found = reports[i]["findings"]!.AsArray()
                .Any(f => (long)f!["seq"]! >= at && ((string)f["detail"]!).Contains($"row {f["seq"]} ", StringComparison.Ordinal));
            if (found != covered)
            {
                wrong.Add($"row {at} {what}: {(found ? "found, though listed as the machine's word" : "not found")}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(changes.Count(c => c.Covered) > 400, $"{changes.Count} changes");
    }

    /// <summary>
    /// Whoever has the machine's key makes all rows of a granted approval fit each other; the allowance is still for something else.
    /// </summary>
    [Fact]
    public async Task An_allowance_is_for_what_it_was_given_for_and_for_nothing_else()
    {
        var ledger = await ExportAsync();
        var rows = ledger.Bodies.Select(b => JsonNode.Parse(ExportedLedger.Unsigned(b))!.AsObject()).ToList();
        var texts = new List<string>();
        var expected = new List<(long Seq, string Why)>();
        foreach (var granted in rows.Where(r => r["data"]!["grant"] is not null))
        {
            var scope = (string)granted["data"]!["scope"]!;
            foreach (var name in (string[])["what", "cwd", "same", "meaning", "project", "agent", "kind", "session",
                .. scope == "turn" ? ["turn"] : (string[])[]])
            {
                texts.Add(ledger.With(Consistently(rows, (string)granted["approvalId"]!, name)));
                expected.Add(((long)granted["seq"]!, name switch
                {
                    "session" => "of another session than its allowance",
                    "turn" => "of another turn than its allowance",
                    "kind" => "", // then its rows are of another kind, whose reach is told by other names
                    _ => $"covers another {name}",
                }));
            }

            foreach (var (edit, why) in ((Action<JsonObject> Edit, string Why)[])
            [
                (r => r["data"]!["grant"] = Guid.CreateVersion7().ToString(), "does not exist"),
                (r => r["data"]!["grant"] = (string)r["approvalId"]!, "does not exist"),
                (r => r["data"]!["grant"] = (string)rows.First(o => (string?)o["data"]!["scope"] == "once"
                    && (string?)o["data"]!["decision"] == "allow")["approvalId"]!, "another scope"),
                (r => r["data"]!["grant"] = (string)rows.First(o => (string?)o["data"]!["decision"] == "deny")["approvalId"]!,
                    "nobody gave"),
                (r => r["data"]!["scope"] = scope == "turn" ? "session" : "turn", "another scope"),
                (r => r["data"]!.AsObject().Remove("grant"), "does not exist"),
            ])
            {
                var changed = granted.DeepClone().AsObject();
                edit(changed);
                texts.Add(ledger.With((long)granted["seq"]!, changed.ToJsonString()));
                expected.Add(((long)granted["seq"]!, why));
            }
        }

        Assert.True(texts.Count > 20);
        var reports = await ExportedLedger.VerifyTextsAsync(texts);
        for (var i = 0; i < texts.Count; i++)
        {
            Assert.True(
                reports[i]["findings"]!.AsArray().Any(
                    f => (long)f!["seq"]! == expected[i].Seq && ((string)f["detail"]!).Contains(expected[i].Why, StringComparison.Ordinal)),
                $"{expected[i]}: {reports[i]["findings"]!.ToJsonString()}");
        }
    }

    [Fact]
    public async Task A_decision_that_nobody_signed_is_nobodys_and_the_owners_at_the_machine_are_listed()
    {
        var ledger = await ExportAsync();
        var rows = ledger.Bodies.Select(b => JsonNode.Parse(ExportedLedger.Unsigned(b))!.AsObject()).ToList();
        var owners = rows.Where(r => (string?)r["actor"] == "cli" && r["deviceId"] is null
            && (string?)r["kind"] is "approval_decided" or "rule_added" && r["approvalId"] is null == ((string?)r["kind"] == "rule_added"))
            .Select(r => (long)r["seq"]!).ToList();
        var signed = rows.Where(r => r["data"]!["signed"] is not null).ToList();
        var texts = new List<string> { string.Join('\n', ledger.Lines) + "\n" };
        foreach (var row in signed)
        {
            foreach (var by in (string[])["rule", "machine", "grant", "limit", "cli"])
            {
                var changed = row.DeepClone().AsObject();
                foreach (var name in (string[])["deviceSigningKey", "signed", "signature"])
                {
                    changed["data"]!.AsObject().Remove(name);
                }

                changed.Remove("deviceId");
                (changed["actor"], changed["data"]!["by"], changed["data"]!["proof"]) = (by, by, "owner-socket");
                texts.Add(ledger.With((long)row["seq"]!, changed.ToJsonString()));
            }
        }

        var reports = await ExportedLedger.VerifyTextsAsync(texts);
        Assert.Equal(owners, reports[0]["atMachine"]!.AsArray().Select(n => (long)n!));
        Assert.Equal((0, 2), ((int)reports[0]["opaque"]!, (int)reports[0]["granted"]!));
        for (var i = 1; i < reports.Count; i++)
        {
            var seq = (long)signed[(i - 1) / 5]["seq"]!;
            if (i % 5 == 0)
            {
                // The owner at the machine signs with nothing of their own: such a row is named, so that they see one that they did not
                // make.
                Assert.Contains(seq, reports[i]["atMachine"]!.AsArray().Select(n => (long)n!));
                continue;
            }

            Assert.Contains(reports[i]["findings"]!.AsArray(), f => (long)f!["seq"]! == seq
                && ((string)f["detail"]!).Contains("names another", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task An_allowance_of_a_version_that_did_not_say_what_its_digest_covers_is_asked_for_again()
    {
        await using var daemon = await TestDaemon.StartAsync();
        await using var phone = await daemon.PhoneAsync();
        var session = await phone.StartAsync("run: true");
        var asked = await phone.AskedAsync();
        await phone.Device.DecideAsync(asked, DecisionVerdict.Allow, DecisionScope.Session);
        await phone.DoneAsync();
        await daemon.Daemon.StopAsync("test");
        ForgetCovers(daemon.Options.Home.Database);
        await daemon.RestartAsync();
        await using var again = await phone.Device.AgainAsync(daemon.Url);
        await again.SubscribeAsync($"session/{session}");
        await again.AskAsync(
            MessageTypes.AgentMessage, new AgentMessageRequest(session, Guid.CreateVersion7(), "run: true"),
            ProtocolJson.Default.AgentMessageRequest, ProtocolJson.Default.AgentMessageResponse);
        await again.NextEventAsync<ApprovalEvent>(
            e => e.Approval.State == ApprovalState.Pending && e.Approval.ApprovalId != asked.ApprovalId);
    }

    private static void ForgetCovers(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var forget = connection.CreateCommand();
        forget.CommandText = "UPDATE approvals SET body = json_remove(body, '$.covers')";
        Assert.Equal(1, forget.ExecuteNonQuery());
    }

    private static bool IsCovered(JsonNode body, string kind, string path)
    {
        var data = body["data"]!;
        var byOwner = (string?)body["actor"] == "cli" && data["signature"] is null && data["grant"] is null
            && (kind != "rule_added" || body["approvalId"] is null);
        return (kind, path) switch
        {
            ("approval_decided" or "rule_added", "actor" or "data.by") => byOwner,
            ("rule_added", "data.projectId" or "data.pattern" or "data.expiresAt") => !byOwner,
            ("approval_decided", "data.scope") => !byOwner,
            ("approval_decided", "data.decisionId" or "data.reason" or "data.interrupt") => data["signature"] is not null,
            _ => !s_machinesWord.Contains($"{kind} {path}") && !s_machinesWord.Contains($"* {path}"),
        };
    }

    /// <summary>All rows of an approval with another value of something that its digest covers, and with the digest over that.</summary>
    private static Dictionary<long, string> Consistently(IReadOnlyList<JsonObject> rows, string approval, string name)
    {
        var changed = rows.Where(r => (string?)r["approvalId"] == approval).Select(r => r.DeepClone().AsObject()).ToList();
        var request = changed.Single(r => (string)r["kind"]! == "approval_requested");
        var covers = request["data"]!["covers"]!.AsObject();
        var other = name == "kind" ? "tool" : OtherText((string)covers[name]!).GetValue<string>();
        if (name == "what")
        {
            const string Command = "rm -rf /";
            changed.ForEach(r => Set(r["data"]!.AsObject(), "what", Command));
            other = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Command)));
        }

        covers[name] = other;
        foreach (var row in changed)
        {
            Set(row["data"]!.AsObject(), name is "what" ? "" : name, other);
            Set(row, name switch { "session" => "sessionId", "turn" => "turnId", _ => "" }, other);
            row["digest"] = ApprovalDigest.Digest(covers.Select(c => KeyValuePair.Create(c.Key, (string)c.Value!)));
        }

        return changed.ToDictionary(r => (long)r["seq"]!, r => r.ToJsonString());

        static void Set(JsonObject o, string property, string value)
        {
            if (o.ContainsKey(property))
            {
                o[property] = value;
            }
        }
    }

    private static async Task<ExportedLedger> ExportAsync()
    {
        await using var daemon = await TestDaemon.StartAsync(
            egress: options => options with { Resolve = (_, _) => ValueTask.FromResult<IReadOnlyList<IPAddress>>([]) });
        await StoryAsync(daemon);
        return await ExportedLedger.OfAsync(daemon);
    }

    /// <summary>
    /// All that can happen to a decision: by a device for each reach, used again, by the owner, denied, a host for the project, an undo, a
    /// secret read.
    /// </summary>
    internal static async Task StoryAsync(TestDaemon daemon)
    {
        await using var phone = await daemon.PhoneAsync();
        var device = phone.Device;
        var session = await phone.StartAsync("run: touch never.txt", SandboxKind.Bubblewrap);
        await device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Deny, reason: "no", interrupt: true);
        await phone.DoneAsync();
        await phone.PromptAsync(session, "write: a.txt | some text");
        await daemon.Daemon.AsOwner().Sessions.DecideAsync(ByOwner(await phone.AskedAsync()));
        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: echo one > one.txt");
        var first = await phone.AskedAsync();
        await device.DecideAsync(first, DecisionVerdict.Allow, DecisionScope.Session, "go on");
        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: echo one > one.txt");
        await phone.DoneAsync();
        await phone.PromptAsync(session, "run: echo two\nrun: echo two");
        await device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Turn);
        await phone.DoneAsync();
        await phone.PromptAsync(session,
            "run: exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT one.test:443 HTTP/1.1\\r\\nHost: one.test:443\\r\\n\\r\\n' >&3; sed -n 1p <&3");
        await device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow);
        await device.DecideAsync(await phone.AskedAsync(), DecisionVerdict.Allow, DecisionScope.Project, answers: "7");
        await phone.DoneAsync();
        await daemon.Daemon.AsOwner().AddNetworkRuleAsync(phone.Project.ProjectId, "two.test:443", null, CancellationToken.None);

        var by = daemon.Daemon.Devices.Find(device.Identity.Id)!;
        var asked = await daemon.Daemon.Asks.AskAsync(new ProjectAsk(
            phone.Project.ProjectId, by, ApprovalKind.File, new FileSubject(FileOperation.Read, ".env", "keys"),
            ApprovalDigest.OfProject(phone.Project.ProjectId, "file_read", ".env")));
        await device.DecideAsync(asked, DecisionVerdict.Allow);

        var target = new UndoTarget(UndoKind.Approval, first.ApprovalId);
        await UndoStoryTests.UndoAsync(
            phone, UndoStoryTests.Request(phone, target, (await UndoStoryTests.LookAsync(phone, target)).Digest));
    }

    private static DecisionRequest ByOwner(ApprovalInfo asked)
        => new(asked.ApprovalId, Guid.CreateVersion7(), DecisionVerdict.Allow, DecisionScope.Once, asked.Digest, "", null, null, false);

    internal static IEnumerable<string> Paths(JsonNode node, string path) => node switch
    {
        JsonObject { Count: > 0 } o => o.SelectMany(p => p.Value is null ? [Join(path, p.Key)] : Paths(p.Value, Join(path, p.Key))),
        JsonArray { Count: > 0 } a => a.SelectMany((v, i) => Paths(v!, Join(path, i.ToString(CultureInfo.InvariantCulture)))),
        _ => [path],
    };

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    /// <summary>The body with another value at a path, and without it.</summary>
    internal static IEnumerable<string> Changed(string body, string path)
    {
        var parts = path.Split('.');
        foreach (var remove in (bool[])[false, true])
        {
            var root = JsonNode.Parse(body)!;
            var parent = parts[..^1].Aggregate(root, (n, p) => n is JsonArray a ? a[int.Parse(p, CultureInfo.InvariantCulture)]! : n[p]!);
            if (parent is JsonArray list)
            {
                if (!remove)
                {
                    list.RemoveAt(int.Parse(parts[^1], CultureInfo.InvariantCulture));
                    yield return root.ToJsonString();
                }

                continue;
            }

            var o = parent.AsObject();
            if (remove)
            {
                o.Remove(parts[^1]);
            }
            else
            {
                o[parts[^1]] = Other(o[parts[^1]]);
            }

            yield return root.ToJsonString();
        }
    }

    private static JsonValue? Other(JsonNode? value) => value?.GetValueKind() switch
    {
        JsonValueKind.String => OtherText(value.GetValue<string>()),
        JsonValueKind.Number => JsonValue.Create(value.GetValue<long>() + 1),
        JsonValueKind.True => JsonValue.Create(false),
        JsonValueKind.False => JsonValue.Create(true),
        _ => JsonValue.Create("x"),
    };

    /// <summary>A moment a day later, or one character that is another one.</summary>
    private static JsonValue OtherText(string text)
    {
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var at) && text.Length > 15)
        {
            return JsonValue.Create(at.AddDays(1).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        }

        var index = text.Length / 2;
        return JsonValue.Create(text.Length == 0 ? "x" : $"{text[..index]}{(text[index] == 'a' ? 'b' : 'a')}{text[(index + 1)..]}");
    }
}
