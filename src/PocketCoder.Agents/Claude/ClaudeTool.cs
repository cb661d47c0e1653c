using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>What the tools of Claude Code 2.1.197 are called and what they do.</summary>
internal static class ClaudeTool
{
    /// <summary>
    /// The tools a session may offer; all others are switched off by <c>--tools</c>, and one that appears nevertheless ends the session.
    /// Missing on purpose, because nothing gates them yet: background and remote work (Monitor, Workflow, Cron*, ScheduleWakeup,
    /// SendMessage, TaskOutput, TaskStop, EnterWorktree), other shells (PowerShell, REPL), skills.
    /// </summary>
    public static IReadOnlyList<string> Offered { get; } =
    [
        "Agent", "AskUserQuestion", "Bash", "Edit", "EnterPlanMode", "ExitPlanMode", "Glob", "Grep", "NotebookEdit", "NotebookRead", "Read",
        "TaskCreate", "TaskGet", "TaskList", "TaskUpdate", "TodoWrite", "WebFetch", "WebSearch", "Write",
    ];

    /// <summary>A second lock beside the list above.</summary>
    public static IReadOnlyList<string> Disallowed { get; } =
    [
        "BashOutput", "KillShell", "KillBash", "Monitor", "PowerShell", "REPL", "Workflow", "CronCreate", "CronDelete", "CronList",
        "ScheduleWakeup",
        "EnterWorktree", "ExitWorktree", "SendMessage", "TaskOutput", "TaskStop", "Skill", "LSP", "ReportFindings",
    ];

    /// <summary>With tools of ours: without the program's own shell, and without what reaches out by itself.</summary>
    public static IReadOnlyList<string> OfferedGated { get; } =
        [.. Offered.Except(["Bash", "WebFetch", "WebSearch"], StringComparer.Ordinal)];

    public static IReadOnlyList<string> DisallowedGated { get; } = [.. Disallowed, "Bash", "WebFetch", "WebSearch"];

    /// <summary>Older name of <c>Agent</c>, still used in the list of tools.</summary>
    private const string OldAgentName = "Task";

    public static bool IsOffered(string name, bool gated) => name == OldAgentName
        || (gated ? OfferedGated : Offered).Contains(name, StringComparer.Ordinal);

    public static ToolKind Kind(string name) => name switch
    {
        "Bash" or "bash" or "job_output" or "job_list" or "job_kill" or "job_input" => ToolKind.Execute,
        "Write" or "Edit" or "NotebookEdit" => ToolKind.Edit,
        "Read" or "NotebookRead" => ToolKind.Read,
        "Glob" or "Grep" => ToolKind.Search,
        "WebFetch" or "WebSearch" => ToolKind.Fetch,
        "Agent" or OldAgentName => ToolKind.Agent,
        "AskUserQuestion" or "ask" => ToolKind.Question,
        "EnterPlanMode" or "ExitPlanMode" => ToolKind.Plan,
        "TodoWrite" or "TaskCreate" or "TaskGet" or "TaskList" or "TaskUpdate" => ToolKind.Todo,
        _ => ToolKind.Other,
    };

    /// <summary>It looks into all that lies beneath its path; without one, into the project.</summary>
    public static bool IsSearch(string name) => name is "Glob" or "Grep";

    /// <summary>It gives what a file or folder holds, and changes nothing.</summary>
    public static bool IsReading(string name) => name is "Read" or "NotebookRead" || IsSearch(name);

    /// <summary>The file a tool is about, as the agent wrote it.</summary>
    public static string? RawPath(string name, JsonElement input) => name switch
    {
        "Read" or "Write" or "Edit" => input.Text("file_path"),
        "NotebookEdit" or "NotebookRead" => input.Text("notebook_path") ?? input.Text("file_path"),
        "Glob" or "Grep" => input.Text("path"),
        _ => null,
    };

    public static string Title(string name, JsonElement input)
    {
        var text = name switch
        {
            "Bash" or "bash" => input.Text("command"),
            "job_output" or "job_list" or "job_kill" or "job_input" => input.Text("job"),
            "send_file" => input.Text("path"),
            "ask" => input.Text("question"),
            "Glob" or "Grep" => input.Text("pattern"),
            "WebFetch" => input.Text("url"),
            "WebSearch" => input.Text("query"),
            "Agent" or OldAgentName => input.Text("description"),
            "AskUserQuestion" => input.Items("questions").Select(q => q.Text("question")).FirstOrDefault(),
            "ExitPlanMode" => input.Text("plan"),
            "TaskCreate" => input.Text("subject"),
            _ => RawPath(name, input),
        };
        return string.IsNullOrWhiteSpace(text) ? name : BoundedText.OneLine(text);
    }
}
