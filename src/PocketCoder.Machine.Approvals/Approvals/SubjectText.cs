using PocketCoder.Protocol;

namespace PocketCoder.Machine.Approvals;

/// <summary>The subject of an approval in words for the ledger. Pure.</summary>
internal static class SubjectText
{
    /// <summary>The tool of an agent that is asked about, by its name; null: no tool.</summary>
    public static string? ToolOf(ApprovalInfo approval)
        => approval.Subject switch
        {
            CommandSubject s => s.Tool,
            EditSubject s => s.Tool,
            ToolSubject s => s.Tool,
            JobInputSubject s => s.Tool,
            _ => null
        };

    /// <summary>What is asked for, as the ledger has it: the exact command, the file, the host.</summary>
    public static string Of(ApprovalInfo approval) => approval.Subject switch
    {
        CommandSubject command => command.Command,
        EditSubject edit => edit.Path,
        ToolSubject tool => tool.Tool,
        JobInputSubject input => $"{input.Job}: {input.Text}",
        QuestionSubject => "question",
        NetworkSubject host => $"{host.Host}:{host.Port}",
        PromptSubject => "prompt",
        FileSubject { To: { } to } file => $"{Word(file.Operation)} {file.Path} → {to}",
        FileSubject file => $"{Word(file.Operation)} {file.Path}",
        GitSubject git => $"{git.Operation.ToString().ToLowerInvariant()} {git.Url} {string.Join(' ', git.Refs.Select(r => r.Name))}",
        _ => "plan",
    };

    private static string Word(FileOperation operation) => operation.ToString().ToLowerInvariant();
}
