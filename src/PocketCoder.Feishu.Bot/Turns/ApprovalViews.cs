using System.Text;
using PocketCoder.Feishu.Cards;
using PocketCoder.Protocol;

namespace PocketCoder.Feishu.Bot.Turns;

/// <summary>What waits for a person, as a card shows it. Pure.</summary>
internal static class ApprovalViews
{
    private const string Separator = "\n\n";

    public static ApprovalView Of(ApprovalInfo asked) => new(
        asked.ApprovalId.ToString("N"), Kind(asked), Tier(asked), Form(asked.Subject), What(asked.Subject), Sandbox(asked.Sandbox),
        asked.Digest, asked.ExpiresAt, [.. (asked.Risk?.Consequences ?? []).Select(c => c.Sentence)], Outcome(asked.State),
        asked.Decision?.By, NeedsApp: asked.Kind is ApprovalKind.Question);

    /// <summary>Which outcome its card shows.</summary>
    public static ApprovalOutcome Outcome(ApprovalState state) => state switch
    {
        ApprovalState.Pending => ApprovalOutcome.Pending,
        ApprovalState.Denied => ApprovalOutcome.Rejected,
        ApprovalState.Expired => ApprovalOutcome.Expired,
        ApprovalState.Withdrawn => ApprovalOutcome.Withdrawn,
        _ => ApprovalOutcome.Allowed,
    };

    /// <summary>
    /// As the machine sees it: what was never judged may destroy something, and only an answer, an agreement or a host does not.
    /// </summary>
    private static ApprovalTier Tier(ApprovalInfo asked) => asked.Risk?.Tier switch
    {
        RiskTier.Read => ApprovalTier.Read,
        RiskTier.WorkspaceWrite => ApprovalTier.Write,
        RiskTier.ReachesOut => ApprovalTier.Network,
        null when asked.Kind is ApprovalKind.Question or ApprovalKind.Plan or ApprovalKind.Prompt => ApprovalTier.Read,
        null when asked.Kind is ApprovalKind.Network => ApprovalTier.Network,
        _ => ApprovalTier.Destructive,
    };

    private static string Kind(ApprovalInfo asked)
        => asked.SubAgent is { } agent ? $"{asked.Kind.ToString().ToLowerInvariant()} ({agent})" : asked.Kind.ToString().ToLowerInvariant();

    private static ApprovalForm Form(ApprovalSubject subject) => subject switch
    {
        CommandSubject => ApprovalForm.Command,
        EditSubject { Diff: not null } => ApprovalForm.Diff,
        NetworkSubject => ApprovalForm.Host,
        _ => ApprovalForm.Text,
    };

    /// <summary>All that is decided on, whole: a card that has no room for it can't allow it.</summary>
    private static string What(ApprovalSubject subject) => subject switch
    {
        CommandSubject c => Parts(
            c.Command, $"# {c.Cwd}", c.Background ? "# in the background" : null,
            c.TimeLimitMs is { } limit ? $"# ended after {limit} ms" : null, c.Stdin is { } stdin ? $"# its input:\n{stdin}" : null,
            c.Scripts is { Count: > 0 } scripts ? $"# it runs:\n{string.Join('\n', scripts.Select(s => $"{s.Path} {s.Sha256}"))}" : null),
        EditSubject { Diff: { } diff } e => Diff(e.Path, diff),
        EditSubject e => Parts(e.Path, e.Input),
        ToolSubject t => Parts(t.Tool, t.Input),
        NetworkSubject n => Parts($"{n.Method} {n.Host}:{n.Port}", n.Commands.Count > 0 ? string.Join('\n', n.Commands) : null),
        QuestionSubject q => string.Join(Separator, q.Questions.Select(
            a => string.Join('\n', a.Options.Select(o => $"• {o.Label}").Prepend(a.Text)))),
        PlanSubject p => p.Plan,
        PromptSubject p => Parts(
            p.Text, p.Attachments is { Count: > 0 } files ? string.Join('\n', files.Select(f => $"{f.Name} ({f.Bytes} bytes)")) : null),
        JobInputSubject j => Parts($"{j.Job}: {j.Command}", j.Text, j.Close ? "# its input ends after that" : null),
        FileSubject f => Parts(
            $"{f.Operation.ToString().ToLowerInvariant()} {f.Path}", f.To is { } to ? $"→ {to}" : null, f.Why, f.Sha256,
            f.Diffs is { Count: > 0 } diffs ? string.Join('\n', diffs.Select(d => Diff(d.Path, d))) : null),
        GitSubject g => Parts(
            $"{g.Operation.ToString().ToLowerInvariant()} {g.Remote} {g.Url}",
            string.Join('\n', g.Refs.Select(r => $"{(r.Deletes ? "-" : r.Forces ? "+" : "")}{r.Name} {r.Before ?? "new"} → {r.After ?? "none"}")),
            g.Commits.Count > 0
                ? string.Join('\n', g.Commits.Select(c => $"{c.Id[..Math.Min(10, c.Id.Length)]} {c.Subject}")) : null,
            g.MoreCommits > 0 ? $"+ {g.MoreCommits}" : null),
        _ => throw new ArgumentException($"{subject.GetType().Name} can't be shown.", nameof(subject)),
    };

    private static string Parts(params string?[] parts) => string.Join(Separator, parts.Where(p => !string.IsNullOrEmpty(p)));

    private static string Diff(string path, FileDiff diff)
    {
        var text = new StringBuilder().Append(diff.Creates ? "+++ new file " : "+++ ").Append(path);
        foreach (var hunk in diff.Hunks)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture,
                $"\n@@ -{hunk.OldStart},{hunk.OldLines} +{hunk.NewStart},{hunk.NewLines} @@");
            foreach (var line in hunk.Lines)
            {
                text.Append('\n').Append(line.Kind switch
                {
                    DiffLineKind.Add => '+',
                    DiffLineKind.Remove => '-',
                    _ => ' ',
                }).Append(line.Text).Append(line.NoNewline ? "\n\\ no newline at the end" : "");
            }
        }

        return text.ToString();
    }

    private static string Sandbox(SandboxKind kind) => kind.ToString().ToLowerInvariant();
}
