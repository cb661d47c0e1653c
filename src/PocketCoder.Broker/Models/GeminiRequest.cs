using static PocketCoder.Broker.Models.RequestShape;

namespace PocketCoder.Broker.Models;

/// <summary>
/// What may stand in a request of the Gemini API (<c>generateContent</c>, <c>streamGenerateContent</c>, <c>countTokens</c>;
/// ai.google.dev/api/generate-content). Each name also in its spelling with underscores. Not in it, and so refused: tools that the provider
/// runs (Google Search, URL context, code execution, file search, MCP, maps, computer use), files by URI, cached content, speech and
/// pictures as answers.
/// </summary>
internal static class GeminiRequest
{
    private static readonly RequestShape s_inline = Object(("mimeType", Text), ("data", Media), ("displayName", Text));

    private static readonly RequestShape s_part = Object(
        ("text", Text),
        ("thought", Flag),
        ("thoughtSignature", Text),
        ("inlineData", s_inline),
        ("functionCall", Object(("id", Text), ("name", Text), ("args", Data))),
        ("functionResponse", Object(
            ("id", Text), ("name", Text), ("response", Data), ("parts", Each(Object(("inlineData", s_inline)))), ("willContinue", Flag),
            ("scheduling", Text))));

    private static readonly RequestShape s_content = Object(("role", Text), ("parts", Each(s_part)));

    private static readonly RequestShape s_function = Object(
        ("name", Text), ("description", Text), ("behavior", Text), ("parameters", Schema), ("parametersJsonSchema", Schema),
        ("response", Schema), ("responseJsonSchema", Schema));

    private static readonly ObjectShape s_shape = Object(
        ("contents", Each(s_content)),
        ("systemInstruction", s_content),
        ("tools", Each(Object(("functionDeclarations", Each(s_function))))),
        ("toolConfig", Object(("functionCallingConfig", Object(("mode", Text), ("allowedFunctionNames", Each(Text)))))),
        ("safetySettings", Each(Object(("category", Text), ("threshold", Text), ("method", Text)))),
        ("cachedContent", Nothing),
        ("generationConfig", Object(
            ("temperature", Number),
            ("topP", Number),
            ("topK", Number),
            ("candidateCount", Number),
            ("maxOutputTokens", Number),
            ("stopSequences", Each(Text)),
            ("responseMimeType", Text),
            ("responseSchema", Schema),
            ("responseJsonSchema", Schema),
            ("_responseJsonSchema", Schema),
            ("responseModalities", Each(OneOf("TEXT"))),
            ("presencePenalty", Number),
            ("frequencyPenalty", Number),
            ("seed", Number),
            ("responseLogprobs", Flag),
            ("logprobs", Number),
            ("mediaResolution", Text),
            ("thinkingConfig", Object(("includeThoughts", Flag), ("thinkingBudget", Number), ("thinkingLevel", Text))))));

    /// <param name="path">The call: it names the model, and a counting one may hold a whole request, which must be for the same
    /// one.</param>
    public static ObjectShape Shape(string path)
    {
        var model = RequestBody.ModelOf(path);
        var named = s_shape.With(("model", OneOf(model, "models/" + model)));
        return path.EndsWith(":countTokens", StringComparison.Ordinal) ? named.With(("generateContentRequest", named)) : named;
    }
}
