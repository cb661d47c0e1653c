using System.Text;
using System.Text.RegularExpressions;

namespace PocketCoder.Agents.Cursor;

/// <summary>What Cursor's program is started with.</summary>
internal static partial class CursorArguments
{
    /// <summary>Bytes of a prompt: Linux takes no argument longer than 128 KiB, and it is one (execve(2)).</summary>
    public const int PromptLimit = 120 * 1024;

    /// <summary>The modes in which it only reads, the default first. Never its own default: there it edits unasked.</summary>
    public static IReadOnlyList<string> Modes { get; } = ["ask", "plan"];

    /// <exception cref="AgentException">It is too long for an argument.</exception>
    public static IReadOnlyList<string> For(string workingDirectory, string mode, string? model, string? conversation, AgentPrompt prompt)
    {
        var text = string.Join("\n\n", prompt.Pieces);
        if (Encoding.UTF8.GetByteCount(text) > PromptLimit || text.Contains('\0', StringComparison.Ordinal))
        {
            throw new AgentException(
                AgentError.Refused, $"Cursor takes prompts of at most {PromptLimit / 1024} KiB. Put long text into a file and name it.");
        }

        return
        [
            "-p", "--output-format", "stream-json", "--stream-partial-output", "--trust", "--workspace", workingDirectory, "--mode", mode,
            .. model is null ? (string[])[] : ["--model", model],
            .. conversation is null ? (string[])[] : ["--resume", conversation],
            "--", text, // behind the dashes: a prompt that begins with one is no option
        ];
    }

    /// <exception cref="AgentException">It is none of those in which it only reads.</exception>
    public static string RequireMode(string? mode)
        => mode is null ? Modes[0] : Modes.Contains(mode, StringComparer.Ordinal) ? mode
            : throw new AgentException(AgentError.Refused, $"{mode} is no mode of Cursor here: without a terminal it can't ask.");

    /// <exception cref="AgentException">The model's name could be taken for an option.</exception>
    public static string RequireModel(string model)
        => model.StartsWith('-') ? throw new AgentException(AgentError.Refused, "That is no model of Cursor.") : model;

    public static bool IsConversation(string id) => Conversation().IsMatch(id);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,199}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Conversation();
}
