using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Reading;

/// <summary>How an option takes its value.</summary>
internal enum OptionValue
{
    None,

    /// <summary><c>-n5</c>, <c>-n 5</c>, <c>--lines=5</c>, <c>--lines 5</c>.</summary>
    Required,

    /// <summary>Only as the next word, and the letter ends its word: the program reads options by rules of its own.</summary>
    Separate,

    /// <summary>Only in the same word, and it may be missing: <c>-i.bak</c>, <c>--color=always</c>.</summary>
    Attached,

    /// <summary>The next two words: <c>jq --arg name value</c>.</summary>
    Two,
}

/// <param name="IsFile">The (last) value names a file that is read.</param>
internal sealed record Option(string Name, OptionValue Value, bool IsFile);

/// <summary>The words of a command by what they are to its program.</summary>
/// <param name="OperandsAt">Index of the first operand; the number of words when there is none. Only of use with
/// <see cref="OptionGrammar.StopsAtOperand"/>.</param>
internal sealed record ParsedOptions(IReadOnlyList<(string Name, Arg? Value)> Options, IReadOnlyList<Arg> Operands, int OperandsAt)
{
    public bool Has(params ReadOnlySpan<string> names)
    {
        foreach (var (name, _) in Options)
        {
            if (names.Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    public IEnumerable<string> Values(string name) => Options.Where(o => o.Name == name && o.Value is not null).Select(o => o.Value!.Text);
}

/// <summary>
/// The options and operands with which a program only looks. What is not in it is not accepted: an unknown letter in a cluster, a shortened
/// long option (what it is short for depends on the version), a value that looks like an option, a pattern where the number of words
/// matters. Immutable.
/// </summary>
/// <remarks>
/// Written as words: <c>-abc</c> letters without value; <c>-n:</c> a value in the same or the next word; <c>-n_</c> only in the next;
/// <c>-n.</c> an optional one in the same; <c>-#</c> digits (<c>head -5</c>); <c>--all</c>; <c>--lines=</c> with a value; <c>--color?</c>
/// with an optional one; <c>--arg:2</c> with two words; <c>=-vv</c> exactly this word. An <c>f</c> behind a value says that it names a file
/// that is read.
/// </remarks>
internal sealed record OptionGrammar
{
    private readonly Dictionary<string, Option> _options = new(StringComparer.Ordinal);
    private readonly int _min;
    private readonly int _max;

    public OptionGrammar(string options, int min = 0, int max = int.MaxValue)
    {
        (_min, _max) = (min, max);
        foreach (var word in options.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            Add(word);
        }
    }

    /// <summary>Accepts any words: none of them changes anything.</summary>
    public static OptionGrammar Anything { get; } = new("") { AcceptsAll = true };

    /// <summary>Options end where the first operand stands (POSIX); what follows is not looked at.</summary>
    public bool StopsAtOperand { get; init; }

    /// <summary>
    /// The program takes what looks like an option behind an operand for an operand, perhaps for the file to write: it is not accepted.
    /// </summary>
    public bool OptionsFirst { get; init; }

    /// <summary>Several letters in one word are several options.</summary>
    public bool Clusters { get; init; } = true;

    /// <summary>
    /// No option of the program does harm, not even one that is not listed: a pattern may match a file that is called like one.
    /// </summary>
    public bool AnyOption { get; init; }

    /// <summary>An operand may begin with a plus.</summary>
    public bool Plus { get; init; }

    /// <summary>What must hold besides.</summary>
    public Func<ParsedOptions, bool>? Check { get; init; }

    private bool AcceptsAll { get; init; }

    public IReadOnlyCollection<Option> Options => _options.Values;

    public int MaxOperands => _max;

    /// <summary>The words by their roles; null when one of them is not known exactly.</summary>
    /// <param name="args">Without the program's name.</param>
    public ParsedOptions? Parse(IReadOnlyList<Arg> args)
    {
        if (AcceptsAll)
        {
            return new ParsedOptions([], args, 0);
        }

        if (args is [{ Exact: true, Text: "--version" or "--help" }] && _options.Keys.Any(o => o.Length > 2))
        {
            return new ParsedOptions([], [], 1);
        }

        var options = new List<(string, Arg?)>();
        var operands = new List<Arg>();
        var i = 0;
        for (; i < args.Count; i++)
        {
            var arg = args[i];
            if (!arg.Known)
            {
                return null;
            }

            if (arg is { Exact: true, Text: "--" })
            {
                if (_max != int.MaxValue && operands.Count > 0)
                {
                    return null; // some programs count it as an operand there: git config user.name -- sets the name to "--"
                }

                i++;
                break;
            }

            if (arg.Text is ['-', _, ..])
            {
                if ((OptionsFirst && operands.Count > 0) || !TakeOption(args, ref i, options))
                {
                    return null;
                }
            }
            else if (StopsAtOperand)
            {
                break;
            }
            else
            {
                operands.Add(arg);
            }
        }

        var parsed = new ParsedOptions(options, [.. operands, .. args.Skip(i)], i);
        return (StopsAtOperand || parsed.Operands.All(IsOperand)) && parsed.Operands.Count >= _min && parsed.Operands.Count <= _max
            && Check?.Invoke(parsed) is not false ? parsed : null;
    }

    /// <summary>The files that options name.</summary>
    public IEnumerable<Arg> Files(ParsedOptions parsed) => parsed.Options.Where(
        o => o.Value is not null && _options.TryGetValue(o.Name, out var option) && option.IsFile).Select(o => o.Value!);

    private bool IsOperand(Arg arg)
        => arg.Known && (!arg.Glob || (_max == int.MaxValue && (AnyOption || !arg.MayBeOption))) && (Plus || !arg.Text.StartsWith('+'));

    private bool TakeOption(IReadOnlyList<Arg> args, ref int i, List<(string, Arg?)> options)
    {
        var arg = args[i];
        var text = arg.Text;
        if (text.StartsWith("--", StringComparison.Ordinal))
        {
            return TakeLong(args, ref i, options);
        }

        if (arg.Glob)
        {
            return false;
        }

        if (text.Length > 2 && _options.ContainsKey(text))
        {
            options.Add((text, null));
            return true;
        }

        if (text.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0 && _options.ContainsKey("-#"))
        {
            options.Add(("-#", arg with { Text = text[1..] }));
            return true;
        }

        for (var at = 1; at < text.Length; at++)
        {
            if (!_options.TryGetValue($"-{text[at]}", out var option))
            {
                return false;
            }

            var rest = text[(at + 1)..];
            switch (option.Value)
            {
                case OptionValue.None when rest.Length == 0 || Clusters:
                    options.Add((option.Name, null));
                    continue;
                case OptionValue.Attached:
                    options.Add((option.Name, rest.Length == 0 ? null : arg with { Text = rest }));
                    return true;
                case OptionValue.Required when rest.Length > 0:
                    options.Add((option.Name, arg with { Text = rest }));
                    return true;
                case OptionValue.Required or OptionValue.Separate when rest.Length == 0 && TakeNext(args, ref i) is { } next:
                    options.Add((option.Name, next));
                    return true;
                default:
                    return false;
            }
        }

        return true;
    }

    private bool TakeLong(IReadOnlyList<Arg> args, ref int i, List<(string, Arg?)> options)
    {
        var arg = args[i];
        var equals = arg.Text.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? arg.Text : arg.Text[..equals];
        if (!_options.TryGetValue(name, out var option) || (arg.Glob && (equals < 0 || name.AsSpan().ContainsAny("*?["))))
        {
            return false;
        }

        switch (option.Value)
        {
            case OptionValue.None when equals < 0:
            case OptionValue.Attached when equals < 0:
                options.Add((name, null));
                return true;
            case OptionValue.Attached or OptionValue.Required when equals > 0:
                options.Add((name, arg with { Text = arg.Text[(equals + 1)..] }));
                return true;
            case OptionValue.Required or OptionValue.Separate when equals < 0 && TakeNext(args, ref i) is { } next:
                options.Add((name, next));
                return true;
            case OptionValue.Two when equals < 0 && TakeNext(args, ref i) is not null && TakeNext(args, ref i) is { } second:
                options.Add((name, second));
                return true;
            default:
                return false;
        }
    }

    /// <summary>
    /// A value that looks like an option is none here: if a version of the program takes no value there, it would be that option.
    /// </summary>
    private static Arg? TakeNext(IReadOnlyList<Arg> args, ref int i)
        => i + 1 < args.Count && args[i + 1] is { Exact: true } next
            && (next.Text is not ['-', _, ..] || next.Text.AsSpan(1).IndexOfAnyExceptInRange('0', '9') < 0) ? args[++i] : null;

    private void Add(string word)
    {
        var file = word.EndsWith(":f", StringComparison.Ordinal) || word.EndsWith("=f", StringComparison.Ordinal)
            || word.EndsWith("_f", StringComparison.Ordinal) || word.EndsWith("2f", StringComparison.Ordinal);
        var plain = file ? word[..^1] : word;
        if (plain[0] == '=')
        {
            _options[plain[1..]] = new Option(plain[1..], OptionValue.None, IsFile: false);
        }
        else if (plain.StartsWith("--", StringComparison.Ordinal))
        {
            var (name, value) = plain switch
            {
                [.. var n, '='] => (n, OptionValue.Required),
                [.. var n, '?'] => (n, OptionValue.Attached),
                [.. var n, ':', '2'] => (n, OptionValue.Two),
                _ => (plain, OptionValue.None),
            };
            _options[name] = new Option(name, value, file);
        }
        else if (plain.Length == 3 && plain[2] is ':' or '_' or '.')
        {
            _options[plain[..2]] = new Option(
                plain[..2], plain[2] switch { ':' => OptionValue.Required, '_' => OptionValue.Separate, _ => OptionValue.Attached }, file);
        }
        else
        {
            foreach (var letter in plain[1..])
            {
                _options[$"-{letter}"] = new Option($"-{letter}", OptionValue.None, IsFile: false);
            }
        }
    }
}
