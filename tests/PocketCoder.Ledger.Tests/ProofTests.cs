using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace PocketCoder.Ledger.Tests;

/// <summary>A decision that is not proved as it says is not appended, and leaves the chain as it was.</summary>
public sealed class ProofTests
{
    private const string Owner = """{"decision":"allow","scope":"once","by":"cli","proof":"owner-socket"}""";
    private static readonly string s_digest = new('a', 64);

    [Theory]
    [InlineData("""{"decision":"allow","scope":"once","by":"cli"}""", "cli", null, "does not say how it was proved")]
    [InlineData(Owner, "phone", null, "names another")]
    [InlineData(Owner, null, null, "names another")]
    [InlineData(Owner, "cli", "phone", "names a device")]
    [InlineData("""{"decision":"allow","scope":"once","by":"phone","proof":"owner-socket"}""", "cli", null, "names another")]
    [InlineData("""{"decision":"allow","scope":"once","by":"cli","proof":"owner-socket","signature":"x"}""", "cli", null, "a signature")]
    [InlineData("""{"decision":"allow","scope":"once","by":"cli","proof":"device-key"}""", "cli", null, "no signature of a device")]
    [InlineData("""{"decision":"allow","scope":"once","by":"cli","proof":"chat-platform"}""", "cli", null, "nobody was paired")]
    [InlineData("""{"decision":"allow","scope":"once","by":"Ada","proof":"chat-platform","platform":"feishu"}""", "Ada", "chat-1", "nobody was paired")]
    [InlineData("""{"decision":"allow","scope":"once","by":"Ada","proof":"chat-platform","platform":"feishu","signature":"x"}""", "Ada", "chat-1", "names a signature")]
    [InlineData("""{"decision":"allow","scope":"once","by":"cli","proof":7}""", "cli", null, "not known here")]
    [InlineData("""{"decision":"allow","scope":"turn","by":"grant","proof":"grant","grant":"none"}""", null, null, "does not exist")]
    public async Task A_decision_without_the_proof_that_it_claims_is_not_appended(string data, string? actor, string? device, string why)
    {
        await using var ledger = await OpenAsync();
        await ledger.AppendAsync(ChainTests.Request("a"));
        var head = ledger.Store.Head;

        var refused = await Failing.WithAsync(
            LedgerError.Undecided, () => ledger.AppendAsync(Decision("a", data) with { Actor = actor, DeviceId = device }));

        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Equal(head, ledger.Store.Head);
        await ledger.AppendAsync(Decision("a", Owner) with { Actor = "cli" });
        await ledger.AppendAsync(ChainTests.Start("a"));
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    [Fact]
    public async Task A_device_decides_from_its_pairing_to_its_revocation_and_only_what_it_signed()
    {
        await using var ledger = await OpenAsync();
        using var phone = new SigningKey();
        using var other = new SigningKey();
        foreach (var approval in (string[])["a", "b", "c", "d"])
        {
            await ledger.AppendAsync(ChainTests.Request(approval));
        }

        await RefusedAsync(ledger, Signed(phone, "a"), "not paired for this device");
        await ledger.AppendAsync(Paired(phone));
        await RefusedAsync(ledger, Signed(other, "a"), "not paired for this device");
        await RefusedAsync(ledger, Signed(phone, "a") with { DeviceId = "tablet" }, "not paired for this device");
        await RefusedAsync(ledger, Signed(phone, "a") with { ApprovalId = "b" }, "over something else");
        await RefusedAsync(ledger, Signed(phone, "a", verdict: "deny", said: "allow"), "over something else");
        await RefusedAsync(ledger, Signed(phone, "a", high: true), "wrong device signature");
        await ledger.AppendAsync(Signed(phone, "a"));
        await ledger.AppendAsync(Signed(phone, "b", verdict: "deny"));
        await ledger.AppendAsync(new LedgerEntry(LedgerKind.DeviceRevoked) { DeviceId = "phone" });
        await RefusedAsync(ledger, Signed(phone, "c"), "revoked before");
        await ledger.AppendAsync(Paired(other)); // the same device again, with a new key
        await RefusedAsync(ledger, Signed(phone, "c"), "not paired for this device");
        await ledger.AppendAsync(Signed(other, "c"));
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);

        await ledger.ReopenAsync(); // what has begun goes on after a start
        await RefusedAsync(ledger, Decision("d", """{"decision":"allow","scope":"once","by":"cli"}""") with { Actor = "cli" },
            "does not say how it was proved");
    }

    [Fact]
    public async Task A_person_in_a_chat_decides_from_their_pairing_to_their_revocation_and_signs_nothing()
    {
        await using var ledger = await OpenAsync();
        using var phone = new SigningKey();
        foreach (var approval in (string[])["a", "b", "c"])
        {
            await ledger.AppendAsync(ChainTests.Request(approval));
        }

        await RefusedAsync(ledger, InChat("a"), "nobody was paired");
        await ledger.AppendAsync(Person("feishu"));
        await RefusedAsync(ledger, InChat("a", platform: "elsewhere"), "nobody was paired");
        await RefusedAsync(ledger, InChat("a") with { DeviceId = null }, "nobody was paired");
        await ledger.AppendAsync(Paired(phone));
        await RefusedAsync(ledger, InChat("a") with { DeviceId = "phone" }, "nobody was paired"); // who has a key signs
        await RefusedAsync(ledger, Signed(phone, "a") with { DeviceId = "chat-1" }, "not paired for this device");
        await ledger.AppendAsync(InChat("a"));
        await ledger.AppendAsync(new LedgerEntry(LedgerKind.DeviceRevoked) { DeviceId = "chat-1" });
        await RefusedAsync(ledger, InChat("b"), "revoked before");

        await ledger.ReopenAsync();
        await RefusedAsync(ledger, InChat("b"), "revoked before");
        await ledger.AppendAsync(Person("feishu"));
        await ledger.AppendAsync(InChat("b"));
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    [Fact]
    public async Task A_ledger_of_an_older_version_is_continued_as_it_is_and_verification_counts_what_it_can_not_tell()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendAsync(ChainTests.Request("a"));
        await ledger.AppendAsync(Decision("a", """{"decision":"allow","scope":"once","by":"cli"}""") with { Actor = "cli" });
        await ledger.AppendAsync(Began);
        await ledger.AppendAsync(ChainTests.Request("b"));
        await ledger.AppendAsync(Decision("b", Owner) with { Actor = "cli" });

        var report = await ledger.Store.VerifyAsync([], TestLedger.None);

        Assert.Equal((true, 1), (report.Ok, report.Untold));
    }

    [Fact]
    public async Task A_start_that_is_rolled_back_asks_for_no_proofs()
    {
        await using var ledger = await TestLedger.OpenAsync();
        await ledger.AppendAsync(ChainTests.Request("a"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ledger.Store.WriteAsync<LedgerRow>(
            t =>
            {
                t.Append(Began);
                t.Append(Decision("a", Owner) with { Actor = "cli" });
                throw new InvalidOperationException("not after all");
            },
            TestLedger.None));

        await ledger.AppendAsync(Decision("a", """{"decision":"allow","scope":"once"}"""));
        Assert.True((await ledger.Store.VerifyAsync([], TestLedger.None)).Ok);
    }

    private static LedgerEntry Began => new(LedgerKind.MachineStarted)
    { Actor = "machine", Data = TestLedger.Json($$"""{"proofs":"{{DecisionProof.Domain}}"}""") };

    private static async Task<TestLedger> OpenAsync()
    {
        var ledger = await TestLedger.OpenAsync();
        await ledger.AppendAsync(Began);
        return ledger;
    }

    private static async Task RefusedAsync(TestLedger ledger, LedgerEntry entry, string why)
        => Assert.Contains(
            why, (await Failing.WithAsync(LedgerError.Undecided, () => ledger.AppendAsync(entry))).Message, StringComparison.Ordinal);

    private static LedgerEntry Decision(string approval, string data)
        => new(LedgerKind.ApprovalDecided) { ApprovalId = approval, Digest = s_digest, Data = TestLedger.Json(data) };

    private static LedgerEntry Paired(SigningKey key) => new(LedgerKind.DevicePaired)
    { DeviceId = "phone", Data = TestLedger.Json($$"""{"deviceSigningKey":"{{key.PublicText}}"}""") };

    private static LedgerEntry Person(string platform) => new(LedgerKind.DevicePaired)
    { DeviceId = "chat-1", Data = TestLedger.Json($$"""{"platform":"{{platform}}","account":"ou_1"}""") };

    private static LedgerEntry InChat(string approval, string platform = "feishu") => Decision(
        approval, $$"""{"decision":"allow","scope":"once","by":"Ada","proof":"chat-platform","platform":"{{platform}}"}""") with
    { DeviceId = "chat-1", Actor = "Ada" };

    /// <param name="said">What the device signed, when it is not what the row says.</param>
    /// <param name="high">With the other one of the two signatures that verify.</param>
    private static LedgerEntry Signed(SigningKey key, string approval, string verdict = "allow", string? said = null, bool high = false)
    {
        var nothing = Convert.ToHexStringLower(SHA256.HashData([]));
        var text = string.Join('\n', "pocketcoder-decision-v2", TestLedger.Machine, approval, "id", s_digest, said ?? verdict, "once",
            nothing, nothing, "false");
        byte[] signature;
        do
        {
            signature = key.Sign(Encoding.UTF8.GetBytes(text));
        }
        while (signature[32] >= 0x80 != high || signature[32] is 0x7f);

        var data = new JsonObject
        {
            ["decision"] = verdict,
            ["scope"] = "once",
            ["decisionId"] = "id",
            ["interrupt"] = false,
            ["deviceSigningKey"] = key.PublicText,
            ["signed"] = text,
            ["signature"] = Base64Url.EncodeToString(signature),
            ["proof"] = DecisionProof.DeviceKey,
        };
        return Decision(approval, data.ToJsonString()) with { DeviceId = "phone", Actor = "phone" };
    }
}
