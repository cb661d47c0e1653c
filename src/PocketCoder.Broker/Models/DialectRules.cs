using System.Text.Json;

namespace PocketCoder.Broker.Models;

/// <summary>Why the broker itself answers, and how each dialect says it so that agents show the reason.</summary>
internal enum Refusal
{
    NoToken,
    NotAllowed,
    ModelNotAllowed,
    ProviderTools,
    BudgetSpent,
    TooLarge,
    TooMany,
    NoUpstream,
    NoKey,
    Unreachable,
}

/// <summary>What differs between the dialects: paths, credentials, the shape of errors.</summary>
internal static class DialectRules
{
    public static string Prefix(this ModelDialect dialect)
        => dialect switch { ModelDialect.Anthropic => "/anthropic", ModelDialect.Openai => "/openai", _ => "/gemini" };

    /// <summary>
    /// The calls that agents make (measured with Claude Code 2.1, Codex 0.169, OpenCode 1.18, Gemini CLI); nothing else of a provider's
    /// API.
    /// </summary>
    public static bool Allows(this ModelDialect dialect, string method, string path) => dialect switch
    {
        ModelDialect.Anthropic => (method == "POST" && path is "/v1/messages" or "/v1/messages/count_tokens")
            || (method == "GET" && IsModel(path, "/v1/models")) || (method is "HEAD" or "GET" && path is "" or "/"),
        ModelDialect.Openai => (method == "POST" && path is "/v1/responses" or "/v1/chat/completions")
            || (method == "GET" && IsModel(path, "/v1/models")),
        _ => (method == "POST" && path.StartsWith("/v1beta/models/", StringComparison.Ordinal)
            && path.AsSpan("/v1beta/models/".Length).IndexOf('/') < 0
            && (path.EndsWith(":generateContent", StringComparison.Ordinal) || path.EndsWith(
                ":streamGenerateContent", StringComparison.Ordinal) || path.EndsWith(":countTokens", StringComparison.Ordinal)))
            || (method == "GET" && IsModel(path, "/v1beta/models")),
    };

    /// <summary>Whether the call costs tokens.</summary>
    public static bool Generates(this ModelDialect _, string method, string path)
        => method == "POST" && !path.EndsWith("/count_tokens", StringComparison.Ordinal)
            && !path.EndsWith(":countTokens", StringComparison.Ordinal);

    public static (string Header, string Value) Credential(this ModelDialect dialect, string key) => dialect switch
    {
        ModelDialect.Anthropic => ("x-api-key", key),
        ModelDialect.Openai => ("Authorization", $"Bearer {key}"),
        _ => ("x-goog-api-key", key),
    };

    /// <summary>
    /// Statuses are chosen so that agents show the message and don't try again; a spent budget looks like the providers' own "no credit".
    /// </summary>
    public static int Status(this Refusal refusal) => refusal switch
    {
        Refusal.NoToken => 401,
        Refusal.NotAllowed or Refusal.ModelNotAllowed or Refusal.ProviderTools or Refusal.NoUpstream => 403,
        Refusal.TooLarge => 413,
        Refusal.TooMany => 429,
        Refusal.Unreachable => 502,
        Refusal.NoKey => 403,
        _ => 400,
    };

    public static byte[] Error(this ModelDialect dialect, Refusal refusal, string message)
    {
        var status = refusal.Status();
        var type = status switch
        {
            401 => "authentication_error",
            403 => "permission_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            502 => "api_error",
            _ => "invalid_request_error"
        };
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (dialect == ModelDialect.Anthropic)
            {
                json.WriteString("type", "error");
            }

            json.WriteStartObject("error");
            if (dialect == ModelDialect.Gemini)
            {
                json.WriteNumber("code", status);
                json.WriteString("message", message);
                json.WriteString("status", status switch
                {
                    401 => "UNAUTHENTICATED",
                    403 => "PERMISSION_DENIED",
                    429 => "RESOURCE_EXHAUSTED",
                    502 => "UNAVAILABLE",
                    413 => "INVALID_ARGUMENT",
                    _ => "FAILED_PRECONDITION"
                });
            }
            else
            {
                json.WriteString("type", type);
                json.WriteString("message", message);
                if (dialect == ModelDialect.Openai)
                {
                    json.WriteString("code", refusal == Refusal.BudgetSpent ? "insufficient_quota" : type);
                    json.WriteNull("param");
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static bool IsModel(string path, string root)
        => path == root || (path.StartsWith(root + "/", StringComparison.Ordinal) && path.AsSpan(root.Length + 1).IndexOf('/') < 0);
}
