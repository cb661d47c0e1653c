using System.Text.Json;
using PocketCoder.Agents.Claude;
using PocketCoder.Agents.Shared;

namespace PocketCoder.Agents.Tests.Claude;

/// <summary>What an agent could widen its own rights with is asked whatever the tool and the mode.</summary>
public sealed class ClaudeGateTests
{
    public static TheoryData<string, string> Cases => new(
        from mode in (string[])["default", "plan", "acceptEdits", "bypassPermissions", "dontAsk", "anything"]
        from path in (string[])[".git/hooks/pre-commit", ".git/config", ".claude/settings.json", ".mcp.json", ".envrc",
            ".vscode/tasks.json", "sub/.cursor/rules", "src/plain.cs"]
        select (mode, path));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_edit_is_asked_in_every_mode(string mode, string path)
    {
        var gate = new ClaudeGate(ReadRules.For("/home/nobody/project"), "/home/nobody/.claude", new ClaudeHostTools([]));
        foreach (var (tool, member) in ((string, string)[])[("Write", "file_path"), ("Edit", "file_path"),
            ("NotebookEdit", "notebook_path")])
        {
            using var input = JsonDocument.Parse($$"""{"{{member}}":"{{path}}","content":"x"}""");
            Assert.NotEqual(GateWord.Pass, gate.Judge(tool, input.RootElement, mode).Word);
        }

        using var command = JsonDocument.Parse($$"""{"command":"tee {{path}}"}""");
        Assert.NotEqual(GateWord.Pass, gate.Judge("Bash", command.RootElement, mode).Word);
    }
}
