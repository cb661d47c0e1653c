using System.Text.Json;
using System.Text.Unicode;

namespace PocketCoder.Broker.Models;

/// <summary>The broker's reading of a request: which model is asked, what may not pass, and how large it says that it is.</summary>
/// <param name="Model">"" when the body names none.</param>
/// <param name="MostOutput">Tokens that the answers may have together, where the request says so.</param>
/// <param name="InputTokens">Tokens of the prompt as its bytes say, on the high side: three bytes a token, where text in most languages and
/// code have more.</param>
internal readonly record struct RequestBody(string Model, long? MostOutput, long InputTokens)
{
    private const int BytesPerToken = 3;
    private const int MaxModel = 200;

    /// <summary>No request has more; what claims to is refused by a budget all the same.</summary>
    private const decimal MaxTokens = 1_000_000_000_000m;

    /// <summary>
    /// Tokens of an answer that count before it is there, at most. Agents allow far more than they use (Claude Code 64,000): counting all
    /// of it would let no request through long before a budget is spent.
    /// </summary>
    private const decimal ReservedAnswer = 8_192m;

    // JSON that two parsers could read differently has no one meaning to check, so it is none: names that stand twice, comments, trailing
    // commas.
    private static readonly JsonDocumentOptions s_strict = new() { MaxDepth = 128, AllowDuplicateProperties = false };

    /// <summary>The model that a Gemini call names in its path.</summary>
    public static string ModelOf(string path) => path[(path.LastIndexOf('/') + 1)..].Split(':')[0];

    /// <param name="path">The call, without query.</param>
    /// <param name="providerTools">
    /// Only the form is checked, since the agent has a network of its own. Work in the background is refused all the same: its answer would
    /// not be counted.
    /// </param>
    /// <exception cref="JsonException">Not JSON with one meaning, or not an object.</exception>
    /// <exception cref="InvalidOperationException">A name or word that is not text (half of a surrogate pair).</exception>
    /// <exception cref="RequestShapeException">A member or value that may not pass.</exception>
    public static RequestBody Read(ModelDialect dialect, ReadOnlyMemory<byte> json, string path, bool providerTools)
    {
        if (!Utf8.IsValid(json.Span))
        {
            throw new JsonException("the body is not UTF-8");
        }

        using var document = JsonDocument.Parse(json, s_strict);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("the body is not an object");
        }

        var walk = new RequestWalk(snakeCase: dialect == ModelDialect.Gemini);
        if (!providerTools)
        {
            ShapeOf(dialect, path).Check(root, walk);
        }
        else
        {
            walk.FindMedia(root);
            using (walk.Into("background"))
            {
                if (root.TryGetProperty("background", out var background)
                    && background.ValueKind is not (JsonValueKind.False or JsonValueKind.Null))
                {
                    throw walk.Refused();
                }
            }
        }

        return new RequestBody(AskedModel(dialect, root, path, walk), MostOf(dialect, root),
            ((json.Length - walk.MediaBytes) / BytesPerToken) + walk.MediaTokens);
    }

    private static RequestShape.ObjectShape ShapeOf(ModelDialect dialect, string path) => dialect switch
    {
        ModelDialect.Anthropic => AnthropicRequest.Shape,
        ModelDialect.Openai => path.EndsWith("/responses", StringComparison.Ordinal) ? OpenaiRequest.Responses : OpenaiRequest.Chat,
        _ => GeminiRequest.Shape(path),
    };

    private static string AskedModel(ModelDialect dialect, JsonElement root, string path, RequestWalk walk)
    {
        if (dialect == ModelDialect.Gemini)
        {
            return ModelOf(path);
        }

        using (walk.Into("model"))
        {
            return !root.TryGetProperty("model", out var model) ? ""
                : model.ValueKind == JsonValueKind.String && model.GetString() is { Length: <= MaxModel } name ? name
                : throw walk.Refused();
        }
    }

    /// <summary>The longest answer that is asked for, up to <see cref="ReservedAnswer"/>, times the number of answers.</summary>
    private static long? MostOf(ModelDialect dialect, JsonElement root)
    {
        var from = dialect != ModelDialect.Gemini ? root
            : root.TryGetProperty("generationConfig", out var config) || root.TryGetProperty("generation_config", out config) ? config
            : default;
        if (from.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        decimal? most = null;
        decimal answers = 1;
        foreach (var member in from.EnumerateObject())
        {
            if (member.Name is "max_tokens" or "max_completion_tokens" or "max_output_tokens" or "maxOutputTokens")
            {
                most = Math.Max(most ?? 0, Number(member.Value));
            }
            else if (member.Name is "n" or "candidateCount" or "candidate_count")
            {
                answers = Math.Max(1, Number(member.Value));
            }
        }

        return most is { } tokens ? (long)Math.Min(MaxTokens, Math.Min(tokens, ReservedAnswer) * answers) : null;
    }

    private static decimal Number(JsonElement value)
        => value.ValueKind != JsonValueKind.Number ? 0 : value.TryGetDecimal(out var number) ? Math.Clamp(number, 0, MaxTokens) : MaxTokens;
}
