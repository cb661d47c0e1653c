using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// OpenCode in a sandbox: its files there, and its only way to models. The folder was the agent's in earlier runs, so nothing in it is
/// trusted: no link is followed.
/// </summary>
/// <param name="provider">Whose models are asked: <c>anthropic</c>, <c>openai</c>, <c>google</c>, or one of the owner's own.</param>
/// <param name="model">The model to begin with; null: OpenCode's own choice among that provider's.</param>
internal sealed class OpenCodeSandbox(IAgentSandbox sandbox, AgentModelAccess access, string provider, OpenCodeModel? model)
{
    private const string Data = "data";

    /// <summary>OpenCode asks for at most so many tokens of an answer, and for so many where it knows no limit.</summary>
    private const int UsualAnswer = 32_000;

    private readonly AgentProvider? _own;
    private string? _catalog; // the file with what is known of the provider's models

    /// <summary>What of a repository OpenCode would run or obey, whatever its settings: it looks empty inside.</summary>
    private static readonly string[] s_emptied = [".opencode", ".claude", ".agents"];

    /// <param name="own">A provider of the owner's own.</param>
    public OpenCodeSandbox(IAgentSandbox sandbox, AgentModelAccess access, AgentProvider own, OpenCodeModel model)
        : this(sandbox, access, own.Name, model) => _own = own;

    public IAgentSandbox Sandbox { get; } = sandbox;

    public AgentSandboxNeeds Needs(AgentToolSocket tools) => new() { Tools = tools, Emptied = s_emptied };

    /// <summary>What the person's OpenCode knows of this provider's models; null: nothing that can be used.</summary>
    public byte[]? Catalog(string program, IReadOnlyDictionary<string, string> outside)
        // Of the owner's own it knows what its settings say, and nothing that another one of that name may be elsewhere.
        => _own is not null ? "{}"u8.ToArray() : OpenCodeCatalog.For(provider, model?.Model, program, outside);

    /// <summary>Takes away what says how OpenCode behaves; conversations stay.</summary>
    /// <param name="catalog">What it shall know of the provider's models; null: what is built into it.</param>
    /// <exception cref="AgentException">The folder can't be used.</exception>
    public void Prepare(byte[]? catalog = null)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no sandboxes on Windows.");
        }

        try
        {
            var state = Sandbox.StateDirectory;
            SandboxFiles.Fresh(Path.Combine(state, "config"));
            var cache = SandboxFiles.Fresh(Path.Combine(state, "cache"));
            _catalog = catalog is null ? null : Path.Combine(cache, "provider-models.json");
            if (_catalog is not null)
            {
                SandboxFiles.Write(_catalog, catalog);
            }

            SandboxFiles.Fresh(Path.Combine(state, "state"));
            SandboxFiles.Own(Path.Combine(state, Data));
            SandboxFiles.Own(Path.Combine(state, Data, "opencode"));
            SandboxFiles.Remove(Path.Combine(state, Data, "opencode", "auth.json"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"The folder for OpenCode's own files can't be used: {e.Message}", e);
        }
    }

    /// <summary>A conversation to be read in; with it whatever an earlier try left of conversations goes.</summary>
    /// <returns>Where it lies, for its owner only.</returns>
    /// <exception cref="AgentException">The folder can't be used.</exception>
    public string Incoming(ReadOnlySpan<byte> conversation)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new AgentException(AgentError.FailedToStart, "There are no sandboxes on Windows.");
        }

        try
        {
            var file = Path.Combine(SandboxFiles.Fresh(Path.Combine(Sandbox.StateDirectory, Data)), "incoming.json");
            SandboxFiles.Write(file, conversation);
            SandboxFiles.Own(Path.Combine(Sandbox.StateDirectory, Data, "opencode"));
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException(AgentError.FailedToStart, $"The folder for OpenCode's own files can't be used: {e.Message}", e);
        }
    }

    /// <summary>
    /// Beside what every OpenCode of ours gets. Nothing of the daemon's own but the time zone; the sandbox itself says what PATH, HOME and
    /// the like are.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string>> Environment(IReadOnlyDictionary<string, string> outside)
    {
        foreach (var name in (string[])["config", "cache", "state", Data])
        {
            yield return new($"XDG_{name.ToUpperInvariant()}_HOME", Path.Combine(Sandbox.StateDirectory, name));
        }

        yield return new("OPENCODE_DISABLE_MODELS_FETCH", "1"); // there is no way to it
        if (_catalog is not null)
        {
            yield return new("OPENCODE_MODELS_PATH", _catalog); // else it evaluates the list of all providers that is built into it
        }

        yield return new("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"); // they are for logins, which are not in here
        if (outside.TryGetValue("TZ", out var zone))
        {
            yield return new("TZ", zone);
        }
    }

    /// <summary>The part of the settings that leads to the models.</summary>
    public void WriteModels(Utf8JsonWriter w)
    {
        w.WriteStartArray("enabled_providers");
        w.WriteStringValue(provider);
        w.WriteEndArray();
        w.WriteStartObject("provider");
        w.WriteStartObject(provider);
        if (_own is not null)
        {
            w.WriteString("npm", PackageOf(_own.Dialect));
            w.WriteString("name", provider);
        }

        w.WriteStartObject("options");
        w.WriteString("baseURL", (_own?.Dialect, provider) switch
        {
            (ProviderDialect.Anthropic, _) or (null, "anthropic") => $"{access.BaseUrl}/v1",
            (ProviderDialect.Gemini, _) or (null, "google") => $"{access.BaseUrl}/v1beta",
            _ => access.BaseUrl,
        });
        w.WriteString("apiKey", access.Credential);
        w.WriteEndObject();
        if (_own is not null)
        {
            w.WriteStartObject("models");
            foreach (var one in _own.Models)
            {
                Write(w, one);
            }

            w.WriteEndObject();
        }
        else if (model is not null)
        {
            w.WriteStartObject("models"); // also one that it does not know yet
            w.WriteStartObject(model.Model);
            w.WriteEndObject();
            w.WriteEndObject();
        }

        w.WriteEndObject();
        w.WriteEndObject();
        if (model is not null)
        {
            w.WriteString("model", model.ToString());
            w.WriteString("small_model", model.ToString());
        }
    }

    /// <summary>The library that is built into OpenCode; one that is not it would try to fetch.</summary>
    private static string PackageOf(ProviderDialect dialect) => dialect switch
    {
        ProviderDialect.Anthropic => "@ai-sdk/anthropic",
        ProviderDialect.OpenaiResponses => "@ai-sdk/openai",
        ProviderDialect.Gemini => "@ai-sdk/google",
        _ => "@ai-sdk/openai-compatible",
    };

    private static void Write(Utf8JsonWriter w, AgentProviderModel one)
    {
        w.WriteStartObject(one.Id);
        w.WriteString("name", one.Title ?? one.Id);
        w.WriteBoolean("tool_call", true);
        if (one.ContextTokens is { } context)
        {
            w.WriteStartObject("limit");
            w.WriteNumber("context", context);
            w.WriteNumber("output", one.LongestAnswer(UsualAnswer)!.Value);
            w.WriteEndObject();
        }

        if (one.Price is { } price)
        {
            w.WriteStartObject("cost");
            w.WriteNumber("input", price.Input);
            w.WriteNumber("output", price.Output);
            w.WriteNumber("cache_read", price.CacheRead);
            w.WriteNumber("cache_write", price.CacheWrite);
            w.WriteEndObject();
        }

        w.WriteEndObject();
    }

    /// <exception cref="AgentException">There is no way to that model from here.</exception>
    public OpenCodeModel Checked(OpenCodeModel wanted)
        => wanted.Provider == provider && _own?.Models.All(m => m.Id != wanted.Model) != true ? wanted : throw new AgentException(
            AgentError.Refused,
            wanted.Provider == provider
                ? $"{provider} has no model {BoundedText.OneLine(wanted.Model)} on this machine. It has: {string.Join(", ", _own!.Models.Select(m => m.Id))}."
                : $"In this sandboxed session there are models of {provider} only. Start another session for those of {BoundedText.OneLine(wanted.Provider)}.");
}
