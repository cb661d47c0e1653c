using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace PocketCoder.Cli.Parsing;

/// <summary>
/// Options and arguments whose values are no free text. Each refuses a wrong value when the command line is read, in words that name the
/// option and what it takes. None shows a default of its own in the help: the description says it, once and in the spelling that is typed.
/// </summary>
internal static class Values
{
    /// <summary>A whole number within bounds; null when it is not given.</summary>
    public static Option<int?> Whole(string name, string help, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result => Number(result, least, most) is { } number ? (int)number : null,
    };

    /// <inheritdoc cref="Whole"/>
    public static Option<long?> Count(string name, string help, string description, long least, long most) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result => Number(result, least, most),
    };

    /// <summary>The number of a row of the ledger.</summary>
    public static Argument<long> Row(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result => Number(result, 1, long.MaxValue) ?? 0,
    };

    /// <summary>An amount above zero with a decimal point, such as 2.50.</summary>
    public static Option<decimal?> Amount(string name, string help, string description, decimal most) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount) && amount > 0
                && amount <= most)
            {
                return amount;
            }

            result.AddError(string.Create(
                CultureInfo.InvariantCulture, $"{Name(result)} takes a number above 0 and at most {most}, such as 2.50; not '{text}'."));
            return null;
        },
    };

    /// <summary>A UUID.</summary>
    public static Option<Guid?> Id(string name, string help, string description) => new(name)
    {
        Description = description,
        HelpName = help,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Guid.TryParseExact(text, "D", out var id))
            {
                return id;
            }

            result.AddError($"{Name(result)} takes an id (a UUID of 36 characters); not '{text}'.");
            return null;
        },
    };

    /// <summary>One of a few words. They are what the shell's completion offers.</summary>
    public static Option<string?> Among(this Option<string?> option, params IReadOnlyList<string> words)
    {
        option.CompletionSources.Add([.. words]);
        option.Validators.Add(result => Check(result, option.Name, result.Tokens, words));
        return option;
    }

    /// <inheritdoc cref="Among(Option{string}, IReadOnlyList{string})"/>
    public static Argument<string> Among(this Argument<string> argument, params IReadOnlyList<string> words)
    {
        argument.CompletionSources.Add([.. words]);
        argument.Validators.Add(result => Check(result, argument.Name, result.Tokens, words));
        return argument;
    }

    /// <summary>A whole number of plain digits within bounds; else null, and the error is told.</summary>
    internal static long? Number(ArgumentResult result, long least, long most)
    {
        var text = result.Tokens[0].Value;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
        {
            return number;
        }

        result.AddError(most == long.MaxValue
            ? string.Create(CultureInfo.InvariantCulture, $"{Name(result)} takes a whole number of at least {least}; not '{text}'.")
            : string.Create(CultureInfo.InvariantCulture, $"{Name(result)} takes a whole number from {least} to {most}; not '{text}'."));
        return null;
    }

    /// <summary>As it is typed: <c>--limit</c>, or an argument's name.</summary>
    internal static string Name(ArgumentResult result)
        => result.Parent is OptionResult { Option: var option } ? option.Name : result.Argument.Name;

    private static void Check(SymbolResult result, string name, IReadOnlyList<Token> tokens, IReadOnlyList<string> words)
    {
        if (tokens.FirstOrDefault(t => !words.Contains(t.Value, StringComparer.Ordinal)) is { } wrong)
        {
            result.AddError($"{name} can't be '{wrong.Value}'. Use one of: {string.Join(", ", words)}");
        }
    }
}
