using PocketCoder.Agents;
using PocketCoder.Machine.Approvals;

namespace PocketCoder.Machine.Sessions;

/// <summary>
/// Which facts of an agent's tool call its approval covers. The digest over them is <see cref="ApprovalDigest"/>'s. Pure.
/// </summary>
internal static class ToolCallDigest
{
    /// <summary>
    /// A tool call in a session: agent, session, directory, tool, its exact input, for edits the file before and after, for readings the
    /// file that the path leads to.
    /// </summary>
    /// <param name="directory">Where the session works: the project's folder, or the session's own beneath it.</param>
    /// <param name="pins">For commands: what it means beside its text (folder, scripts, environment).</param>
    public static IReadOnlyDictionary<string, string> Of(
        string agent, Guid session, string directory, AgentApprovalAsked asked, ICommandMeaning? pins = null)
    {
        var covers = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["agent"] = agent,
            ["session"] = session.ToString(),
            ["directory"] = directory,
            ["tool"] = asked.ToolName,
            ["input"] = ApprovalDigest.Sha256(asked.InputJson),
        };
        switch (asked.Subject)
        {
            case AgentSubject.Command command:
                covers["what"] = ApprovalDigest.Sha256(command.CommandLine);
                covers["cwd"] = command.WorkingDirectory;
                covers["same"] = ApprovalDigest.Sha256(Same(asked));
                break;
            case AgentSubject.Edit { Change: var change }:
                covers["what"] = ApprovalDigest.Sha256(change.Path);
                covers["before"] = change.Before is null ? ApprovalDigest.Absent : ApprovalDigest.Sha256(change.Before);
                covers["after"] = change.After is null ? ApprovalDigest.Absent : ApprovalDigest.Sha256(change.After);
                break;
            default:
                covers["same"] = ApprovalDigest.Sha256(Same(asked));
                break;
        }

        if (asked.Reads is { } reads)
        {
            covers["reads"] = reads;
        }

        return pins is null ? covers : covers.With(pins);
    }

    /// <summary>
    /// What "the same thing again" means for an allowance over a turn or session. A command: the same command line in the same directory,
    /// with the same options (the model's own description and its time limit may differ). An edit: the same file. Another tool: exactly the
    /// same input.
    /// </summary>
    public static (string Key, string Words) Reach(string agent, string directory, AgentApprovalAsked asked) => asked.Subject switch
    {
        AgentSubject.Edit edit => (ApprovalDigest.Hash("edit", agent, edit.Change.Path), $"any edit of {edit.Change.Path}"),
        AgentSubject.Command command => (ApprovalDigest.Hash("command", agent, command.WorkingDirectory, Same(asked)),
            $"exactly this command in {command.WorkingDirectory}"),
        _ when asked.Reads is { } real => (ApprovalDigest.Hash("read", agent, directory, asked.ToolName, Same(asked), real),
            $"{asked.ToolName} of {real} with exactly this input"),
        _ => (ApprovalDigest.Hash("tool", agent, directory, asked.ToolName, Same(asked)), $"{asked.ToolName} with exactly this input"),
    };

    /// <summary>Of an input, what an allowance compares.</summary>
    private static string Same(AgentApprovalAsked asked)
        => asked.Subject is AgentSubject.Command ? ApprovalDigest.Canonical(asked.InputJson, "description", "timeout")
            : ApprovalDigest.Canonical(asked.InputJson);
}
