using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Ledger;

/// <summary>
/// The rules about who decided, over rows in order: each row by which somebody decides says how that was proved, and the proof holds. The
/// same code refuses a wrong row before it is appended and finds one when the chain is verified; docs/verify-ledger.mjs has the same rules
/// once more. Rows of versions that wrote no proof are only counted. Not thread-safe.
/// </summary>
internal sealed class ProofRules(string machineId)
{
    private const string Owner = "cli";

    /// <summary>The person who stands behind the control socket.</summary>
    private const string OwnerPerson = "owner";

    /// <summary>
    /// What an allowance reaches: requests of its kind that are the same in all of these. Of any other kind each is decided by itself.
    /// </summary>
    private static readonly Dictionary<string, string[]> s_reach = new(StringComparer.Ordinal)
    {
        ["command"] = ["what", "cwd", "same", "meaning"],
        ["edit"] = ["what"],
        ["tool"] = ["directory", "tool", "same", "reads"],
        ["network"] = ["what"],
        ["job_input"] = ["job"],
    };

    private readonly Dictionary<string, Paired> _devices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Approval> _approvals = new(StringComparer.Ordinal);

    /// <summary>Whether rows have proofs from here on: one that has none is a fault.</summary>
    public bool Began { get; set; }

    /// <summary>How many decisions, undos and rules are of a version that did not say how they were proved.</summary>
    public long Untold { get; private set; }

    /// <summary>Whether a row of this kind needs a proof.</summary>
    public static bool Proves(string kind)
        => kind is LedgerKind.ApprovalAgreed or LedgerKind.ApprovalDecided or LedgerKind.UndoStarted or LedgerKind.RuleAdded;

    private static bool Concerns(string kind) => Proves(kind)
        || kind is LedgerKind.ApprovalRequested or LedgerKind.DevicePaired or LedgerKind.DeviceLimited or LedgerKind.DeviceRevoked
            or LedgerKind.MachineStarted;

    /// <summary>Takes the next row; returns what is wrong with it, or null.</summary>
    public string? Apply(string kind, ReadOnlySpan<byte> body)
    {
        if (!Concerns(kind))
        {
            return null;
        }

        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 80 });
            return Apply(kind, new ProofRow(JsonElement.ParseValue(ref reader)));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is no valid UTF-16.
            return "it can't be read";
        }
    }

    private string? Apply(string kind, ProofRow row)
    {
        switch (kind)
        {
            case LedgerKind.MachineStarted:
                Began |= row.Data("proofs") == DecisionProof.Domain;
                return null;
            case LedgerKind.DevicePaired when row.DeviceId is { } device:
                var key = row.HasData("deviceSigningKey") ? row.Data("deviceSigningKey") ?? "" : null;
                _devices[device] = new Paired(key, row.Data("platform"), row.Data("person"), false);
                return null;
            case LedgerKind.DeviceLimited when row.DeviceId is { } device && _devices.TryGetValue(device, out var limited):
                _devices[device] = limited with { Person = row.Data("person") };
                return null;
            case LedgerKind.DeviceRevoked when row.DeviceId is { } device && _devices.TryGetValue(device, out var known):
                _devices[device] = known with { Revoked = true };
                return null;
            case LedgerKind.ApprovalRequested when row.ApprovalId is { } id:
                Began |= row.HasData("twoPeople");
                _approvals.TryAdd(id, Asked(row));
                return null;
        }

        return !Proves(kind) ? null : row.IsWellFormed ? Judge(kind, row) : "a field of it is no text";
    }

    private string? Judge(string kind, ProofRow row)
    {
        if (!row.HasData("proof"))
        {
            if (Began && !(kind == LedgerKind.RuleAdded && row.ApprovalId is not null))
            {
                return "it does not say how it was proved, though such rows do from here on";
            }

            if (kind == LedgerKind.ApprovalDecided && row.ApprovalId is { } id && _approvals.TryGetValue(id, out var old))
            {
                _approvals[id] = old.Decide(row, vouched: !row.HasData("grant"));
            }

            Untold += !Began && row.SaysNobody ? 1 : 0;
            return null;
        }

        Began = true;
        return kind switch
        {
            LedgerKind.ApprovalAgreed => Agreed(row),
            LedgerKind.ApprovalDecided => Decided(row),
            LedgerKind.UndoStarted => Undone(row),
            _ when row.ApprovalId is not null => "it has a proof of its own, though a decision made it",
            _ => ByOwner(row, hasBy: false),
        };
    }

    private string? Decided(ProofRow row)
    {
        if (row.ApprovalId is not { } id || !_approvals.TryGetValue(id, out var asked))
        {
            return "it decides what was never requested";
        }

        if (asked.Misplaced(row) is { } misplaced)
        {
            return misplaced;
        }

        var problem = (row.Data("proof") == DecisionProof.Grant ? ByGrant(id, row, asked) : ByPerson(row))
            ?? (asked.TwoPeople && row.Data("decision") == "allow" ? BySecond(row, asked) : null);
        _approvals[id] = asked.Decide(row, vouched: problem is null && row.Data("proof") != DecisionProof.Grant);
        return problem;
    }

    /// <summary>The first of two people. What is wrong with it does not count as one.</summary>
    private string? Agreed(ProofRow row)
    {
        if (row.ApprovalId is not { } id || !_approvals.TryGetValue(id, out var asked))
        {
            return "it decides what was never requested";
        }

        var problem = asked.Misplaced(row)
            ?? (!asked.TwoPeople ? "it is the first of two people, and one decides this"
                : row.Data("decision") != "allow" ? "it is the first of two people, and does not allow it"
                : ByPerson(row) ?? AsPerson(row));
        if (problem is null)
        {
            _approvals[id] = asked with { First = new Agreement(row.DeviceId, row.Data("person")!) };
        }

        return problem;
    }

    /// <summary>The second of two people: another one than the first, whose device is still theirs and was not revoked since.</summary>
    private string? BySecond(ProofRow row, Approval asked)
        => row.Data("proof") == DecisionProof.Grant ? "two people must allow it, and an allowance did"
            : AsPerson(row) is { } problem ? problem
            : asked.First is { } first && first.Person != row.Data("person") && first.DeviceId != row.DeviceId
                && (first.DeviceId is not { } device || _devices.TryGetValue(device, out var its) && !its.Revoked
                    && its.Person == first.Person) ? null
            : "two people must allow it, and nobody else did before";

    /// <summary>Whether it is once, and in the name of the person whose device it is. The owner is a person without a device.</summary>
    private string? AsPerson(ProofRow row)
        => row.Data("scope") != "once" ? "what two people must allow they allow once"
            : row.Data("person") is { } person
                && person == (row.DeviceId is not { } id ? OwnerPerson : _devices.TryGetValue(id, out var its) ? its.Person : null) ? null
            : "it names another person than the device is of";

    private string? ByPerson(ProofRow row) => row.Data("proof") switch
    {
        DecisionProof.DeviceKey => ByDevice(row, DecisionText(row)),
        DecisionProof.OwnerSocket => ByOwner(row, hasBy: true),
        DecisionProof.ChatPlatform => ByPlatform(row),
        _ => UnknownProof,
    };

    private string? Undone(ProofRow row) => row.Data("proof") switch
    {
        DecisionProof.DeviceKey => row.Data("target") == "approval" && row.ApprovalId != row.Data("targetId")
            ? "it names another approval than the device signed" : ByDevice(row, UndoText(row)),
        DecisionProof.OwnerSocket => ByOwner(row, hasBy: true),
        _ => UnknownProof,
    };

    private const string UnknownProof = "it names a proof that is not known here";

    /// <summary>The key's own device, paired and not revoked; the signature over exactly this.</summary>
    private string? ByDevice(ProofRow row, string? text)
        => row.HasData("grant") ? "it names a device's key and an allowance"
            : row.DeviceId is not { } id || row.Data("deviceSigningKey") is not { } key || row.Data("signature") is not { } signature
                ? "it says that a device signed it, and has no signature of a device"
            : text is null || row.Data("signed") != text ? "it has a device signature over something else"
            : !_devices.TryGetValue(id, out var device) || device.Key != key ? "it is signed with a key that was not paired for this device"
            : device.Revoked ? "it is signed by a device that was revoked before"
            : DeviceSignature.Holds(key, text, signature) ? null
            : "it has a wrong device signature";

    /// <summary>A person without keys, paired by this platform and not revoked. Only the machine's own key speaks for such a row.</summary>
    private string? ByPlatform(ProofRow row)
        => row.HasSignature || row.HasData("grant") ? "it says that a chat platform vouches for it, and names a signature or an allowance"
            : row.DeviceId is not { } id || row.Data("platform") is not { } platform || !_devices.TryGetValue(id, out var person)
                || person.Key is not null || person.Platform != platform ? "it names a chat platform by which nobody was paired for this device"
            : person.Revoked ? "it is decided by a person who was revoked before"
            : null;

    private static string? ByOwner(ProofRow row, bool hasBy)
        => row.Data("proof") != DecisionProof.OwnerSocket ? UnknownProof
            : row.HasDevice || row.HasSignature || row.HasData("grant")
                ? "it says that the owner made it at the machine, and names a device, a signature or an allowance"
            : row.Actor != Owner || (hasBy && row.Data("by") != Owner) ? "it says that the owner made it at the machine, and names another"
            : null;

    /// <summary>Whether the allowance that it names exists, was made by a person, and reaches this request.</summary>
    private string? ByGrant(string id, ProofRow row, Approval asked)
    {
        if (row.HasSignature)
        {
            return "it names an allowance and bears a signature";
        }

        if (row.Data("grant") is not { } grant || grant == id || !_approvals.TryGetValue(grant, out var from) || !from.IsDecided)
        {
            return "it names an allowance that does not exist";
        }

        return !from.Allowed || !from.Vouched ? "it names an allowance that nobody gave"
            : row.Data("decision") != "allow" || from.Scope is not ("turn" or "session") || row.Data("scope") != from.Scope
                ? "it has another scope than its allowance"
            : row.DeviceId != from.DeviceId ? "it names another device than its allowance"
            : row.SessionId is null || row.SessionId != from.SessionId ? "it is of another session than its allowance"
            : from.Scope == "turn" && row.TurnId != from.TurnId ? "it is of another turn than its allowance"
            : !asked.Covered ? null
            : asked.Reach is null || from.Reach is null || asked.Reach != from.Reach ? "its allowance does not reach it"
            : null;
    }

    /// <summary>What a device signs for this decision; null: the row can't be that of one. The answers are not in the ledger.</summary>
    private string? DecisionText(ProofRow row)
    {
        var answers = row.Data("signed")?.Split('\n') is { Length: 10 } lines ? lines[8] : null;
        return answers is { Length: 64 } && answers.All(char.IsAsciiHexDigitLower)
            && row.Data("decisionId") is { } decision && row.Digest is { } digest && row.Data("decision") is { } verdict
            && row.Data("scope") is { } scope && row.Flag("interrupt") is { } interrupt
            && (row.Data("reason") is { } reason || !row.HasData("reason") && (reason = "") is not null)
            ? string.Join('\n', "pocketcoder-decision-v2", machineId, row.ApprovalId, decision, digest, verdict, scope, Sha256(reason),
                answers, interrupt ? "true" : "false")
            : null;
    }

    private string? UndoText(ProofRow row)
        => row.Data("undoId") is { } undo && row.Data("target") is { } target && row.Data("targetId") is { } id
            && row.Data("plan") is { } plan && row.Flag("force") is { } force
            ? string.Join('\n', "pocketcoder-undo-v1", machineId, undo, target, id, plan, force ? "true" : "false") : null;

    private static Approval Asked(ProofRow row)
    {
        var covers = row.Covers;
        string? reach = null;
        if (covers is { } c && ProofRow.Text(c, "reach") is not null && ProofRow.Text(c, "kind") is { } kind
            && s_reach.TryGetValue(kind, out var names))
        {
            // The values themselves may be long, and only their equality matters.
            string[] same = ["kind", "agent", "project", .. names];
            reach = Sha256(string.Join('\n', same.Select(n => ProofRow.Text(c, n) is { } value ? Sha256(value) : "")));
        }

        return new Approval(row.SessionId, row.TurnId, row.Sandbox, covers is not null, reach) { TwoPeople = row.HasData("twoPeople") };
    }

    private static string Sha256(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <param name="Platform">Of a person in a chat, who has no key.</param>
    /// <param name="Person">Whose device it is; null: nobody said.</param>
    private sealed record Paired(string? Key, string? Platform, string? Person, bool Revoked);

    /// <param name="DeviceId">Null: the owner at the machine.</param>
    private sealed record Agreement(string? DeviceId, string Person);

    /// <param name="Covered">Whether the request says what its digest covers.</param>
    /// <param name="Reach">Equal for what one allowance reaches; null: each is decided by itself.</param>
    private sealed record Approval(string? SessionId, string? TurnId, string? Sandbox, bool Covered, string? Reach)
    {
        /// <summary>Whether two people must allow it.</summary>
        public bool TwoPeople { get; init; }

        /// <summary>Who was the first of two people, as long as nobody decided.</summary>
        public Agreement? First { get; init; }

        public bool IsDecided { get; private init; }

        public bool Allowed { get; private init; }

        /// <summary>A person decided it.</summary>
        public bool Vouched { get; private init; }

        public string? Scope { get; private init; }

        public string? DeviceId { get; private init; }

        public string? Misplaced(ProofRow row)
            => Covered && (row.SessionId != SessionId || row.TurnId != TurnId || row.Sandbox != Sandbox)
                ? "it is of another session, turn or sandbox than the request" : null;

        /// <summary>The first decision counts; a second one is a fault that <see cref="ApprovalHistory"/> tells.</summary>
        public Approval Decide(ProofRow row, bool vouched) => IsDecided ? this : this with
        {
            IsDecided = true,
            Allowed = row.Data("decision") == "allow",
            Vouched = vouched,
            Scope = row.Data("scope"),
            DeviceId = row.DeviceId,
        };
    }
}
