using System.Text.Json;

namespace PocketCoder.Agents.Claude;

/// <summary>How Claude Code would log in by itself, in the order in which it looks.</summary>
internal static class ClaudeLogin
{
    private const int MaxFileBytes = 64 * 1024;

    public static AgentModels From(IReadOnlyDictionary<string, string> environment)
    {
        var bearer = environment.GetValueOrDefault("ANTHROPIC_AUTH_TOKEN") is { Length: > 0 } token ? token : null;
        return new AgentModels("anthropic")
        {
            BaseUrl = Uri.TryCreate(environment.GetValueOrDefault("ANTHROPIC_BASE_URL"), UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null,
            Key = bearer ?? (environment.GetValueOrDefault("ANTHROPIC_API_KEY") is { Length: > 0 } key ? key : null),
            KeyIsBearer = bearer is not null,
            Login = () => environment.GetValueOrDefault("CLAUDE_CODE_OAUTH_TOKEN") is { Length: > 0 } given ? given : Stored(ClaudeEnvironment.ConfigDirectory(environment)),
        };
    }

    /// <summary>The access token of <c>.credentials.json</c> (2.1.197). The refresh token beside it would be the whole account: it is not even read into a string.</summary>
    private static string? Stored(string configDirectory)
    {
        try
        {
            var file = new FileInfo(Path.Combine(configDirectory, ".credentials.json"));
            if (!file.Exists || file.Length > MaxFileBytes)
            {
                return null;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(file.FullName));
            return document.RootElement.Member("claudeAiOauth")?.Text("accessToken") is { Length: > 0 } token ? token : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // being written, or of another form: then there is none
        }
    }
}
