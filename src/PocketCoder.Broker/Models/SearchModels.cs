using System.Text.RegularExpressions;

namespace PocketCoder.Broker.Models;

/// <summary>
/// Models that search or browse without being given a tool for it, by a word in their names: OpenAI's <c>…-search-preview</c>,
/// <c>…-search-api</c> and <c>…-deep-research</c>, Google's <c>deep-research-…</c> and <c>aqa</c>, Perplexity's <c>sonar-…</c>, Groq's
/// <c>compound-…</c>, and <c>…:online</c> of routers. A list of words can't be complete; it holds those of the providers that the dialects
/// are for (platform.openai.com/docs/models, ai.google.dev/gemini-api/docs/models).
/// </summary>
internal static partial class SearchModels
{
    public static bool Has(string model) => Words().IsMatch(model);

    [GeneratedRegex(
        "(^|[^a-z])(search|research|deepresearch|online|browse|browsing|browser|grounded|grounding|sonar|compound|aqa|web)([^a-z]|$)",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Words();
}
