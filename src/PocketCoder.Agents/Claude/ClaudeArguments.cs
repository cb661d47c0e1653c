namespace PocketCoder.Agents.Claude;

/// <summary>The command line. Flags are not kept with a conversation: they are given at every start and resume.</summary>
internal static class ClaudeArguments
{
    public static IReadOnlyList<string> For(AgentStart start)
    {
        var tools = new ClaudeHostTools(start.HostTools);
        List<string> arguments =
        [
            "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose", "--include-partial-messages",
            "--permission-prompt-tool", "stdio",

            // A repository's settings are code: hooks, servers, key helpers. None of them is read.
            "--setting-sources", "", "--strict-mcp-config",
            "--settings", """{"disableAllHooks":true,"disableSkillShellExecution":true}""",
            "--tools", string.Join(',', tools.IsGated ? ClaudeTool.OfferedGated : ClaudeTool.Offered),
            "--disallowedTools", string.Join(',', tools.IsGated ? ClaudeTool.DisallowedGated : ClaudeTool.Disallowed),
            "--permission-mode", ClaudeModes.Checked(start.Mode ?? ClaudeModes.Default),
        ];
        if (tools.IsGated)
        {
            // The machine asks before it runs any of them; the program need not ask as well.
            arguments.AddRange(["--allowedTools", string.Join(',', tools.FullNames)]);
        }

        if (start.Model is { Length: > 0 } model)
        {
            arguments.AddRange(["--model", model]);
        }

        arguments.AddRange(start switch
        {
            { ResumeId: { } origin, Fork: true } => ["--resume", origin, "--fork-session", "--session-id", start.SessionId.ToString("D"),
                .. start.ForkAt is { } at ? ["--resume-session-at", at] : Array.Empty<string>()],
            { ResumeId: { } resume } => ["--resume", resume],
            _ => ["--session-id", start.SessionId.ToString("D")],
        });

        if (start.Effort is { Length: > 0 } effort)
        {
            arguments.AddRange(["--effort", ClaudeOffers.Checked(effort)]);
        }

        return arguments;
    }
}
