using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>How Claude Code would log in by itself, in the order in which it looks.</summary>
internal static class ClaudeLogin
{
    private const int MaxFileBytes = 64 * 1024;

    public static AgentModels From(IReadOnlyDictionary<string, string> environment, TimeProvider time)
    {
        var bearer = environment.GetValueOrDefault("ANTHROPIC_AUTH_TOKEN") is { Length: > 0 } token ? token : null;
        var given = environment.GetValueOrDefault("CLAUDE_CODE_OAUTH_TOKEN") is { Length: > 0 } named ? named : null;
        return new AgentModels("anthropic")
        {
            BaseUrl = Uri.TryCreate(environment.GetValueOrDefault("ANTHROPIC_BASE_URL"), UriKind.Absolute, out var url)
                && url.Scheme is "http" or "https" ? url : null,
            Key = bearer ?? (environment.GetValueOrDefault("ANTHROPIC_API_KEY") is { Length: > 0 } key ? key : null),
            KeyIsBearer = bearer is not null,
            Login = () => given ?? (Stored() is { } stored && stored.ExpiresAt > time.GetUtcNow() ? stored.Token : null),
            LoginProblem = () => given is null && Stored() is { } stored && stored.ExpiresAt <= time.GetUtcNow()
                ? $"Claude Code's login ran out at {stored.ExpiresAt:yyyy-MM-dd HH:mm} UTC, and a sandboxed session can't renew it: use Claude Code once in a terminal, which does, or start PocketCoder with a token of 'claude setup-token' in CLAUDE_CODE_OAUTH_TOKEN."
                : null,
        };

        (string Token, DateTimeOffset ExpiresAt)? Stored() => Read(ClaudeEnvironment.ConfigDirectory(environment));
    }

    /// <summary>
    /// The access token of <c>.credentials.json</c> (2.1.197). The refresh token beside it would be the whole account: it is not even read
    /// into a string.
    /// </summary>
    private static (string Token, DateTimeOffset ExpiresAt)? Read(string configDirectory)
    {
        try
        {
            var file = new FileInfo(Path.Combine(configDirectory, ".credentials.json"));
            if (!file.Exists || file.Length > MaxFileBytes)
            {
                return null;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            if (document.RootElement.Member("claudeAiOauth") is not { } login || login.Text("accessToken") is not { Length: > 0 } token)
            {
                return null;
            }

            var expires = login.Number("expiresAt"); // milliseconds since 1970; 0 when it is not told
            return (token, expires is > 0 and <= 253402300799999 ? DateTimeOffset.FromUnixTimeMilliseconds(expires)
                : DateTimeOffset.MaxValue);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // being written, or of another form: then there is none
        }
    }
}
