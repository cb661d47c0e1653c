using System.Text.Json;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Claude;

/// <summary>What the hook says to a tool call before the program's own rules look at it.</summary>
internal enum GateWord
{
    /// <summary>Harmless by our closed list: the program's own rules decide (they may still ask).</summary>
    Pass,

    /// <summary>Harmless, and the program's own rules are not asked.</summary>
    Allow,

    /// <summary>A human decides: <c>can_use_tool</c> follows, also where the program would have allowed it by itself.</summary>
    Ask,

    /// <summary>Not at all.</summary>
    Deny,
}

internal readonly record struct GateVerdict(GateWord Word, string? Reason = null);

/// <summary>
/// Decides which tool calls reach a human. The rule is: all, except a closed list of calls that change nothing and reach nothing outside
/// the project. Looks at the file system (links are resolved); otherwise pure.
/// </summary>
internal sealed class ClaudeGate(ReadRules reads, string configDirectory, ClaudeHostTools hostTools)
{
    private static readonly string[] s_plainAgentMembers = ["description", "prompt", "subagent_type", "model", "run_in_background"];

    public GateVerdict Judge(string tool, JsonElement input, string? permissionMode)
    {
        if (input.ValueKind == JsonValueKind.Object && hostTools.ShortName(tool) is not null)
        {
            return new(GateWord.Pass); // the machine asks before it runs it, and nobody else can
        }

        if (input.ValueKind != JsonValueKind.Object || !ClaudeTool.IsOffered(tool, hostTools.IsGated))
        {
            return new(GateWord.Deny, $"{tool} is not available here.");
        }

        if (input.Member("run_in_background") is { } background && background.ValueKind is not (JsonValueKind.False or JsonValueKind.Null))
        {
            return new(GateWord.Deny, "Background work is not available here: run it in the foreground (run_in_background: false).");
        }

        if (Reads(tool, input) is { Place: ReadPlace.Closed })
        {
            return new(GateWord.Deny, ReadRules.ClosedWords);
        }

        if (tool == "Read" && input.Text("file_path") is { } path && Path.IsPathFullyQualified(path) && reads.IsSent(path)
            && reads.Judge(path).Place == ReadPlace.Free)
        {
            return new(GateWord.Allow); // what the person sent
        }

        return new(IsHarmless(tool, input, permissionMode) ? GateWord.Pass : GateWord.Ask);
    }

    private bool IsHarmless(string tool, JsonElement input, string? permissionMode) => tool switch
    {
        "TodoWrite" or "TaskCreate" or "TaskGet" or "TaskList" or "TaskUpdate" => true,

        // The program itself always asks for these two, in its own form.
        "AskUserQuestion" or "ExitPlanMode" or "EnterPlanMode" => true,
        "Read" or "NotebookRead" => ClaudeTool.RawPath(tool, input) is { } path && IsInside(path),
        "Grep" => input.Member("path") is null || (input.Text("path") is { } path && IsInside(path)),
        "Glob" => (input.Member("path") is null || (input.Text("path") is { } path && IsInside(path)))
            && input.Text("pattern") is { } pattern && !pattern.StartsWith('/') && !pattern.StartsWith('~')
            && !pattern.Contains("..", StringComparison.Ordinal),

        // A sub-agent has the same tools behind the same gate. With members we don't know (isolation: worktree runs git) a human decides.
        "Agent" or "Task" => input.EnumerateObject().All(m => s_plainAgentMembers.Contains(m.Name, StringComparer.Ordinal)),
        "Write" or "Edit" => permissionMode == "plan" && IsPlanFile(input.Text("file_path")),
        _ => false,
    };

    /// <summary>Where a call that names a file or folder leads; null for a tool that names none, or when it does not name it.</summary>
    public ReadVerdict? Reads(string tool, JsonElement input)
        => (ClaudeTool.RawPath(tool, input) ?? (ClaudeTool.IsSearch(tool) ? "." : null)) is { Length: > 0 } path
            ? reads.Judge(path, ClaudeTool.IsSearch(tool)) : null;

    /// <summary>
    /// What a change would make of a file, where this process may read it: never PocketCoder's own, and in a sandboxed session only the
    /// project's, since what the program finds elsewhere is the sandbox's.
    /// </summary>
    public ClaudeFileChange? Change(string tool, JsonElement input)
        => Reads(tool, input) is { } there && (there.Place == ReadPlace.Free || (there.Place == ReadPlace.Outside && !hostTools.IsGated))
            ? ClaudeFileChange.Predict(tool, input, reads.WorkingDirectory) : null;

    private bool IsInside(string path) => !path.StartsWith('~') && reads.Judge(path).Place is ReadPlace.Free;

    /// <summary>
    /// In plan mode the agent keeps its plan in a file of its own; the program's own rules allow that one file and no other.
    /// </summary>
    private bool IsPlanFile(string? path)
    {
        if (path is null || !path.EndsWith(".md", StringComparison.Ordinal))
        {
            return false;
        }

        var plans = ConfinedPath.Resolve("/", Path.Combine(configDirectory, "plans"));
        return plans is not null && Path.IsPathFullyQualified(path) && Path.GetDirectoryName(ConfinedPath.Resolve("/", path)) == plans;
    }
}
