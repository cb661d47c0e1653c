using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Acp.Gemini;

/// <summary>What matters here of the person's own <c>~/.gemini/settings.json</c> (Gemini CLI 0.61.0).</summary>
/// <param name="Login">How it logs in: <c>gemini-api-key</c>, <c>oauth-personal</c>, <c>vertex-ai</c> …; null: it was never chosen, or the
/// file can't be read.</param>
/// <param name="Model">The model to begin with; null: Gemini's own choice.</param>
internal sealed record GeminiSettings(string? Login, string? Model)
{
    public const string KeyLogin = "gemini-api-key";
    public const string KeyVariable = "GEMINI_API_KEY";
    public const string BaseUrlVariable = "GOOGLE_GEMINI_BASE_URL";

    private const int MaxBytes = 256 * 1024;
    private const int LongestModel = 100;

    /// <summary>Gemini's own folder for that environment.</summary>
    public static string Folder(IReadOnlyDictionary<string, string> environment)
        => Path.Combine(environment.GetValueOrDefault("GEMINI_CLI_HOME") is { Length: > 0 } own ? own
            : environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".gemini");

    public static GeminiSettings Read(IReadOnlyDictionary<string, string> environment)
    {
        try
        {
            var file = new FileInfo(Path.Combine(Folder(environment), "settings.json"));
            if (!file.Exists || file.Length > MaxBytes)
            {
                return new GeminiSettings(null, null);
            }

            using var document = JsonDocument.Parse(File.ReadAllBytes(file.FullName),
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var model = document.RootElement.Object("model")?.Text("name");
            return new GeminiSettings(document.RootElement.Object("security")?.Object("auth")?.Text("selectedType"),
                model is { Length: > 0 and <= LongestModel } ? model : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return new GeminiSettings(null, null); // being written, or of another form
        }
    }

    public static AgentModels Models(IReadOnlyDictionary<string, string> environment)
    {
        var login = Read(environment).Login;
        return new AgentModels("google")
        {
            Key = environment.GetValueOrDefault(KeyVariable) is { Length: > 0 } key ? key : null,
            BaseUrl = Uri.TryCreate(environment.GetValueOrDefault(BaseUrlVariable), UriKind.Absolute, out var url)
                && url.Scheme is "http" or "https" ? url : null,
            LoginProblem = () => login is null or KeyLogin ? null
                : $"Gemini CLI's own way to log in ({login}) does not work in a sandboxed session.",
            ByItselfOutside = login is not (null or KeyLogin),
        };
    }
}
