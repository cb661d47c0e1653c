using PocketCoder.Protocol;
using PocketCoder.Risks;

namespace PocketCoder.Machine.Runs.Rules;

/// <summary>What a project's rules say of one command. Runs nothing. Stateless.</summary>
/// <remarks>
/// This is about what the shell starts, also behind programs that start others. What such a program gets as text and can't be seen through
/// (<c>python -c</c>, <c>gdb -ex</c>) is allowed by no pattern with a star and asks where a rule denies or asks anything. A program does
/// what it wants, and a script in the project is not looked into: the sandbox is what holds.
/// </remarks>
internal static class CommandJudge
{
    private const string Nowhere = "/dev/null";

    /// <param name="folder">Absolute: where it begins.</param>
    /// <param name="project">Absolute: the project's folder.</param>
    public static Judgement Judge(CommandPolicy policy, CommandExecRequest request, string folder, string project)
    {
        if (policy.Rules.Count == 0 && policy.Otherwise == CommandVerdict.Allow)
        {
            return new Judgement(CommandVerdict.Allow, null); // nobody made rules: nothing has to be read
        }

        var text = request.Command.Trim();
        var risk = RiskAssessor.Assess(request.Command, folder, project);
        foreach (var verdict in (CommandVerdict[])[CommandVerdict.Deny, CommandVerdict.Ask])
        {
            foreach (var rule in policy.Rules.Where(r => r.Verdict == verdict))
            {
                var pattern = CommandPattern.Parse(rule.Pattern);
                if (pattern.Matches(text) || risk.Commands.Any(c => Spellings(c).Any(s => pattern.Matches(s))))
                {
                    return new Judgement(verdict, Name(rule));
                }
            }
        }

        if (Allowing(policy, request, text, risk) is { } allowing)
        {
            return new Judgement(CommandVerdict.Allow, allowing);
        }

        // Behind what can't be read may stand what a rule is about.
        return (!risk.Complete || risk.RunsUnseen) && policy.Otherwise == CommandVerdict.Allow
            && policy.Rules.Any(r => r.Verdict != CommandVerdict.Allow)
            ? new Judgement(CommandVerdict.Ask, "ask: it can't be told beforehand what all of it runs")
            : new Judgement(policy.Otherwise, $"{Word(policy.Otherwise)}: no rule matches");
    }

    public static string Name(CommandRule rule) => $"{Word(rule.Verdict)}: {rule.Pattern}";

    public static string Word(CommandVerdict verdict) => verdict switch
    {
        CommandVerdict.Allow => "allow",
        CommandVerdict.Ask => "ask",
        _ => "deny",
    };

    private static string? Allowing(CommandPolicy policy, CommandExecRequest request, string text, Risk risk)
    {
        if (request.Environment is { Count: > 0 } || (request.Stdin ?? request.StdinBase64) is not null)
        {
            return null; // either may turn a harmless program into another one
        }

        var rules = policy.Rules.Where(r => r.Verdict == CommandVerdict.Allow)
            .Select(r => (Rule: r, Pattern: CommandPattern.Parse(r.Pattern))).ToList();
        if (rules.FirstOrDefault(r => r.Pattern.IsExact && r.Pattern.Matches(text)).Rule is { } exact)
        {
            return Name(exact);
        }

        if (!risk.Complete || risk.RunsUnseen || risk.Commands.Count == 0 || IsRedirected(text))
        {
            return null;
        }

        var found = new List<CommandRule>();
        foreach (var command in risk.Commands)
        {
            // What a wrapper starts must be allowed for itself: "find *" does not allow what stands behind -exec.
            if (!command.Exact || rules.FirstOrDefault(r => r.Pattern.Matches(Quoted(command.Argv))).Rule is not { } rule)
            {
                return null;
            }

            found.Add(rule);
        }

        return string.Join("; ", found.Distinct().Select(Name));
    }

    /// <summary>How a command may be meant by whoever wrote a rule against it.</summary>
    private static IEnumerable<string> Spellings(CommandCall command)
    {
        var words = command.Argv.ToList();
        yield return Quoted(words);
        yield return string.Join(' ', words);
        if (words.Count > 0 && words[0].LastIndexOf('/') is var slash and >= 0)
        {
            yield return string.Join(' ', words.Skip(1).Prepend(words[0][(slash + 1)..]));
        }

        if (command.Via.Count > 0)
        {
            yield return string.Join(' ', command.Via.Concat(words));
        }
    }

    private static string Quoted(IEnumerable<string> words) => string.Join(' ', words.Select(word
        => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:=,+@%".Contains(c, StringComparison.Ordinal)) ? word
            : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'"));

    /// <summary>
    /// Whether anything may be read from or written to a file: all but one output into the other, or away. Quoted ones count too, which
    /// only means that it is not seen as allowed.
    /// </summary>
    private static bool IsRedirected(ReadOnlySpan<char> text)
    {
        while (text.IndexOfAny('<', '>') is var at and >= 0)
        {
            var to = text[(at + 1)..];
            var file = to.TrimStart(' ');
            var length = to.StartsWith("&1")
                || to.StartsWith("&2") ? 2 : file.StartsWith(Nowhere) ? to.Length - file.Length + Nowhere.Length : -1;
            if (text[at] == '<' || length < 0 || (length < to.Length && !" \t\n|;&)".Contains(to[length], StringComparison.Ordinal)))
            {
                return true;
            }

            text = to[length..];
        }

        return false;
    }
}

/// <param name="Rule">Which rule, in words; null: there are none.</param>
internal sealed record Judgement(CommandVerdict Verdict, string? Rule);
