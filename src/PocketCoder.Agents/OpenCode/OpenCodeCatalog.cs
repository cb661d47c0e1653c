using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// One provider's part of the list of models that OpenCode keeps in the person's cache (models.dev's). An OpenCode in a sandbox has no
/// cache and no way to fetch the list, so it evaluates the one that is built into the program, of all providers: over a second of computing
/// before the first prompt (1.18.33). With this part it takes a tenth of one.
/// </summary>
internal static class OpenCodeCatalog
{
    private const int MaxBytes = 16 << 20;

    /// <summary>The packages that OpenCode has built in for these providers: a list that names another one is not used.</summary>
    private static readonly Dictionary<string, string> s_packages = new(StringComparer.Ordinal)
    {
        ["anthropic"] = "@ai-sdk/anthropic",
        ["openai"] = "@ai-sdk/openai",
        ["google"] = "@ai-sdk/google",
    };

    /// <summary>What is known of a model; what a list may say besides (options, headers, other ways of asking) is not passed on.</summary>
    private static readonly HashSet<string> s_facts = new(StringComparer.Ordinal)
    {
        "id", "name", "family", "attachment", "reasoning", "temperature", "tool_call", "structured_output", "interleaved", "knowledge",
        "release_date", "last_updated", "modalities", "open_weights", "cost",
        "limit", "status",
    };

    /// <summary>
    /// Null: there is no list, it is older than the program (whose own knows more), it does not have the model, or it is not what is
    /// expected. Then OpenCode uses its own.
    /// </summary>
    /// <param name="program">Path of OpenCode; links are followed.</param>
    /// <param name="environment">The person's, with <c>HOME</c> and <c>XDG_CACHE_HOME</c>.</param>
    public static byte[]? For(string provider, string? model, string program, IReadOnlyDictionary<string, string> environment)
    {
        try
        {
            var file = Path.Combine(OpenCodeEnvironment.Cache(environment), "models.json");
            var real = File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program;
            if (!File.Exists(file) || File.GetLastWriteTimeUtc(file) < File.GetLastWriteTimeUtc(real) || Read(file) is not { } bytes)
            {
                return null;
            }

            using var list = JsonDocument.Parse(bytes);
            return list.RootElement.Object(provider) is { } entry ? Part(entry, provider, model) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static byte[]? Part(JsonElement entry, string provider, string? model)
    {
        // A model that is reached by another package or address than its provider is none of a sandbox's.
        if (entry.Text("id") != provider || entry.Text("npm") != s_packages.GetValueOrDefault(provider)
            || entry.Object("models") is not { } models
            || models.EnumerateObject().Any(m => m.Value.ValueKind != JsonValueKind.Object || m.Value.TryGetProperty("provider", out _))
            || (model is not null && !models.TryGetProperty(model, out _)))
        {
            return null;
        }

        return LineJson.Write(w =>
        {
            w.WriteStartObject(provider);
            w.WriteString("id", provider);
            w.WriteString("npm", entry.Text("npm"));
            w.WriteString("name", entry.Text("name") ?? provider);
            w.WriteStartArray("env");
            foreach (var name in entry.Items("env").Select(e => e.AsText()).OfType<string>())
            {
                w.WriteStringValue(name);
            }

            w.WriteEndArray();
            w.WriteStartObject("models");
            foreach (var known in models.EnumerateObject())
            {
                w.WriteStartObject(known.Name);
                foreach (var fact in known.Value.EnumerateObject().Where(f => s_facts.Contains(f.Name)))
                {
                    fact.WriteTo(w);
                }

                w.WriteEndObject();
            }

            w.WriteEndObject();
            w.WriteEndObject();
        });
    }

    private static byte[]? Read(string file)
    {
        using var handle = PlainFile.OpenRead(Path.GetFullPath(file), out _);
        if (handle is null)
        {
            return null;
        }

        using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
        var bytes = new byte[Math.Min(stream.Length, MaxBytes + 1)];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length > MaxBytes ? null : bytes[..length];
    }
}
