using PocketCoder.Broker.Models;

namespace PocketCoder.Machine.Models;

/// <summary>The providers that the machine can stand in front of. A provider's name is also the name of the secret with its key.</summary>
public static class ModelProviders
{
    private static readonly Dictionary<string, (ModelDialect Dialect, Uri Address)> s_known = new(StringComparer.Ordinal)
    {
        ["anthropic"] = (ModelDialect.Anthropic, new Uri("https://api.anthropic.com")),
        ["openai"] = (ModelDialect.Openai, new Uri("https://api.openai.com")),
        ["google"] = (ModelDialect.Gemini, new Uri("https://generativelanguage.googleapis.com")),
    };

    public static IReadOnlyCollection<string> All => s_known.Keys;

    /// <param name="provider">One of <see cref="All"/>.</param>
    internal static ModelDialect Dialect(string provider) => s_known[provider].Dialect;

    internal static Uri Address(string provider) => s_known[provider].Address;
}
