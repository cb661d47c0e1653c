using System.Text;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Agents.Shared.Acting;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// The shell in a session without a sandbox: ours, since OpenCode's own can't be held to what was allowed (<see cref="OpenCodeRules"/>).
/// </summary>
internal static class OpenCodeShell
{
    public static HostTool Tool { get; } = new(
        "bash",
        "Runs a bash command in the project, after a person allowed it, and returns its output and exit code. This is the only shell. Every call is a bash of its own: the "
        + "working directory and variables are not kept between calls. Background work is not available.",
        """
        {"type":"object","properties":{"command":{"type":"string","description":"The command to run"},"description":{"type":"string","description":"In a few words, what it is for"},"timeout":{"type":"number","description":"Milliseconds after which it is ended (default 600000)"}},"required":["command"],"additionalProperties":false}
        """.Trim());

    /// <summary>Null, with the reason for the model: what is unknown would be shown to a person and not done.</summary>
    public static (ShellCommand Command, string? Reason)? Read(string inputJson, string workingDirectory, out string refusal)
    {
        using var document = LineJson.TryParse(Encoding.UTF8.GetBytes(inputJson));
        refusal = "Give command, and description and timeout if you like.";
        if (document?.RootElement is not { ValueKind: JsonValueKind.Object } input
            || input.EnumerateObject().Any(m => m.Name is not ("command" or "description" or "timeout"))
            || input.Text("command") is not { Length: > 0 } line || line.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        var limit = input.Amount("timeout") is >= 1 and { } milliseconds
            ? TimeSpan.FromMilliseconds((double)Math.Min(milliseconds, (decimal)ShellCommand.MaxLimit.TotalMilliseconds))
            : ShellCommand.DefaultLimit;
        return (new ShellCommand(line, workingDirectory, limit), input.Text("description"));
    }
}
