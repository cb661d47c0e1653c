namespace PocketCoder.Agents.Claude;

/// <summary>The command line. Flags are not kept with a conversation: they are given at every start and resume.</summary>
internal static class ClaudeArguments
{
    public static IReadOnlyList<string> For(AgentStart start)
    {
        List<string> arguments =
        [
            "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose", "--include-partial-messages",
            "--permission-prompt-tool", "stdio",

            // A repository's settings are code: hooks, servers, key helpers. None of them is read.
            "--setting-sources", "", "--strict-mcp-config",
            "--settings", """{"disableAllHooks":true,"disableSkillShellExecution":true}""",
            "--tools", string.Join(',', ClaudeTool.Offered),
            "--disallowedTools", string.Join(',', ClaudeTool.Disallowed),
            "--permission-mode", ClaudeModes.Checked(start.Mode ?? ClaudeModes.Default),
        ];
        if (start.Model is { Length: > 0 } model)
        {
            arguments.AddRange(["--model", model]);
        }

        arguments.AddRange(start.ResumeId is { } resume ? ["--resume", resume] : ["--session-id", start.SessionId.ToString("D")]);
        return arguments;
    }
}
