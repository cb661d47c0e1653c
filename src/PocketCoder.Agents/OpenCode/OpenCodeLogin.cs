using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>Which models OpenCode would ask by the person's own settings (1.18.33), and how it would log in, as it is now.</summary>
internal static class OpenCodeLogin
{
    private const int MaxFileBytes = 1024 * 1024;

    /// <summary>Providers that the machine can stand in between for, with the variables of their keys and addresses.</summary>
    private static readonly (string Provider, string[] Keys, string BaseUrl)[] s_known =
    [
        ("anthropic", ["ANTHROPIC_API_KEY"], "ANTHROPIC_BASE_URL"),
        ("openai", ["OPENAI_API_KEY"], "OPENAI_BASE_URL"),
        ("google", ["GOOGLE_GENERATIVE_AI_API_KEY", "GEMINI_API_KEY"], "GOOGLE_GENERATIVE_AI_BASE_URL"),
    ];

    private static readonly JsonDocumentOptions s_withComments = new()
    { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public static AgentModels From(IReadOnlyDictionary<string, string> environment)
    {
        using var settings = Read(environment, "opencode.jsonc") ?? Read(environment, "opencode.json");
        using var logins = ReadFile(Path.Combine(OpenCodeEnvironment.Data(environment), "auth.json"));
        var root = settings?.RootElement ?? default;
        var wanted = root.Text("model")?.Split('/')[0];
        var known = s_known.FirstOrDefault(k => k.Provider == wanted);
        if (known.Provider is null)
        {
            known = s_known.FirstOrDefault(
                k => KeyOf(k.Keys, environment) is not null || logins?.RootElement.Object(k.Provider) is not null);
            known = known.Provider is null ? s_known[0] : known;
        }

        var login = logins?.RootElement.Object(known.Provider);
        var elsewhere = wanted is not null && wanted != known.Provider ? $"its settings name models of {BoundedText.OneLine(wanted)}"
            : root.Object("provider")?.Object(known.Provider)?.Object("options")?.Text("baseURL") is not null
            ? "its settings name a provider of their own"
            : null;
        return new AgentModels(known.Provider)
        {
            BaseUrl = BaseUrl(environment.GetValueOrDefault(known.BaseUrl)),

            // With a provider of the person's own settings nobody knows whose key that is.
            Key = elsewhere is null ? KeyOf(known.Keys, environment) ?? (login?.Text("type") == "api" ? login?.Text("key") : null) : null,
            OnlyByItself = elsewhere
                ?? (login?.Text("type") == "oauth" ? "it is logged in with an account, which only it can renew" : null),
            ByItselfOutside = true, // its settings may name many providers, each with a key of its own
        };
    }

    /// <summary>The model of the person's own settings; null: none is named.</summary>
    public static string? Model(IReadOnlyDictionary<string, string> environment)
    {
        using var settings = Read(environment, "opencode.jsonc") ?? Read(environment, "opencode.json");
        return settings?.RootElement.Text("model");
    }

    private static string? KeyOf(string[] names, IReadOnlyDictionary<string, string> environment)
        => names.Select(n => environment.GetValueOrDefault(n)).FirstOrDefault(v => v is { Length: > 0 });

    /// <summary>
    /// The libraries append <c>/responses</c> or <c>/messages</c> to what ends in <c>/v1</c>; the machine appends all of it.
    /// </summary>
    private static Uri? BaseUrl(string? given)
    {
        var root = given?.TrimEnd('/');
        root = root?.EndsWith("/v1", StringComparison.Ordinal) == true ? root[..^3] : root;
        return Uri.TryCreate(root, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
    }

    private static JsonDocument? Read(IReadOnlyDictionary<string, string> environment, string name)
        => ReadFile(Path.Combine(OpenCodeEnvironment.Config(environment), name));

    private static JsonDocument? ReadFile(string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length > MaxFileBytes)
            {
                return null;
            }

            var document = JsonDocument.Parse(File.ReadAllBytes(path), s_withComments);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return document;
            }

            document.Dispose();
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null; // being written, or of another form: then there is none
        }
    }
}
