using System.Text;
using PocketCoder.Risks.Shell;
using PocketCoder.Risks.Walking;

namespace PocketCoder.Risks.Words;

/// <summary>
/// Does the shell's expansions as far as they can be known beforehand: quotes, braces, tilde, variables with one known value.
/// Executes nothing; what is nested inside is walked by <see cref="Walker"/>.
/// </summary>
internal sealed class WordExpander(ShellState state, ScriptFacts facts, string home)
{
    public List<Arg> Expand(IEnumerable<Word> words) => [.. words.SelectMany(Expand)];

    public IEnumerable<Arg> Expand(Word word)
    {
        var units = Units(word);
        if (Braces.Expand(units) is not { } alternatives)
        {
            return [new Arg(Text(units), Known: false, Splits: true)];
        }

        return alternatives.Where(a => a.Count > 0).Select(ToArg);
    }

    /// <summary>Without brace expansion and splitting: the value of an assignment, a here-string.</summary>
    public Arg Single(Word word) => ToArg(Units(word));

    private static string Text(List<Unit> units) => string.Concat(units.Select(u => u.Text));

    private static Arg ToArg(List<Unit> units)
    {
        var text = Text(units);
        if (units.Count > 0 && units[0].Is('~'))
        {
            return new Arg(text, Known: false); // a tilde that came out of braces
        }

        return units.Any(u => u.Kind is UnitKind.Unknown or UnitKind.UnknownBare)
            ? new Arg(text, Known: false, Splits: units.Any(u => u.Kind == UnitKind.UnknownBare))
            : new Arg(text, Glob: units.Any(u => u.Kind == UnitKind.Glob));
    }

    private List<Unit> Units(Word word)
    {
        var units = new List<Unit>();
        for (var i = 0; i < word.Parts.Count; i++)
        {
            if (word.Parts[i] is GlobMark { Mark: var mark })
            {
                var pattern = mark is '*' or '?' || (mark == '[' && word.Parts.Skip(i + 1).Any(p => p is GlobMark { Mark: ']' }));
                units.Add(new Unit(pattern ? UnitKind.Glob : UnitKind.Quoted, mark.ToString()));
            }
            else
            {
                Add(units, word.Parts[i], quoted: false);
            }
        }

        return units;
    }

    private void Add(List<Unit> units, Part part, bool quoted)
    {
        var unknown = quoted ? UnitKind.Unknown : UnitKind.UnknownBare;
        switch (part)
        {
            case Bare bare:
                units.AddRange(bare.Text.Select(c => new Unit(UnitKind.Bare, c.ToString())));
                break;
            case Quoted text:
                units.Add(new Unit(UnitKind.Quoted, text.Text));
                break;
            case GlobMark mark:
                units.Add(new Unit(UnitKind.Glob, mark.Mark.ToString()));
                break;
            case DoubleQuoted inner:
                units.Add(new Unit(UnitKind.Quoted, ""));
                foreach (var piece in inner.Parts)
                {
                    Add(units, piece, quoted: true);
                }

                break;
            case Tilde { User: "" } when !facts.Changes("HOME"):
                units.Add(new Unit(UnitKind.Quoted, home));
                break;
            case Tilde tilde:
                units.Add(new Unit(UnitKind.Unknown, $"~{tilde.User}"));
                break;
            case Parameter { Operand: null } parameter:
                AddVariable(units, parameter, quoted, unknown);
                break;
            case Parameter parameter:
                units.Add(new Unit(parameter.Name is "@" or "*"
                    || parameter.Source.Contains('@', StringComparison.Ordinal) ? UnitKind.UnknownBare : unknown, parameter.Source));
                break;
            case CommandSubstitution command:
                units.Add(new Unit(unknown, command.Source));
                break;
            case Arithmetic arithmetic:
                units.Add(new Unit(UnitKind.Unknown, arithmetic.Source));
                break;
            case ProcessSubstitution:
                units.Add(new Unit(UnitKind.Quoted, "/dev/fd/63"));
                break;
            default:
                units.Add(new Unit(UnitKind.UnknownBare, "?"));
                break;
        }
    }

    private void AddVariable(List<Unit> units, Parameter parameter, bool quoted, UnitKind unknown)
    {
        Arg? value = parameter.Name switch
        {
            "HOME" when !facts.Changes("HOME") => new Arg(home),
            "PWD" when !facts.Changes("PWD") && state.Folders is [var only] => new Arg(only),
            _ => state.Variables.GetValueOrDefault(parameter.Name),
        };
        if (value is not { Known: true } || (!quoted && value.Text.AsSpan().ContainsAny(s_splitting) && !value.Glob)
            || (value.Text.Length == 0 && !quoted))
        {
            units.Add(new Unit(parameter.Name is "@" or "*" ? UnitKind.UnknownBare : unknown, parameter.Source));
            return;
        }

        units.Add(new Unit(value.Glob ? UnitKind.Glob : UnitKind.Quoted, value.Text));
    }

    private static readonly System.Buffers.SearchValues<char> s_splitting = System.Buffers.SearchValues.Create(" \t\n*?[\\");
}
