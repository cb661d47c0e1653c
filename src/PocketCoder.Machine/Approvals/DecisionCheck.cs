using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Channels;
using PocketCoder.Machine.Network;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>Whether a decision is well-formed, fits what is asked, and is the device's own. Pure.</summary>
internal static class DecisionCheck
{
    public const string Domain = "pocketcoder-decision-v1";

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void Form(AgentPromptResponseRequest decision)
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
            throw Invalid("a denial is for this one request only");
        }
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static void Fits(ApprovalInfo asked, AgentPromptResponseRequest decision)
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
                throw Invalid($"there is no answer to: {open.Text}");
            }
        }
    }

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
            : int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= NetworkRules.MaxDays ? days
            : throw Invalid($"answers must be the rule's days, 1 to {NetworkRules.MaxDays}");

    /// <summary>What the device signs, field by field.</summary>
    public static string[] Fields(string machineId, AgentPromptResponseRequest decision) =>
    [
        machineId,
        decision.ApprovalId.ToString(),
        decision.DecisionId.ToString(),
        decision.Digest,
        Word(decision.Verdict, ProtocolJson.Default.DecisionVerdict),
        Word(decision.Scope, ProtocolJson.Default.DecisionScope),
        Sha256(decision.Reason),
        Sha256(decision.Answers),
    ];

    /// <summary>The exact signed text, if the signature is the device's own.</summary>
    /// <exception cref="RequestFailure">BAD_SIGNATURE</exception>
    public static string Verify(byte[] signingKey, string machineId, AgentPromptResponseRequest decision)
    {
        var fields = Fields(machineId, decision);
        try
        {
            if (Signatures.Verify(signingKey, Base64Url.DecodeFromChars(decision.Signature), Domain, fields))
            {
                return Encoding.UTF8.GetString(Signatures.Text(Domain, fields));
            }
        }
        catch (FormatException)
        {
            // Not base64url: no signature.
        }

        throw new RequestFailure(ErrorCode.BadSignature, "The decision's signature does not fit the key that this device paired with. Pair the device again.");
    }

    private static string Word<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => JsonSerializer.Serialize(value, type).Trim('"');

    private static string Sha256(string? text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text ?? "")));

    private static RequestFailure Invalid(string message) => new(ErrorCode.InvalidRequest, $"The decision can't be taken: {message}.");
}

[System.Text.Json.Serialization.JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class AnswersJson : System.Text.Json.Serialization.JsonSerializerContext;
