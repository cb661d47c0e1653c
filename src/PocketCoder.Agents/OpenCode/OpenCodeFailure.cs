using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.OpenCode;

/// <summary>What went wrong with a turn, for people: cause first, then the next step.</summary>
internal static class OpenCodeFailure
{
    public const string Aborted = "MessageAbortedError";

    public static string Words(JsonElement error)
    {
        var data = error.Object("data") ?? default;
        var words = BoundedText.OneLine(data.Text("message") ?? error.Text("name") ?? "unknown error");
        return (error.Text("name"), data.Number("statusCode")) switch
        {
            ("ProviderAuthError", _) or (_, 401 or 403) =>
                $"The model's provider does not accept the key or login: {words}. Look at the key, or log in with: opencode auth login",
            (_, 429) => $"The model's provider wants fewer requests: {words}. Wait a while, or choose another model.",
            (_, 529 or 503) => $"The model's provider is overloaded: {words}. Wait a while, or choose another model.",
            ("ContextOverflowError", _) => $"The conversation is too long for the model: {words}. Begin a new session.",
            ("MessageOutputLengthError", _) => "The answer was longer than the model may write. Ask for less at once.",
            _ => words,
        };
    }
}
