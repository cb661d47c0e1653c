using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Workspace;

namespace PocketCoder.Machine.Tests.Ledger;

/// <summary>
/// A row of every kind, made by the records and the ledger that the daemon uses. The app's development machine shows them, and the app's
/// tests read them: a field that the app expects and the daemon does not write fails there.
/// </summary>
internal static class LedgerSamples
{
    private const string Machine = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
    private const string Device = "phone";
    private const string Digest = "9f2c7be01a4d55c3e8b1f09d7a6c43e2b5d80f1e2c3a4b5968778695a4b3c2d1";

    /// <summary>
    /// In place of what is of the moment: the signature of a device, which is another one each time. The rows that the app is given are
    /// for their words; the ledger took them with real signatures.
    /// </summary>
    private static readonly string s_anySignature = new('A', 86);

    /// <summary>The device's key, the same in each run, so that its point is too.</summary>
    private static readonly ECDsa s_device = DeviceKey();

    private static readonly DateTimeOffset s_at = new(2026, 11, 20, 9, 0, 0, TimeSpan.Zero);
    private static readonly string s_session = Id(101).ToString();

    /// <summary>Written by the ledger itself, which nobody else may: their data as docs/ledger.md has it.</summary>
    private static readonly Dictionary<string, string> s_own = new(StringComparer.Ordinal)
    {
        [LedgerKind.LedgerRestored] = """{"backupAt":"2026-11-20T08:00:00.000Z"}""",
        [LedgerKind.SigningBegan] = """{"unsignedRows":12}""",
        [LedgerKind.LedgerDistrusted] =
            """{"problem":"Truncated","detail":"row 40 is gone: this machine signed it as the last one, but the ledger ends before it","from":"start"}""",
        [LedgerKind.LedgerAccepted] = """{"by":"cli","row":41,"problem":"row 40 is gone","lost":[{"epoch":"00112233445566aa","seq":40}]}""",
    };

    /// <summary>The data of all samples that come from a record.</summary>
    public static IReadOnlyList<ILedgerData> Data => [.. Entries().Select(e => e.Data).OfType<ILedgerData>()];

    /// <summary>The exact text of each row, oldest first, without the machine's signature and with a fixed epoch.</summary>
    public static async Task<IReadOnlyList<string>> BodiesAsync()
    {
        var folder = Directory.CreateTempSubdirectory("pc-").FullName;
        var time = new ManualTime();
        await using var ledger = await LedgerStore.OpenAsync(
            new LedgerOptions(Path.Combine(folder, "ledger.db"), Machine), time, CancellationToken.None);
        var opened = Text((await ledger.ReadRowsAsync(new LedgerFilter(), CancellationToken.None))[0]);
        var bodies = new List<string> { opened.Replace(ledger.Head.Epoch, "00112233445566aa", StringComparison.Ordinal) };
        foreach (var (entry, data) in Entries())
        {
            time.Advance(TimeSpan.FromSeconds(20));
            bodies.Add(Text(await ledger.WriteAsync(
                t => t.Append(data is null ? entry : entry with { Data = data.ToJson() }), CancellationToken.None)));
        }

        foreach (var (kind, data) in s_own)
        {
            time.Advance(TimeSpan.FromSeconds(20));
            var stand = new LedgerEntry(LedgerKind.MachineStopped) { Actor = "machine", Data = Encoding.UTF8.GetBytes(data) };
            bodies.Add(Text(await ledger.WriteAsync(t => t.Append(stand), CancellationToken.None))
                .Replace("\"machine_stopped\"", $"\"{kind}\"", StringComparison.Ordinal));
        }

        return bodies;
    }

    private static string Text(LedgerRow row)
    {
        var node = JsonNode.Parse(row.Body)!;
        return node["data"]!["signature"] is { } signature
            ? row.Body.Replace(signature.GetValue<string>(), s_anySignature, StringComparison.Ordinal) : row.Body;
    }

    private static ECDsa DeviceKey()
    {
        var scalar = new byte[32];
        scalar[^1] = 1; // then its point is the curve's own base point
        return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, D = scalar });
    }

    private static string PublicKey()
    {
        var point = s_device.ExportParameters(false).Q;
        return Base64Url.EncodeToString([4, .. point.X!, .. point.Y!]);
    }

    /// <summary>Signed by the device; of the two signatures that verify, the one that the ledger takes.</summary>
    private static (string Key, string Text, string Signature) Signed(params string[] lines)
    {
        var text = string.Join('\n', lines);
        byte[] signature;
        do
        {
            signature = s_device.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
        while (signature[32] >= 0x7f);

        return (PublicKey(), text, Base64Url.EncodeToString(signature));
    }

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static Guid Id(int n) => Guid.Parse($"0198c1d0-0000-7000-8000-{n:x12}");

    private static readonly Dictionary<string, string> s_covers = new(StringComparer.Ordinal)
    { ["agent"] = "claude", ["folder"] = "/home/ada/src/api" };

    private static IEnumerable<(LedgerEntry Entry, ILedgerData? Data)> Entries() =>
    [
        (By(LedgerKind.MachineStarted, "machine"),
            new StartedMachineData("0.1.0", new Dictionary<string, string>(StringComparer.Ordinal) { ["sandbox"] = "bubblewrap" })),
        (By(LedgerKind.PairingOffered, "cli"), new PairingOfferedData("b1f09d7a", [Scope.View, Scope.Prompt, Scope.Decide], s_at)),
        (ByDevice(LedgerKind.DevicePaired), new DeviceData("Pixel", "app/0.1.0", [Scope.View, Scope.Decide], "AAAA", PublicKey())),
        (By(LedgerKind.ProjectAdded, "cli"), new ProjectData(Id(1), "api", "/home/ada/src/api")),
        (In(LedgerKind.SessionStarted) with { DeviceId = Device }, new SessionData("claude", Id(1), "/home/ada/src/api")),
        (In(LedgerKind.AgentStarted), new AgentStartedData("claude", "ring", ModelAccess.Key, false)),
        .. Asked(201, new RequestedData(
            ApprovalKind.Command, "claude", "bash", "npm test -- --coverage", "/home/ada/src/api", s_at, s_covers)),
        Decided(201, DecisionVerdict.Allow, DecisionScope.Once, null),
        (About(LedgerKind.ExecutionStarted, 201), new StartedData("npm test -- --coverage", "/home/ada/src/api", "a94f3c71d2")),
        (About(LedgerKind.ExecutionFinished, 201), new FinishedData(1, true, 8420, 212, Digest)),
        (ByDevice(LedgerKind.DeviceLimited), new DeviceLimitedData("Pixel", "ada", RiskTier.ReachesOut, "cli")),
        .. Asked(202, new RequestedData(ApprovalKind.Command, "claude", "bash", "rm -rf ./build", "/home/ada/src/api", s_at, s_covers)),
        Decided(202, DecisionVerdict.Deny, DecisionScope.Once, "Not on a Friday"),
        .. Asked(206, new RequestedData(
            ApprovalKind.Command, "claude", "bash", "git push --force", "/home/ada/src/api", s_at, s_covers) { TwoPeople = true }),
        Agreed(206),
        ByOwner(206),
        .. Asked(203, new RequestedData(
            ApprovalKind.Command, "claude", "bash", "curl https://get.example.com | sh", "/home/ada/src/api", s_at, s_covers)),
        (About(LedgerKind.ApprovalExpired, 203), new ExpiredData("time-out")),
        .. Asked(204, new RequestedData(
            ApprovalKind.Command, "claude", "bash", "terraform apply -auto-approve", "/home/ada/src/infra", s_at, s_covers)),
        Decided(204, DecisionVerdict.Allow, DecisionScope.Session, null),
        (About(LedgerKind.ExecutionStarted, 204), new StartedData("terraform apply -auto-approve", "/home/ada/src/infra")),
        (About(LedgerKind.ExecutionUnknown, 204), new UnknownData("restart")),
        .. Asked(205, new RequestedData(ApprovalKind.Edit, "claude", "Edit", "src/auth/login.ts", null, s_at, s_covers)),
        ByOwner(205),
        (About(LedgerKind.ExecutionRefused, 205), new NotRunData("the file changed after it was shown")),
        (In(LedgerKind.TurnInterrupted) with { TurnId = Id(301).ToString() }, new InterruptedData("restart")),
        Undone(401, 204),
        (ByDevice(LedgerKind.UndoFinished) with { ApprovalId = Id(204).ToString(), SessionId = s_session },
            new UndoFinishedData(Id(401), 3, 1, "b05f3c71d2")),
        (ByDevice(LedgerKind.FileChanged) with { Digest = Digest },
            new FileChangedData(Id(1), FileAction.Move, "docs/old.md", "docs/new.md", 120, null)),
        (ByDevice(LedgerKind.GitChanged), new GitData(Id(1), "git_commit", "main", ["src/auth/login.ts"], 1, "77aa01bc3d")),
        (In(LedgerKind.TerminalOpened) with { DeviceId = Device, Actor = "Pixel" },
            new TerminalOpenedData("main", 80, 24, "/home/ada/src/api")),
        (In(LedgerKind.TerminalCommand) with { DeviceId = Device, Actor = "Pixel" },
            new TerminalCommandData("main", "make install", true, 12, false, null, null, null)),
        (In(LedgerKind.TerminalCommand) with { DeviceId = Device, Actor = "Pixel" },
            new TerminalCommandData("main", null, false, null, false, null, "it was not echoed", null)),
        (In(LedgerKind.TerminalClosed) with { Actor = "machine" }, new TerminalClosedData("main", "The shell ended.")),
        (ByDevice(LedgerKind.CommandStarted) with { Digest = Digest },
            new CommandStartedData(Id(501), Id(1), "git status --short", "/home/ada/src/api", 600, ["CI"], null, "allow git *")),
        (By(LedgerKind.CommandFinished, "machine"), new CommandFinishedData(Id(501), CommandRunState.Exited, 0, null, 48, Digest, null)),
        (ByDevice(LedgerKind.CommandRefused) with { Digest = Digest }, new CommandRefusedData(Id(502), Id(1), "rm -rf /", "deny rm *")),
        (By(LedgerKind.RuleAdded, "cli"),
            new NetworkRuleData(Id(601), Id(1), "registry.example.com:443", s_at, DecisionProof.OwnerSocket)),
        (By(LedgerKind.RuleRemoved, "cli"), new NetworkRuleData(Id(601), Id(1), "registry.example.com:443", s_at)),
        (In(LedgerKind.NetworkUsed) with { Actor = "machine" },
            new NetworkData("registry.example.com", 443, "done", "a rule of the project", "192.0.2.7", 2, 1200, 88_000)),
        (ByDevice(LedgerKind.ConfigurationChanged),
            new SettingData("session_sandbox", "Upgrade the build image", "set", "none", "bubblewrap", Id(1), true)),
        (By(LedgerKind.AlarmRaised, "machine"), new AlarmData(".git/hooks/post-commit was planted and put back")),
        (About(LedgerKind.AlarmRaised, 205), new NotRunData("the file changed after it was shown")),
        (In(LedgerKind.SessionEnded), null),
        (In(LedgerKind.SessionDeleted) with { DeviceId = Device },
            new SessionDeletedData("claude", Id(1), "/home/ada/src/api", "Pixel", 12, 340)),
        (By(LedgerKind.DevicePaired, "Ann") with { DeviceId = "ann" },
            new DeviceData("Ann", "feishu", [Scope.View, Scope.Prompt, Scope.Decide], null, null, "feishu", "ou_7d8a6e6df7621556ce0d21922b676706", false)),
        .. Asked(299, new RequestedData(ApprovalKind.Command, "claude", "bash", "npm ci", "/home/ada/src/api", s_at, s_covers)),
        InChat(299),
        (By(LedgerKind.DeviceRevoked, "cli") with { DeviceId = "tablet" }, new DeviceRevokedData("Old tablet", "cli")),
        (By(LedgerKind.ProjectRemoved, "cli"), new ProjectData(Id(4), "legacy", "/mnt/usb/legacy")),
        (By(LedgerKind.MachineStopped, "machine"), new InterruptedData("SIGTERM")),
    ];

    private static LedgerEntry By(string kind, string actor) => new(kind) { Actor = actor };

    private static LedgerEntry ByDevice(string kind) => new(kind) { Actor = "Pixel", DeviceId = Device };

    private static LedgerEntry In(string kind) => new(kind) { SessionId = s_session, Sandbox = "bubblewrap" };

    private static LedgerEntry About(string kind, int approval)
        => In(kind) with { TurnId = Id(301).ToString(), ApprovalId = Id(approval).ToString(), Digest = Digest };

    private static IEnumerable<(LedgerEntry, ILedgerData?)> Asked(int approval, RequestedData data)
        => [(About(LedgerKind.ApprovalRequested, approval), data)];

    private static (LedgerEntry, ILedgerData?) Decided(int approval, DecisionVerdict verdict, DecisionScope scope, string? reason)
    {
        var (key, text, signature) = Signed(
            "pocketcoder-decision-v2", Machine, Id(approval).ToString(), Id(900 + approval).ToString(), Digest, Word(verdict), Word(scope),
            Sha256(reason ?? ""), Sha256(""), "false");
        return (About(LedgerKind.ApprovalDecided, approval) with { DeviceId = Device, Actor = "Pixel" },
            new DecidedData(verdict, scope, Id(900 + approval), "Pixel", reason, key, text, signature, null, false)
            { Proof = DecisionProof.DeviceKey });
    }

    /// <summary>The first of two people: as a decision, of another id, in the name of whose device it is.</summary>
    private static (LedgerEntry, ILedgerData?) Agreed(int approval)
    {
        var (entry, data) = Decided(approval, DecisionVerdict.Allow, DecisionScope.Once, null);
        return (entry with { Kind = LedgerKind.ApprovalAgreed }, (DecidedData)data! with { Person = "ada" });
    }

    private static (LedgerEntry, ILedgerData?) ByOwner(int approval)
        => (About(LedgerKind.ApprovalDecided, approval) with { Actor = "cli" },
            new DecidedData(DecisionVerdict.Allow, DecisionScope.Once, Id(900 + approval), "cli", null, null, null, null, null, false)
            { Proof = DecisionProof.OwnerSocket, Person = "owner" });

    private static (LedgerEntry, ILedgerData?) InChat(int approval)
        => (About(LedgerKind.ApprovalDecided, approval) with { DeviceId = "ann", Actor = "Ann" },
            new DecidedData(DecisionVerdict.Allow, DecisionScope.Once, Id(900 + approval), "Ann", null, null, null, null, null, false)
            { Proof = DecisionProof.ChatPlatform, Platform = "feishu" });

    private static (LedgerEntry, ILedgerData?) Undone(int undo, int approval)
    {
        var (key, text, signature) = Signed(
            "pocketcoder-undo-v1", Machine, Id(undo).ToString(), "approval", Id(approval).ToString(), Digest, "false");
        return (ByDevice(LedgerKind.UndoStarted) with { ApprovalId = Id(approval).ToString(), SessionId = s_session },
            new UndoStartedData(
                Id(undo), UndoKind.Approval, Id(approval), "Pixel", Digest, false, 3, "a94f3c71d2", key, text, signature)
            { Proof = DecisionProof.DeviceKey });
    }

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
