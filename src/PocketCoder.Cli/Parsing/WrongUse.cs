using System.CommandLine;
using System.CommandLine.Parsing;
using PocketCoder.Cli.Output;

namespace PocketCoder.Cli.Parsing;

/// <summary>What is wrong with a command line, in words for people: the one place where the parser's own words become ours.</summary>
internal static class WrongUse
{
    /// <summary>What the parser found, and what it does not look for: values that are missing or empty. Empty: nothing is wrong.</summary>
    /// <param name="args">As they were typed.</param>
    public static IReadOnlyList<string> Of(ParseResult parsed, IReadOnlyList<string> args)
    {
        if (Missing(parsed, args) is { } missing)
        {
            return [missing]; // the rest was read with another word as its value
        }

        if (parsed.Errors.Count > 0 && parsed.CommandResult.Command is { Action: null, Subcommands.Count: > 0 } group)
        {
            return [Subcommand(group, parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null)];
        }

        var said = parsed.Errors.Select(e => Untrusted.Show(Words(e))).Distinct(StringComparer.Ordinal).ToList();
        return said.Count > 0 ? said : Empty(parsed) is { } empty ? [empty] : [];
    }

    /// <summary>The path of the command that was meant, as it is typed, for the line that points to its help.</summary>
    public static string Path(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (var result = parsed.CommandResult; result.Parent is CommandResult parent; result = parent)
        {
            names.Push(result.Command.Name);
        }

        return string.Join(' ', names.Prepend("pocketcoder"));
    }

    /// <summary>A group of commands was typed without one of them, or with a word that is none.</summary>
    private static string Subcommand(Command group, string? typed)
    {
        var names = group.Subcommands.Where(c => !c.Hidden).Select(c => c.Name).ToList();
        if (typed is null)
        {
            return group is RootCommand ? "Give a command." : $"Give a command: {string.Join(", ", names)}.";
        }

        if (typed.StartsWith('-'))
        {
            return $"Unknown option '{Untrusted.Show(typed)}'.";
        }

        var near = names.Where(n => n.StartsWith(typed, StringComparison.OrdinalIgnoreCase) || Typos(typed, n) <= 2)
            .Order(StringComparer.Ordinal).ToList();
        return $"Unknown command '{Untrusted.Show(typed)}'.{(near.Count > 0 && typed.Length > 1 ? $" Did you mean {string.Join(" or ", near)}?" : "")}";
    }

    /// <summary>Letters to add, leave out or change (Levenshtein's distance); 3 stands for more.</summary>
    private static int Typos(string typed, string name)
    {
        if (Math.Abs(typed.Length - name.Length) > 2)
        {
            return 3;
        }

        var row = Enumerable.Range(0, name.Length + 1).ToArray();
        for (var i = 1; i <= typed.Length; i++)
        {
            var (diagonal, left) = (row[0], i);
            row[0] = i;
            for (var j = 1; j <= name.Length; j++)
            {
                left = Math.Min(Math.Min(left, row[j]) + 1, diagonal + (typed[i - 1] == name[j - 1] ? 0 : 1));
                (diagonal, row[j]) = (row[j], left);
            }
        }

        return Math.Min(row[^1], 3);
    }

    /// <summary>
    /// An option whose value is another option, or that ends with = and nothing behind it: the parser would take the next word, whatever it
    /// is.
    /// </summary>
    private static string? Missing(ParseResult parsed, IReadOnlyList<string> args)
    {
        var options = Known(parsed).ToList();
        for (var i = 0; i < args.Count && args[i] != "--"; i++)
        {
            var name = args[i].EndsWith('=') ? args[i][..^1] : args[i];
            if (Find(name) is not { Arity.MinimumNumberOfValues: > 0 } option)
            {
                continue;
            }

            if (name.Length < args[i].Length)
            {
                return $"{option.Name} needs a value after the =. For an empty value: {option.Name} \"\"";
            }

            if (i + 1 == args.Count)
            {
                return $"{option.Name} needs a value.";
            }

            if (Find(args[i + 1]) is { } other)
            {
                return $"{option.Name} needs a value; {other.Name} is another option.";
            }

            i++; // its value, whatever it looks like
        }

        return null;

        Option? Find(string word) => options.Find(o => o.Name == word || o.Aliases.Contains(word));
    }

    /// <summary>A name, id or path that is an empty text: nothing has it, and as a path it would be an exception.</summary>
    private static string? Empty(ParseResult parsed)
    {
        foreach (var child in parsed.CommandResult.Children)
        {
            var (name, one) = child switch
            {
                OptionResult { Option: var option } => (option.Name, option.Arity.MaximumNumberOfValues <= 1),
                ArgumentResult { Argument: var argument } => (argument.Name, argument.Arity.MaximumNumberOfValues <= 1),
                _ => ("", false),
            };
            if (one && child.Tokens is [{ Value: var value }] && string.IsNullOrWhiteSpace(value))
            {
                return $"{name} can't be empty.";
            }
        }

        return null;
    }

    private static IEnumerable<Option> Known(ParseResult parsed)
    {
        for (CommandResult? result = parsed.CommandResult; result is not null; result = result.Parent as CommandResult)
        {
            foreach (var option in result.Command.Options.Where(o => result == parsed.CommandResult || o.Recursive))
            {
                yield return option;
            }
        }
    }

    /// <summary>
    /// The parser names types of the runtime where a value can't be read as one; those are told by what is to be typed instead. Everything
    /// else it says is plain.
    /// </summary>
    private static string Words(ParseError error)
    {
        var (name, type) = error.SymbolResult switch
        {
            OptionResult { Option: var option } => (option.Name, option.ValueType),
            ArgumentResult { Parent: OptionResult { Option: var option } } => (option.Name, option.ValueType),
            ArgumentResult { Argument: var argument } => (argument.Name, argument.ValueType),
            _ => ("", typeof(string)),
        };
        if (!error.Message.Contains(type.FullName ?? type.Name, StringComparison.Ordinal))
        {
            return error.Message;
        }

        var value = error.SymbolResult?.Tokens is [var token, ..] ? $"; not '{token.Value}'" : "";
        return (Nullable.GetUnderlyingType(type) ?? type) == typeof(bool) ? $"{name} takes true or false{value}."
            : $"{name} does not accept this value{value}.";
    }
}
