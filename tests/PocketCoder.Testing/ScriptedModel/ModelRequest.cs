namespace PocketCoder.Testing.ScriptedModel;

/// <summary>One request the scripted model got.</summary>
/// <param name="Dialect">Whose API: <c>anthropic</c>, <c>responses</c>, <c>gemini</c>, <c>chat</c>.</param>
/// <param name="Path">Path and query.</param>
/// <param name="Tools">Names of the tools offered.</param>
/// <param name="System">The system prompt.</param>
/// <param name="Prompt">The last thing a person (or a parent agent) said.</param>
/// <param name="ToolResults">Texts of the tool results since then.</param>
/// <param name="Key">The credential it came with.</param>
public sealed record ModelRequest(
    string Dialect, string Path, bool Stream, IReadOnlyList<string> Tools, string System, string Prompt, IReadOnlyList<string> ToolResults,
    string? Key)
{
    /// <summary>All of it as JSON, where the dialect keeps it: for asking what the model was told of earlier.</summary>
    public string Body { get; init; } = "";

    /// <summary>Which model was asked, where the request's body says it.</summary>
    public string? Model { get; init; }

    /// <summary>How much thinking was asked for, where that was said.</summary>
    public string? Effort { get; init; }
}
