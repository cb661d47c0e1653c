using System.Text.RegularExpressions;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>What is said when a provider refuses a key or a login. Pure.</summary>
public static partial class KeyRefusals
{
    private const int LongestText = 4096;

    /// <summary>
    /// Whether an agent's words tell of a refused credential. They are the provider's or the agent's, so they decide on advice and on
    /// trying again, and on nothing else.
    /// </summary>
    public static bool IsRefused(string? words) => words is not null
        && Refused().IsMatch(words.Length > LongestText ? words[..LongestText] : words);

    /// <summary>Whether they tell of a key that will be refused again: a 403 may be about one model only.</summary>
    public static bool IsFinal(string? words) => IsRefused(words) && !words!.Contains("403", StringComparison.Ordinal);

    /// <summary>Whose credential was refused, and what to do: cause, then the next step.</summary>
    /// <param name="provider">The name its key is stored by; null: nobody knows.</param>
    /// <param name="agent">What people call the agent.</param>
    /// <param name="access">Whose credential it was.</param>
    /// <param name="status">The provider's answer; 0: that it was refused is only what the agent's words look like.</param>
    public static string Words(string? provider, string agent, ModelAccess? access, int status)
    {
        var code = status == 0 ? "" : $" ({status})";
        var refused = status == 0 ? "It looks as if the provider refused" : "The provider refused";
        var store = provider is null ? "" : $"pocketcoder secrets set {provider}";
        return access switch
        {
            ModelAccess.Key when provider is not null =>
                $"{refused} the key that is stored on this machine as '{provider}'{code}. Replace it ({store}) and send the prompt again.",
            ModelAccess.OwnKey when provider is not null =>
                $"{refused} the key of {agent}'s own settings or environment{code}. Correct it there, or store one here ({store}), and send the prompt again.",
            _ => $"{refused} {agent}'s own login or key{code}. Log in again with {agent} in a terminal{(store.Length == 0 ? "" : $", or store a key here ({store})")}, and send the prompt again.",
        };
    }

    [GeneratedRegex(@"\b(401|403)\b|unauthori[sz]ed|\b(invalid|incorrect|bad)( x-)?[ -]?api[ -_]?key|api[ _]?key[ _](not valid|invalid)|authentication[ _](error|failed)|invalid (authentication|bearer)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Refused();
}
