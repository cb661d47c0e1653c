using System.Text.RegularExpressions;

namespace PocketCoder.Agents.Shared;

/// <summary>Takes secrets out of a program's words before people or logs see them.</summary>
internal static partial class Redaction
{
    private const string Hidden = "[secret]";
    private const int ShortestSecret = 6;

    /// <summary>Hides the values of secret-looking variables of the program's environment, and what looks like a key by itself.</summary>
    public static string Redact(string text, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var (name, value) in environment)
        {
            if (value.Length >= ShortestSecret && SecretName().IsMatch(name))
            {
                text = text.Replace(value, Hidden, StringComparison.Ordinal);
            }
        }

        return SecretValue().Replace(text, Hidden);
    }

    [GeneratedRegex("KEY|TOKEN|SECRET|PASSWORD|AUTH|CREDENTIAL|COOKIE|HEADERS", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex SecretName();

    [GeneratedRegex(@"\bsk-[A-Za-z0-9_\-]{4,}|(?<=\bBearer\s)\S+|(?<=://)[^\s/@:]+:[^\s/@]+(?=@)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SecretValue();
}
