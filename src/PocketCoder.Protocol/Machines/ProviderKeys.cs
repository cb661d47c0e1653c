using System.Text.Json.Serialization;

namespace PocketCoder.Protocol;

/// <summary>Sizes of a model provider's key that a device gives.</summary>
public static class ProviderKeyLimits
{
    /// <summary>Characters at least. A shorter one could be a word of what people read, and a key is taken out of that.</summary>
    public const int Shortest = 16;

    /// <summary>Characters at most.</summary>
    public const int Longest = 2_048;

    /// <summary>Seconds that a provider has to answer a check.</summary>
    public const int CheckSeconds = 10;
}

/// <summary>Whether a model provider's key is stored on the machine. The key itself is never given out.</summary>
/// <param name="Provider"><c>anthropic</c>, <c>openai</c> or <c>google</c>, or one that the owner named.</param>
/// <param name="SetAt">When it was last set; null: there is none.</param>
/// <param name="SetBy">The device that set it, by the name it had then; null: the owner at the machine, or there is none.</param>
public sealed record ProviderKeyInfo(string Provider, DateTimeOffset? SetAt, string? SetBy);

/// <summary>
/// Sets or replaces a provider's key, with a row in the ledger. Every device is told who did. Sending it again sets it again.
/// </summary>
/// <param name="Provider">One of <see cref="MachineInfo.Keys"/>.</param>
/// <param name="Value">
/// <see cref="ProviderKeyLimits.Shortest"/> to <see cref="ProviderKeyLimits.Longest"/> characters, <c>!</c> to <c>~</c>. Never given back,
/// logged or put into the ledger.
/// </param>
public sealed record ProviderKeySetRequest(string Provider, string Value);

public sealed record ProviderKeySetResponse(ProviderKeyInfo Key);

/// <summary>
/// Deletes a provider's key, with a row in the ledger. <c>UNAUTHORIZED</c> while there is a budget: without a key it would not hold
/// everywhere.
/// </summary>
public sealed record ProviderKeyRemoveRequest(string Provider);

/// <param name="Was">False: there was none.</param>
public sealed record ProviderKeyRemoveResponse(ProviderKeyInfo Key, bool Was);

/// <summary>
/// Asks the provider whether it takes the stored key: one request, which costs nothing, to where the agents' own requests go. Errors:
/// <c>CONFLICT</c> without a key, <c>RATE_LIMITED</c> while another check runs.
/// </summary>
public sealed record ProviderKeyCheckRequest(string Provider);

/// <param name="Host">Who was asked.</param>
/// <param name="Status">The HTTP status of the answer; null: there was none.</param>
public sealed record ProviderKeyCheckResponse(ProviderKeyVerdict Verdict, string Host, int? Status);

/// <summary>What a provider says to a key.</summary>
[JsonConverter(typeof(LowerSnake<ProviderKeyVerdict>))]
public enum ProviderKeyVerdict
{
    /// <summary>It answered the request.</summary>
    Works,

    /// <summary>It does not know the key, or the key can't be sent.</summary>
    Refused,

    /// <summary>It gave no answer in time.</summary>
    Unreachable,

    /// <summary>It answered something else, such as too many requests, or that the key may not list models: nothing is known.</summary>
    Unclear,
}
