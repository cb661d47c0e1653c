using System.Buffers;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;

namespace PocketCoder.Broker.Models;

/// <summary>
/// The headers and the query of a request that reach a provider: those that agents send about themselves and that no server in between
/// takes for another address, method, sender or credential. All others are left out, known or not, so a request with one is served as if it
/// had not been sent.
/// </summary>
internal static class UpstreamHead
{
    private const int MaxValue = 4096;

    private static readonly HashSet<string> s_headers = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Language", "User-Agent",
        "anthropic-version", "anthropic-dangerous-direct-browser-access", "x-app", "x-client-request-id", "x-claude-code-session-id",
        "x-claude-code-agent-id", "x-claude-code-parent-agent-id",
        "x-stainless-arch", "x-stainless-helper", "x-stainless-helper-method", "x-stainless-lang", "x-stainless-os",
        "x-stainless-package-version", "x-stainless-retry-count",
        "x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout",
        "originator", "session_id", "session-id", "thread-id", "conversation_id", "version",
        "x-session-affinity", "x-session-id", "x-parent-session-id", "x-goog-api-client", "x-gemini-api-privileged-user-id",
    };

    /// <summary>Names that only one agent gives, all about itself.</summary>
    private static readonly string[] s_own = ["x-codex-", "x-opencode-"];

    /// <summary>
    /// Parts of Anthropic's names for what is still tried out that stand for tools that the provider runs, or for files that it keeps.
    /// </summary>
    private static readonly string[] s_provided = ["mcp", "web-", "code-execution", "files-api", "skills", "container", "connector"];

    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

    /// <summary>Adds what may pass, and no credential.</summary>
    public static void Copy(IHeaderDictionary from, HttpRequestHeaders to)
    {
        var nominated = from.Connection.SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in from)
        {
            var value = string.Join(", ", (IEnumerable<string?>)values);
            if (nominated.Contains(name) || value.Length > MaxValue || value.Any(c => c is < ' ' or > '~'))
            {
                continue;
            }

            if (name.Equals("anthropic-beta", StringComparison.OrdinalIgnoreCase))
            {
                var kept = string.Join(',', value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    .Where(b => !s_provided.Any(p => b.Contains(p, StringComparison.OrdinalIgnoreCase))));
                if (kept.Length > 0)
                {
                    to.TryAddWithoutValidation(name, kept);
                }
            }
            else if (s_headers.Contains(name) || s_own.Any(o => name.StartsWith(o, StringComparison.OrdinalIgnoreCase)))
            {
                to.TryAddWithoutValidation(name, value);
            }
        }
    }

    /// <summary>The parts of a query that say how to answer or which page of the models to list; "" or with its question mark.</summary>
    public static string Query(ModelDialect dialect, string? query)
    {
        if (string.IsNullOrEmpty(query))
        {
            return "";
        }

        // Nothing is decoded: a name or value that would have to be is none of these.
        var kept = query[1..].Split('&').Where(p => p.Split('=') is [var name, var value] && IsKnown(dialect, name)
            && value.Length is > 0 and <= 200 && !value.AsSpan().ContainsAnyExcept(s_plain))
            .DistinctBy(p => p.Split('=')[0], StringComparer.Ordinal);
        var joined = string.Join('&', kept);
        return joined.Length == 0 ? "" : "?" + joined;
    }

    private static bool IsKnown(ModelDialect dialect, string name) => dialect switch
    {
        ModelDialect.Anthropic => name is "beta" or "limit" or "before_id" or "after_id",
        ModelDialect.Openai => name is "client_version", // of Codex, when it lists the models
        _ => name is "alt" or "pageSize" or "pageToken",
    };
}
