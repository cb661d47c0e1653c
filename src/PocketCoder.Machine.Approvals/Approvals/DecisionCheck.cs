using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>Whether a decision is well-formed, fits what is asked, and is the device's own. Pure.</summary>
public static class DecisionCheck
{
    public const string Domain = "pocketcoder-decision-v2";

    /// <summary>ECDSA over P-256, r and s (IEEE P1363).</summary>
    private const int SignatureBytes = 64;

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void Form(DecisionRequest decision)
    {
        if (decision.DecisionId == Guid.Empty)
        {
            throw Invalid("decisionId must be a UUID made for this decision");
        }

        if (Encoding.UTF8.GetByteCount(decision.Reason ?? "") > Limits.ReasonBytes)
        {
            throw Invalid($"a reason has at most {Limits.ReasonBytes} bytes");
        }

        if (Encoding.UTF8.GetByteCount(decision.Answers ?? "") > Limits.PromptBytes)
        {
            throw Invalid($"answers have at most {Limits.PromptBytes} bytes");
        }

        if (decision.Verdict == DecisionVerdict.Deny && decision.Scope != DecisionScope.Once)
        {
            throw Invalid("a denial applies to this one request only");
        }

        if (decision.Interrupt && decision.Verdict != DecisionVerdict.Deny)
        {
            throw Invalid("only a denial ends the turn");
        }
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void Fits(ApprovalInfo asked, DecisionRequest decision)
    {
        if (decision.Scope != DecisionScope.Once && asked.Reach is null)
        {
            throw Invalid("this request can only be decided once");
        }

        if (decision.Scope == DecisionScope.Turn && asked.TurnId == Guid.Empty)
        {
            throw Invalid("no turn asked for this, so there is none it could be allowed for"); // such an allowance would never end
        }

        if (decision.Scope == DecisionScope.Project)
        {
            if (asked.Kind != ApprovalKind.Network)
            {
                throw Invalid("only a host can be allowed for the project");
            }

            _ = Days(decision.Answers);
        }

        if (decision.Verdict == DecisionVerdict.Allow && asked.Kind == ApprovalKind.Question)
        {
            var answers = Answers(decision.Answers);
            if (((QuestionSubject)asked.Subject).Questions.FirstOrDefault(q => !answers.ContainsKey(q.Text)) is { } open)
            {
                throw Invalid($"no answer to: {open.Text}");
            }
        }
    }

    /// <summary>
    /// Whether this device may decide so. A person for whom only a chat platform speaks allows nothing that may destroy something, unless
    /// the owner said otherwise: who takes over their account must not be able to. A device with a tier of its own allows nothing above
    /// it. Anybody may deny.
    /// </summary>
    /// <param name="device">Null: the owner at the machine.</param>
    /// <exception cref="RequestFailure">UNAUTHORIZED</exception>
    public static void May(Device? device, ApprovalInfo asked, DecisionRequest decision)
    {
        var tier = TierOf(asked.Kind, asked.Risk);
        if (decision.Verdict == DecisionVerdict.Deny)
        {
            return;
        }

        if (device?.Chat is { Destructive: false } && tier == RiskTier.Destructive)
        {
            throw new RequestFailure(
                ErrorCode.Unauthorized, "This may destroy something, so it can't be allowed in a chat. Decide in the app or at the machine.");
        }

        if (device?.Tier is { } most && tier > most)
        {
            throw new RequestFailure(
                ErrorCode.Unauthorized,
                $"This is of the tier '{Word(tier, ProtocolJson.Default.RiskTier)}', and this device may allow at most '{Word(most, ProtocolJson.Default.RiskTier)}'. Somebody else has to decide.");
        }
    }

    /// <summary>
    /// The tier of what is asked. Answers run nothing, and a host is just reached; of the rest, what was never judged may be destructive.
    /// </summary>
    public static RiskTier TierOf(ApprovalKind kind, RiskInfo? risk) => kind switch
    {
        ApprovalKind.Question or ApprovalKind.Plan or ApprovalKind.Prompt => RiskTier.Read,
        ApprovalKind.Network => RiskTier.ReachesOut,
        _ => risk?.Tier ?? RiskTier.Destructive,
    };

    /// <summary>Parses the answers: a JSON object of strings.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static IReadOnlyDictionary<string, string> Answers(string? json)
    {
        try
        {
            return JsonSerializer.Deserialize(json ?? "{}", AnswersJson.Default.DictionaryStringString) ?? [];
        }
        catch (JsonException)
        {
            throw Invalid("answers must be a JSON object: question → answer");
        }
    }

    /// <summary>How long a rule of the project is to last.</summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static int Days(string? text)
        => string.IsNullOrEmpty(text) ? NetworkRules.DefaultDays
            : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var days)
                && days is >= 1 and <= NetworkRules.MaxDays ? days
            : throw Invalid($"answers must be the rule's days, 1 to {NetworkRules.MaxDays}");

    /// <summary>What the device signs, field by field.</summary>
    public static string[] Fields(string machineId, DecisionRequest decision) =>
    [
        machineId,
        decision.ApprovalId.ToString(),
        decision.DecisionId.ToString(),
        decision.Digest,
        Word(decision.Verdict, ProtocolJson.Default.DecisionVerdict),
        Word(decision.Scope, ProtocolJson.Default.DecisionScope),
        Sha256(decision.Reason),
        Sha256(decision.Answers),
        decision.Interrupt ? "true" : "false",
    ];

    /// <summary>The exact signed text, if the signature is the device's own.</summary>
    /// <exception cref="RequestFailure">BAD_SIGNATURE</exception>
    public static string Verify(byte[] signingKey, string machineId, DecisionRequest decision)
    {
        var fields = Fields(machineId, decision);
        if (CanonicalBase64.FromUrl(decision.Signature) is { } signature && Signatures.Verify(signingKey, signature, Domain, fields))
        {
            return Encoding.UTF8.GetString(Signatures.Text(Domain, fields));
        }

        throw BadSignature(decision.Signature);
    }

    /// <summary>Why a signature counts for nothing: a malformed one is no matter of the device's keys.</summary>
    /// <param name="signature">As it came.</param>
    public static RequestFailure BadSignature(string? signature)
        => new(ErrorCode.BadSignature, CanonicalBase64.FromUrl(signature) is { Length: SignatureBytes }
        ? "The signature does not match the key this device paired with. Reload the app on it and try again; pair the device again if that does not help."
        : $"The signature is malformed: it must be {SignatureBytes} bytes in base64url without padding. Nothing was done. Update or reload the app that made it; its pairing is not the cause.");

    private static string Word<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        => JsonSerializer.Serialize(value, type).Trim('"');

    private static string Sha256(string? text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text ?? "")));

    private static RequestFailure Invalid(string message) => new(ErrorCode.InvalidRequest, $"The decision was not accepted: {message}.");
}

[System.Text.Json.Serialization.JsonSourceGenerationOptions(AllowDuplicateProperties = false)]
[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class AnswersJson : System.Text.Json.Serialization.JsonSerializerContext;
