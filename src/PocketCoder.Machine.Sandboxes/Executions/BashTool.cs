using PocketCoder.Agents;
using PocketCoder.Machine.Executions.Tools;

namespace PocketCoder.Machine.Executions;

/// <summary>
/// The shell that agents get instead of their own: what it is called, what it takes. One call is one <c>bash -c</c> with exactly the
/// approved text.
/// </summary>
/// <param name="Command">The command line, unchanged.</param>
/// <param name="Why">The model's own words. Untrusted.</param>
/// <param name="TimeLimit">After that the command is ended; null: a job without an end.</param>
/// <param name="Folder">Where it is to begin, as the model wrote it; null: where the session works.</param>
/// <param name="Stdin">What it reads. For a job, also when empty: its input stays open for <see cref="JobTools.Input"/>.</param>
/// <param name="Background">It becomes a job of the session.</param>
public sealed record BashTool(string Command, string? Why, TimeSpan? TimeLimit, string? Folder, string? Stdin, bool Background)
{
    public const string Name = "bash";

    /// <summary>Longest command, in UTF-8 bytes: the kernel takes no argument beyond 128 KiB.</summary>
    private const int MaxCommandBytes = 120 * 1024;

    private const int MaxStdinBytes = 256 * 1024;
    private const int MaxPathBytes = 4096;
    private const int MaxWhyBytes = 16 * 1024;

    private static readonly TimeSpan s_defaultLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_maxLimit = TimeSpan.FromHours(2);
    private static readonly TimeSpan s_maxJobLimit = TimeSpan.FromHours(24);

    public static HostTool Offer { get; } = new(
        Name,
        "Runs a bash command in the project, after a person allowed it, and returns its output and exit code. This is the only shell. Every call is a bash of its own: the "
        + "working directory and variables are not kept between calls. The network is reached only through the proxy in http_proxy and https_proxy; a host it does not know is asked of the person, which can take minutes. With run_in_background it becomes a job that goes on while you work and after your turn: "
        + "the answer is its name; see job_output, job_list, job_kill, job_input.",
        """
        {"type":"object","properties":{"command":{"type":"string","description":"The command to run"},"description":{"type":"string","description":"In a few words, what it is for"},"cwd":{"type":"string","description":"A folder of the project to run in, absolute or from where you work (default: where you work)"},"stdin":{"type":"string","description":"What the command reads on its standard input (default: nothing). For a job this also keeps its input open for job_input"},"timeout":{"type":"number","description":"Milliseconds after which it is ended (default 600000; a job has none)"},"run_in_background":{"type":"boolean","description":"Make it a job"}},"required":["command"],"additionalProperties":false}
        """.Trim());

    /// <summary>Reads what the model gave.</summary>
    /// <param name="refusal">For the model, when the result is null.</param>
    public static BashTool? Parse(string inputJson, out string refusal)
    {
        var input = ToolInput.Read(inputJson, "command", "description", "cwd", "stdin", "timeout", "run_in_background");
        var background = input.Flag("run_in_background");
        var limit = input.Number("timeout", 1, 1e12) is { } milliseconds
            ? TimeSpan.FromMilliseconds(Math.Min(milliseconds, (background ? s_maxJobLimit : s_maxLimit).TotalMilliseconds))
            : background ? (TimeSpan?)null : s_defaultLimit;
        var bash = new BashTool(
            input.Text("command", MaxCommandBytes, required: true) ?? "",
            input.Text("description", MaxWhyBytes),
            limit,
            input.Text("cwd", MaxPathBytes),
            input.Text("stdin", MaxStdinBytes),
            background);
        refusal = input.Refusal ?? (string.IsNullOrWhiteSpace(bash.Command) ? "command must not be empty." : "");
        return refusal.Length == 0 ? bash : null;
    }
}
