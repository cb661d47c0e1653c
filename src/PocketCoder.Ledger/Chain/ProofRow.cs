using System.Text.Json;

namespace PocketCoder.Ledger;

/// <summary>A row's body as the rules about proofs read it. Reading throws <see cref="InvalidOperationException"/> for text that is no
/// valid UTF-16.</summary>
internal readonly struct ProofRow(JsonElement body)
{
    private static readonly string[] s_texts = ["sessionId", "turnId", "approvalId", "deviceId", "actor", "sandbox", "digest"];

    public string? SessionId => Text(body, "sessionId");

    public string? TurnId => Text(body, "turnId");

    public string? ApprovalId => Text(body, "approvalId");

    public string? DeviceId => Text(body, "deviceId");

    public string? Actor => Text(body, "actor");

    public string? Sandbox => Text(body, "sandbox");

    public string? Digest => Text(body, "digest");

    public bool HasDevice => body.TryGetProperty("deviceId", out _);

    /// <summary>Whether the fields that all kinds have are texts where they are there at all.</summary>
    public bool IsWellFormed
    {
        get
        {
            foreach (var name in s_texts)
            {
                if (body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.String)
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Whether any field of a device's signature is there.</summary>
    public bool HasSignature => HasData("deviceSigningKey") || HasData("signed") || HasData("signature");

    /// <summary>An older row that only says that the owner made it: neither a device, nor a signature, nor another decision stands
    /// behind it.</summary>
    public bool SaysNobody => !HasDevice && !HasSignature && !HasData("grant") && (ApprovalId is null || Kind != LedgerKind.RuleAdded);

    /// <summary>All that the request's digest covers; null: it does not say.</summary>
    public JsonElement? Covers => TryData("covers", out var covers) && covers.ValueKind == JsonValueKind.Object ? covers : null;

    private string? Kind => Text(body, "kind");

    /// <summary>A text of the data; null: it is missing or no text.</summary>
    public string? Data(string name) => TryData(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public bool? Flag(string name) => !TryData(name, out var value) ? null
        : value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null };

    public bool HasData(string name) => TryData(name, out _);

    public static string? Text(JsonElement element, string name)
        => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private bool TryData(string name, out JsonElement value)
    {
        value = default;
        return body.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object && data.TryGetProperty(name, out value);
    }
}
