using System.Text.Json;

namespace PocketCoder.Broker.Models;

/// <summary>The few things the broker looks at in a request: which model, and whether the provider is to run tools of its own.</summary>
/// <param name="ProviderTool">The first such tool, or null.</param>
internal readonly record struct RequestBody(string Model, string? ProviderTool)
{
    // A tool without one of these types is one that the agent runs.
    private static readonly string[] s_anthropicOwn = ["custom", "bash_", "text_editor_", "computer_", "memory_", "tool_search_"];
    private static readonly string[] s_openaiOwn = ["function", "custom", "local_shell", "shell", "apply_patch", "namespace", "tool_search"];

    /// <summary>Names of top-level members that hold connections or tools that the provider itself uses.</summary>
    private static readonly string[] s_doors = ["mcp_servers", "container", "web_search_options"];

    /// <exception cref="JsonException">Not JSON, or not an object.</exception>
    public static RequestBody Read(ModelDialect dialect, ReadOnlySpan<byte> json, string path)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 128 });
        var model = dialect == ModelDialect.Gemini ? path[(path.LastIndexOf('/') + 1)..].Split(':')[0] : "";
        string? provider = null;
        var modelSeen = false;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("the body is not an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == "model" && dialect != ModelDialect.Gemini)
            {
                // Named twice, two parsers may take different ones.
                model = reader.TokenType == JsonTokenType.String && !modelSeen ? reader.GetString()! : throw new JsonException("the model is not one name");
                modelSeen = true;
            }
            else if (name is "tools" && reader.TokenType == JsonTokenType.StartArray)
            {
                using var tools = JsonDocument.ParseValue(ref reader);
                foreach (var tool in tools.RootElement.EnumerateArray())
                {
                    provider ??= Provider(dialect, tool);
                }
            }
            else
            {
                if (s_doors.Contains(name, StringComparer.Ordinal) && reader.TokenType is not JsonTokenType.Null)
                {
                    provider ??= name;
                }

                reader.Skip();
            }
        }

        return reader.TokenType == JsonTokenType.EndObject && !reader.Read() ? new RequestBody(model, provider) : throw new JsonException("the body doesn't end where its object ends");
    }

    private static string? Provider(ModelDialect dialect, JsonElement tool)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (dialect == ModelDialect.Gemini)
        {
            return tool.EnumerateObject().Select(p => p.Name).FirstOrDefault(n => n is not ("functionDeclarations" or "function_declarations"));
        }

        // Any member called type counts: one hidden behind another would be read by some parser.
        return tool.EnumerateObject().Where(p => p.NameEquals("type")).Select(p => p.Value.ValueKind == JsonValueKind.String ? p.Value.GetString()! : "?")
            .FirstOrDefault(t => !(dialect == ModelDialect.Anthropic ? s_anthropicOwn : s_openaiOwn).Any(o => t == o || (o.EndsWith('_') && t.StartsWith(o, StringComparison.Ordinal))));
    }
}
