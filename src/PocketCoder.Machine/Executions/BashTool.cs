using System.Text.Json;
using PocketCoder.Agents;

namespace PocketCoder.Machine.Executions;

/// <summary>The shell that agents get instead of their own: what it is called, what it takes. One call is one <c>bash -c</c> with exactly the approved text.</summary>
/// <param name="Command">The command line, unchanged.</param>
/// <param name="Why">The model's own words. Untrusted.</param>
/// <param name="TimeLimit">After that the command is ended.</param>
internal sealed record BashTool(string Command, string? Why, TimeSpan TimeLimit)
{
    public const string Name = "bash";

    /// <summary>Longest command, in UTF-8 bytes: the kernel takes no argument beyond 128 KiB.</summary>
    private const int MaxCommandBytes = 120 * 1024;

    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan MaxLimit = TimeSpan.FromHours(2);

    public static HostTool Offer { get; } = new(
        Name,
        "Runs a bash command in the project, after a person allowed it, and returns its output and exit code. This is the only shell. Every call is a bash of its own: the "
        + "working directory and variables are not kept between calls. The network is reached only through the proxy in http_proxy and https_proxy; a host it does not know is asked of the person, which can take minutes. Background work is not available.",
        """
        {"type":"object","properties":{"command":{"type":"string","description":"The command to run"},"description":{"type":"string","description":"In a few words, what it is for"},"timeout":{"type":"number","description":"Milliseconds after which it is ended (default 600000)"}},"required":["command"],"additionalProperties":false}
        """.Trim());

    /// <summary>Reads what the model gave. It need not keep to the schema, so what is unknown is refused, never ignored.</summary>
    /// <param name="refusal">For the model, when the result is null.</param>
    public static BashTool? Parse(string inputJson, out string refusal)
    {
        string? command = null, why = null;
        var limit = DefaultLimit;
        refusal = "";
        try
        {
            using var input = JsonDocument.Parse(inputJson);
            foreach (var member in input.RootElement.EnumerateObject())
            {
                switch (member.Name)
                {
                    case "command" when member.Value.ValueKind == JsonValueKind.String && command is null:
                        command = member.Value.GetString();
                        break;
                    case "description" when member.Value.ValueKind == JsonValueKind.String:
                        why = member.Value.GetString();
                        break;
                    case "timeout" when member.Value.ValueKind == JsonValueKind.Number && member.Value.TryGetDouble(out var milliseconds) && milliseconds is >= 1 and <= 1e12:
                        limit = TimeSpan.FromMilliseconds(Math.Min(milliseconds, MaxLimit.TotalMilliseconds));
                        break;
                    case "run_in_background" when member.Value.ValueKind == JsonValueKind.False:
                        break;
                    default:
                        refusal = $"{(member.Name.Length <= 40 ? member.Name : "That")} is not available here. Give command, and description and timeout if you like.";
                        return null;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            refusal = "The input is not understood.";
            return null;
        }

        if (string.IsNullOrWhiteSpace(command) || command.Contains('\0', StringComparison.Ordinal) || System.Text.Encoding.UTF8.GetByteCount(command) > MaxCommandBytes)
        {
            refusal = $"command must be text of at most {MaxCommandBytes} bytes without NUL.";
            return null;
        }

        return new BashTool(command, why, limit);
    }
}
