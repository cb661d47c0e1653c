using PocketCoder.Agents;

namespace PocketCoder.Machine.Executions.Tools;

/// <summary>
/// What an agent can do with its jobs. Only writing to one asks a person: the rest shows or ends what was allowed before.
/// </summary>
public static class JobTools
{
    public const string Output = "job_output", List = "job_list", Kill = "job_kill", Input = "job_input";

    /// <summary>
    /// Of one input, in UTF-8 bytes: half of what a pipe holds, so that a job that does not read can't hold us up for long.
    /// </summary>
    public const int MaxInputBytes = 32 * 1024;

    private const int MaxNameBytes = 64;

    private static readonly TimeSpan s_maxWait = TimeSpan.FromMinutes(10);

    public static IReadOnlyList<HostTool> Offers { get; } =
    [
        new(
            Output,
            "What a job wrote, both outputs in the order they came, and whether it runs or how it ended. Without since you get what you have not read yet. With wait the answer comes when the job is over, at the latest after that time.",
            """{"type":"object","properties":{"job":{"type":"string","description":"Its name, such as job-1"},"since":{"type":"number","description":"The byte to begin with; 0 is the beginning"},"wait":{"type":"number","description":"Milliseconds to wait for its end (at most 600000)"}},"required":["job"],"additionalProperties":false}"""),
        new(List, "The jobs of this session: those that run, and the last that ended.",
            """{"type":"object","properties":{},"additionalProperties":false}"""),
        new(Kill, "Ends a job and all it started.",
            """{"type":"object","properties":{"job":{"type":"string","description":"Its name, such as job-1"}},"required":["job"],"additionalProperties":false}"""),
        new(
            Input,
            "Writes text to a job's standard input, after a person allowed it. The job must have been started with stdin (it may be empty).",
            """{"type":"object","properties":{"job":{"type":"string","description":"Its name, such as job-1"},"text":{"type":"string","description":"Exactly what to write; a line ends with a line feed"},"close":{"type":"boolean","description":"End its input after that"}},"required":["job","text"],"additionalProperties":false}"""),
    ];

    public static (string Job, long? Since, TimeSpan Wait)? ParseOutput(string json, out string refusal)
    {
        var input = ToolInput.Read(json, "job", "since", "wait");
        var job = input.Text("job", MaxNameBytes, required: true);
        var since = (long?)input.Number("since", 0, long.MaxValue / 2);
        var wait = TimeSpan.FromMilliseconds(Math.Min(input.Number("wait", 0, 1e12) ?? 0, s_maxWait.TotalMilliseconds));
        refusal = input.Refusal ?? "";
        return refusal.Length == 0 ? (job!, since, wait) : null;
    }

    public static string? ParseKill(string json, out string refusal)
    {
        var input = ToolInput.Read(json, "job");
        var job = input.Text("job", MaxNameBytes, required: true);
        refusal = input.Refusal ?? "";
        return refusal.Length == 0 ? job : null;
    }

    public static (string Job, string Text, bool Close)? ParseInput(string json, out string refusal)
    {
        var input = ToolInput.Read(json, "job", "text", "close");
        var job = input.Text("job", MaxNameBytes, required: true);
        var text = input.Text("text", MaxInputBytes, required: true);
        var close = input.Flag("close");
        refusal = input.Refusal ?? "";
        return refusal.Length == 0 ? (job!, text!, close) : null;
    }
}
