using System.Globalization;
using System.Text.Json;
using PocketCoder.Cli.Output;
using PocketCoder.Protocol;

namespace PocketCoder.Cli.Running;

/// <summary>
/// What waits for a decision, shown whole: every line of it, nothing shortened, nothing that hides. And what a typed line decides. Pure but
/// for the writer.
/// </summary>
internal static class ApprovalSheet
{
    /// <summary>The word that a destructive thing needs.</summary>
    public const string Yes = "yes";

    public static void Show(TextWriter output, ApprovalInfo asked)
    {
        output.WriteLine();
        output.WriteLine(
            $"--- {Untrusted.Show(asked.Agent)} asks: {What(asked.Kind)}{(asked.Risk is { } risk ? $", {Tier(risk.Tier)}" : "")} ---");
        switch (asked.Subject)
        {
            case CommandSubject command:
                ShowCommand(output, command, asked.Sandbox);
                break;
            case EditSubject edit:
                ShowEdit(output, edit);
                break;
            case ToolSubject tool:
                output.WriteLine($"Tool {Untrusted.Show(tool.Tool)}, input:");
                Block(output, tool.Input);
                break;
            case JobInputSubject input:
                output.WriteLine($"Send to the standard input of {Untrusted.Show(input.Job)}{(input.Close ? ", then close it" : "")}:");
                Block(output, input.Text);
                output.WriteLine("The job:");
                Block(output, input.Command);
                break;
            case NetworkSubject host:
                output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"Connect to {Untrusted.Show(host.Host)}, port {host.Port} ({Untrusted.Show(host.Method)}), while these run:"));
                foreach (var running in host.Commands)
                {
                    Block(output, running);
                }

                break;
            case PromptSubject prompt:
                output.WriteLine("The agent sees this prompt only after you allow it:");
                Block(output, prompt.Text);
                foreach (var file in prompt.Attachments ?? [])
                {
                    output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"With {Untrusted.Show(file.Name)} ({file.Bytes} bytes)"));
                }

                break;
            case PlanSubject plan:
                Block(output, plan.Plan);
                break;
            case QuestionSubject questions:
                ShowQuestion(output, questions.Questions[0]);
                break;
            default:
                throw new InvalidOperationException($"{asked.Subject.GetType().Name} has no sheet.");
        }

        if (asked.Reason is { Length: > 0 } reason)
        {
            output.WriteLine("The agent's explanation:");
            Block(output, reason);
        }

        foreach (var consequence in asked.Risk?.Consequences ?? [])
        {
            output.WriteLine($"* {Untrusted.Show(consequence.Sentence)}");
        }

        if (asked.Risk is { Understood: false })
        {
            output.WriteLine("* Not fully understood: it may do more than is listed here.");
        }

        if (asked.Reach is { } reach)
        {
            output.WriteLine($"For the turn or session, applies to: {Untrusted.Show(reach)}");
        }

        if (asked.TwoPeople)
        {
            output.WriteLine(People(asked));
        }
    }

    /// <summary>Who allowed what two people must allow.</summary>
    public static string People(ApprovalInfo asked) => asked.Agreed is { } first
        ? $"Two people must allow this. {first.Person} did ({Untrusted.Show(first.By)}); somebody else must, too. One denies it."
        : "Two people must allow this; one denies it.";

    public static void ShowQuestion(TextWriter output, Question question)
    {
        Block(output, question.Text);
        for (var i = 0; i < question.Options.Count; i++)
        {
            var option = question.Options[i];
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {i + 1}  {Untrusted.Show(option.Label)}{(option.Description is { Length: > 0 } more ? $": {Untrusted.Show(more)}" : "")}"));
        }
    }

    /// <summary>What can be typed.</summary>
    public static string Keys(ApprovalInfo asked) => asked.Subject is QuestionSubject questions
        ? $"A number{(questions.Questions.Any(q => q.MultiSelect) ? " (several with commas)" : "")} or your own answer; n to refuse, q to stop the turn; then Enter:"
        : $"y once{(asked.Reach is null ? "" : ", t for this turn, s for this session")}{(asked.Kind == ApprovalKind.Network ? ", p for the project (30 days)" : "")}, n [why] to deny, q to stop the turn; then Enter:";

    /// <summary>What a line decides; null: nothing.</summary>
    public static (DecisionVerdict Verdict, DecisionScope Scope, string? Reason)? Parse(ApprovalInfo asked, string line)
    {
        var typed = line.Trim();
        if (typed.Equals("n", StringComparison.OrdinalIgnoreCase))
        {
            return (DecisionVerdict.Deny, DecisionScope.Once, null);
        }

        if (typed.StartsWith("n ", StringComparison.OrdinalIgnoreCase))
        {
            return (DecisionVerdict.Deny, DecisionScope.Once, typed[2..].Trim());
        }

        return typed.ToUpperInvariant() switch
        {
            "Y" => (DecisionVerdict.Allow, DecisionScope.Once, null),
            "T" when asked.Reach is not null => (DecisionVerdict.Allow, DecisionScope.Turn, null),
            "S" when asked.Reach is not null => (DecisionVerdict.Allow, DecisionScope.Session, null),
            "P" when asked.Kind == ApprovalKind.Network && asked.Reach is not null => (DecisionVerdict.Allow, DecisionScope.Project, null),
            _ => null,
        };
    }

    /// <summary>The answer that a line gives to a question; null: none.</summary>
    public static string? Answer(Question question, string line)
    {
        var typed = line.Trim();
        var parts = question.MultiSelect ? typed.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [typed];
        var chosen = parts.Select(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n >= 1
            && n <= question.Options.Count ? question.Options[n - 1].Label : null).ToList();
        return chosen.Count > 0 && chosen.All(c => c is not null) ? string.Join(", ", chosen) : typed.Length == 0 ? null : typed;
    }

    public static string Answers(IReadOnlyDictionary<string, string> answers)
        => JsonSerializer.Serialize(answers, CliJson.Default.IReadOnlyDictionaryStringString);

    /// <summary>What it is about, in one line.</summary>
    public static string InOneLine(ApprovalInfo asked) => Untrusted.Show(asked.Subject switch
    {
        CommandSubject command => command.Command,
        EditSubject edit => edit.Path,
        ToolSubject tool => tool.Tool,
        JobInputSubject input => $"{input.Job}: {input.Text}",
        NetworkSubject host => $"{host.Host}:{host.Port}",
        PromptSubject prompt => prompt.Text,
        QuestionSubject questions => questions.Questions[0].Text,
        _ => "a plan",
    });

    private static void ShowCommand(TextWriter output, CommandSubject command, SandboxKind sandbox)
    {
        output.WriteLine($"In {Untrusted.Show(command.Cwd)}, {(sandbox == SandboxKind.None ? "WITHOUT a sandbox" : $"sandbox {sandbox.ToString().ToLowerInvariant()}")}{(command.Background ? ", in the background" : "")}:");
        Block(output, command.Command);
        if (command.Stdin is { } stdin)
        {
            output.WriteLine("Standard input:");
            Block(output, stdin);
        }

        foreach (var script in command.Scripts ?? [])
        {
            output.WriteLine($"Runs {Untrusted.Show(script.Path)}{(script.Sha256 is { } sha ? $" (SHA-256 {sha})" : " (not pinned: it may change before it runs)")}");
        }
    }

    private static void ShowEdit(TextWriter output, EditSubject edit)
    {
        output.WriteLine($"{(edit.Creates ? "Create" : "Change")} {Untrusted.Show(edit.Path)}:");
        if (edit.Diff is not { } diff)
        {
            Block(output, edit.Input);
            return;
        }

        foreach (var hunk in diff.Hunks)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  @@ -{hunk.OldStart},{hunk.OldLines} +{hunk.NewStart},{hunk.NewLines} @@"));
            foreach (var line in hunk.Lines)
            {
                output.WriteLine($"  {(line.Kind == DiffLineKind.Add ? '+' : line.Kind == DiffLineKind.Remove ? '-' : ' ')}{Untrusted.Show(line.Text)}{(line.NoNewline ? " (no newline at end of file)" : "")}");
            }
        }
    }

    private static void Block(TextWriter output, string text)
    {
        foreach (var line in Transcript.Lines(text))
        {
            output.WriteLine($"  {line}");
        }
    }

    private static string What(ApprovalKind kind) => kind switch
    {
        ApprovalKind.Command => "run a command",
        ApprovalKind.Edit => "change a file",
        ApprovalKind.Tool => "use a tool",
        ApprovalKind.Question => "a question",
        ApprovalKind.Plan => "follow this plan",
        ApprovalKind.JobInput => "send input to a job",
        _ => "connect to a host",
    };

    private static string Tier(RiskTier tier) => tier switch
    {
        RiskTier.Read => "read-only",
        RiskTier.WorkspaceWrite => "changes the project",
        RiskTier.ReachesOut => "REACHES OUTSIDE",
        _ => "DESTRUCTIVE",
    };
}
