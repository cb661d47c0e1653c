using PocketCoder.Risks.Shell;

namespace PocketCoder.Risks.Walking;

/// <summary>
/// What is known of a whole script before it is walked: which variables get exactly one value. Only those are followed, so that no path
/// through the script can give another value to a word than the one that was looked at.
/// </summary>
internal sealed class ScriptFacts
{
    private readonly Dictionary<string, int> _assigned = new(StringComparer.Ordinal);
    private bool _unclear;
    private bool _jumps;
    private bool _moves;

    private ScriptFacts()
    {
    }

    /// <summary>Loops and functions are left in the middle, and the folder changes somewhere: then it isn't known afterwards.</summary>
    public bool JumpsAndMoves => _jumps && _moves;

    public static ScriptFacts Of(Node script)
    {
        var facts = new ScriptFacts();
        facts.Scan(script);
        return facts;
    }

    public bool Changes(string name) => _unclear || _assigned.ContainsKey(name);

    /// <summary>Whether the variable gets one value in one place.</summary>
    public bool IsFollowed(string name) => !_unclear && _assigned.GetValueOrDefault(name) == 1 && !SpecialVariables.IsComputed(name);

    private void Scan(Node node)
    {
        foreach (var redirect in node.Redirects)
        {
            Scan(redirect.Target);
        }

        switch (node)
        {
            case SimpleCommand simple:
                ScanSimple(simple);
                break;
            case Pipeline pipeline:
                Scan(pipeline.Commands);
                break;
            case AndOr chain:
                Scan(chain.First);
                Scan(chain.Rest.Select(r => r.Command));
                break;
            case Sequence sequence:
                Scan(sequence.Items.Select(i => i.Command));
                break;
            case Subshell { Body: var body }:
                Scan(body);
                break;
            case Group { Body: var body }:
                Scan(body);
                break;
            case If branch:
                Scan(branch.Branches.SelectMany(b => new[] { b.Condition, b.Body }));
                if (branch.Else is { } otherwise)
                {
                    Scan(otherwise);
                }

                break;
            case While loop:
                Scan([loop.Condition, loop.Body]);
                break;
            case For loop:
                Count(loop.Name, 1);
                Scan(loop.Items ?? []);
                Scan(loop.Body);
                break;
            case ForArithmetic loop:
                _unclear = true;
                Scan(loop.Expressions);
                Scan(loop.Body);
                break;
            case Case choice:
                Scan(choice.Subject);
                Scan(choice.Clauses.SelectMany(c => c.Patterns));
                Scan(choice.Clauses.Select(c => c.Body));
                break;
            case Function function:
                Scan(function.Body);
                break;
            case ArithmeticCommand arithmetic:
                Arithmetic(arithmetic.Expression);
                break;
            case Conditional condition:
                Scan(condition.Operands);
                break;
        }
    }

    private void Scan(IEnumerable<Node> nodes)
    {
        foreach (var node in nodes)
        {
            Scan(node);
        }
    }

    private void Scan(IEnumerable<Word> words)
    {
        foreach (var word in words)
        {
            Scan(word);
        }
    }

    private void Scan(Word word) => Scan(word.Parts);

    private void Scan(IReadOnlyList<Part> parts)
    {
        foreach (var part in parts)
        {
            switch (part)
            {
                case DoubleQuoted quoted:
                    Scan(quoted.Parts);
                    break;
                case Parameter parameter:
                    if (parameter.Assigns)
                    {
                        Count(parameter.Name, 2);
                    }

                    Scan(parameter.Operand?.Parts ?? []);
                    break;
                case CommandSubstitution command:
                    Scan(command.Body);
                    break;
                case ProcessSubstitution process:
                    Scan(process.Body);
                    break;
                case Arithmetic arithmetic:
                    Arithmetic(arithmetic.Expression);
                    break;
            }
        }
    }

    private void Arithmetic(Word expression)
    {
        _unclear |= expression.Parts.Any(p => p is Quoted { Text: var t } && (t.Contains('=', StringComparison.Ordinal)
            || t.Contains("++", StringComparison.Ordinal) || t.Contains("--", StringComparison.Ordinal)));
        Scan(expression);
    }

    private void ScanSimple(SimpleCommand simple)
    {
        foreach (var assignment in simple.Assignments)
        {
            // Before a command it holds for that command only; counting it too only makes fewer variables followed.
            Count(assignment.Name, assignment.Plain && simple.Words.Count == 0 ? 1 : 2);
            Scan(assignment.Value?.Parts ?? []);
            Scan(assignment.Elements);
        }

        Scan(simple.Words);
        if (simple.Words.Count == 0)
        {
            return;
        }

        switch (Literal(simple.Words[0]))
        {
            case null or "read" or "mapfile" or "readarray" or "getopts" or "let" or "unset" or "eval" or "source" or "." or "builtin"
                or "command" or "wait" or "trap":
                _unclear = true;
                break;
            case "printf" when simple.Words.Count > 1 && Literal(simple.Words[1]) is null or "-v":
                _unclear = true;
                break;
            case "declare" or "typeset" or "local" or "export" or "readonly":
                foreach (var word in simple.Words.Skip(1))
                {
                    var text = word.Parts is [Bare { Text: var t }, ..] ? t : null;
                    var equals = text?.IndexOf('=', StringComparison.Ordinal) ?? -1;
                    if (equals > 0)
                    {
                        Count(text![..equals].TrimEnd('+'), text[equals - 1] == '+' ? 2 : 1);
                    }
                    else if (text is null)
                    {
                        _unclear = true;
                    }
                    else
                    {
                        Count(text, 2);
                    }
                }

                break;
            case "cd" or "pushd" or "popd":
                _moves = true;
                break;
            case "break" or "continue" or "return":
                _jumps = true;
                break;
        }
    }

    private static string? Literal(Word word)
    {
        var text = "";
        foreach (var part in word.Parts)
        {
            switch (part)
            {
                case Bare bare:
                    text += bare.Text;
                    break;
                case Quoted quoted:
                    text += quoted.Text;
                    break;
                case DoubleQuoted { Parts: [] }:
                    break;
                case DoubleQuoted { Parts: [Quoted inner] }:
                    text += inner.Text;
                    break;
                case GlobMark { Mark: '[' } when word.Parts.Count == 1:
                    return "[";
                default:
                    return null;
            }
        }

        return text.Contains('{', StringComparison.Ordinal) ? null : text;
    }

    private void Count(string name, int times) => _assigned[name] = _assigned.GetValueOrDefault(name) + times;
}
