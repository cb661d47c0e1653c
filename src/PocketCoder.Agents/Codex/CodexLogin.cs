using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Codex;

/// <summary>How Codex would log in by itself (0.169.0), as it is now.</summary>
internal static class CodexLogin
{
    private const int MaxFileBytes = 256 * 1024;

    public static AgentModels From(IReadOnlyDictionary<string, string> environment)
    {
        var home = CodexEnvironment.Home(environment);
        var (stored, chatGpt) = Stored(Path.Combine(home, "auth.json"));
        var elsewhere = CodexSettings.Read(home).Elsewhere;
        return new AgentModels("openai")
        {
            BaseUrl = BaseUrl(environment.GetValueOrDefault("OPENAI_BASE_URL")),

            // With a provider of the person's own settings nobody knows whose key that is.
            Key = elsewhere is null ? Given(environment, "CODEX_API_KEY") ?? Given(environment, "OPENAI_API_KEY") ?? stored : null,

            // A ChatGPT login asks another host, renews itself and rotates what renews it: a copy in a sandbox would end the person's own.
            OnlyByItself = elsewhere ?? (chatGpt ? "it is logged in with ChatGPT, which only it can renew" : null),
        };
    }

    private static string? Given(IReadOnlyDictionary<string, string> environment, string name)
        => environment.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;

    /// <summary>Codex appends <c>/responses</c> to what ends in <c>/v1</c>; the machine appends <c>/v1/responses</c>.</summary>
    private static Uri? BaseUrl(string? given)
    {
        var root = given?.TrimEnd('/');
        root = root?.EndsWith("/v1", StringComparison.Ordinal) == true ? root[..^3] : root;
        return Uri.TryCreate(root, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
    }

    /// <summary>Of <c>auth.json</c> only the key of a login with a key is read into a string; of a ChatGPT login, that it is one.</summary>
    private static (string? Key, bool ChatGpt) Stored(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length > MaxFileBytes)
            {
                return default;
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.Object("tokens") is not null ? (null, true)
                : (document.RootElement.Text("OPENAI_API_KEY") is { Length: > 0 } key ? key : null, false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return default; // being written, or of another form: then there is none
        }
    }
}
