using PocketCoder.Risks.Marks;
using PocketCoder.Risks.Paths;
using PocketCoder.Risks.Programs;
using PocketCoder.Risks.Shell;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Walking;

/// <summary>
/// Walks a script along every way it may take and hands each simple command to <see cref="ProgramTable"/>. Knows folders, functions and
/// variables as far as they are certain.
/// </summary>
internal sealed class Walker
{
    private readonly ScriptFacts _facts;
    private readonly HashSet<Node> _active;
    private readonly SourceMarks? _marks;
    private bool _aliased;

    private Walker(ScriptFacts facts, Report report, PlaceFinder places, HashSet<Node> active, SourceMarks? marks)
    {
        _facts = facts;
        _active = active;
        _marks = marks;
        Report = report;
        Places = places;
    }

    public Report Report { get; }

    public PlaceFinder Places { get; }

    /// <summary>Walks a text as a script of its own (the whole command, or what <c>sh -c</c> gets).</summary>
    /// <param name="marks">Where it is told what the parts of the text are; null when nobody looks at this text.</param>
    public static void WalkScript(
        string text, ShellState state, Context context, Report report, PlaceFinder places, SourceMarks? marks = null)
    {
        if (context.Depth > RiskLimits.MaxDepth / 2)
        {
            throw new ShellSyntaxException("commands nested too deeply");
        }

        var script = ShellParser.Parse(text, context.Depth, marks);
        new Walker(ScriptFacts.Of(script), report, places, new HashSet<Node>(ReferenceEqualityComparer.Instance), marks).Walk(
            script, state, context);
    }

    /// <summary><c>eval</c>: a text in the same shell.</summary>
    public Outcome WalkInline(string text, ShellState state, Context context)
    {
        if (context.Depth > RiskLimits.MaxDepth / 2)
        {
            throw new ShellSyntaxException("commands nested too deeply");
        }

        return Walk(ShellParser.Parse(text, context.Depth), state, context);
    }

    public void NoteAlias() => _aliased = true;

    public void Follow(ref ShellState state, string name, Arg value)
        => state = _facts.IsFollowed(name) && value.Known ? state with { Variables = state.Variables.SetItem(name, value) } : state;

    public WordExpander Expander(ShellState state) => new(state, _facts, Places.Home);

    private Outcome Walk(Node node, ShellState state, Context context)
    {
        if (context.Depth > RiskLimits.MaxDepth * 2)
        {
            throw new ShellSyntaxException("commands nested too deeply");
        }

        if (node is not SimpleCommand && node.Redirects.Count > 0)
        {
            context = Redirect(node.Redirects, state, context);
        }

        switch (node)
        {
            case SimpleCommand simple:
                return WalkSimple(simple, state, context);
            case Pipeline pipeline:
                return WalkPipeline(pipeline, state, context);
            case AndOr chain:
                return WalkChain(chain, state, context);
            case Sequence sequence:
                return WalkSequence(sequence, state, context);
            case Subshell subshell:
                Walk(subshell.Body, state, context);
                return Outcome.Either(state);
            case Group group:
                return Walk(group.Body, state, context);
            case If branch:
                return WalkIf(branch, state, context);
            case While loop:
                return WalkLoop(s => Walk(loop.Body, Walk(loop.Condition, s, context).Any ?? s, context), state);
            case For loop:
                return WalkFor(loop, state, context);
            case ForArithmetic loop:
                VisitArithmetic(loop.Expressions, state, context);
                return WalkLoop(s => Walk(loop.Body, s, context), state);
            case Case choice:
                return WalkCase(choice, state, context);
            case Function function:
                return WalkFunction(function, state, context);
            case ArithmeticCommand arithmetic:
                VisitArithmetic(arithmetic.Expression, state, context);
                return Outcome.Either(state);
            case Conditional condition:
                Visit(condition.Operands, state, context);
                if (condition.Evaluates && !Expander(state).Expand(condition.Operands).All(a => a.Exact && a.Text.All(char.IsAsciiDigit)))
                {
                    Report.NotUnderstood("[[", "A comparison uses values known only at run time.");
                }

                return Outcome.Either(state);
            default:
                throw new ShellSyntaxException("an unknown construct");
        }
    }

    private Outcome WalkSequence(Sequence sequence, ShellState state, Context context)
    {
        var outcome = Outcome.Either(state);
        foreach (var (command, background) in sequence.Items)
        {
            state = outcome.Any ?? state;
            outcome = Walk(command, state, context);
            if (background)
            {
                Report.Add(ConsequenceKind.Process, "&", "Starts a process that may outlive the command.", RiskTier.WorkspaceWrite);
                outcome = Outcome.Either(state);
            }
        }

        return outcome;
    }

    private Outcome WalkChain(AndOr chain, ShellState state, Context context)
    {
        var outcome = Walk(chain.First, state, context);
        foreach (var (and, command) in chain.Rest)
        {
            var next = Walk(command, (and ? outcome.Ok : outcome.Fail) ?? state, context);
            outcome = and ? new Outcome(next.Ok, ShellState.Join(outcome.Fail, next.Fail))
                : new Outcome(ShellState.Join(outcome.Ok, next.Ok), next.Fail);
        }

        return outcome;
    }

    private Outcome WalkPipeline(Pipeline pipeline, ShellState state, Context context)
    {
        for (var i = 0; i < pipeline.Commands.Count; i++)
        {
            Walk(pipeline.Commands[i], state, i == 0 ? context : context with { Input = Input.Pipe, Text = null });
        }

        return Outcome.Either(state);
    }

    private Outcome WalkIf(If branch, ShellState state, Context context)
    {
        ShellState? after = null;
        ShellState? entry = state;
        foreach (var (condition, body) in branch.Branches)
        {
            var tested = Walk(condition, entry ?? state, context);
            after = ShellState.Join(after, Walk(body, tested.Ok ?? state, context).Any);
            entry = tested.Fail;
        }

        if (branch.Else is { } otherwise)
        {
            entry = Walk(otherwise, entry ?? state, context).Any;
        }

        return Outcome.Either(ShellState.Join(after, entry) ?? state);
    }

    private Outcome WalkCase(Case choice, ShellState state, Context context)
    {
        Visit([choice.Subject, .. choice.Clauses.SelectMany(c => c.Patterns)], state, context);
        ShellState? after = state;
        foreach (var (_, body) in choice.Clauses)
        {
            after = ShellState.Join(after, Walk(body, state, context).Any);
        }

        return Outcome.Either(after ?? state);
    }

    private Outcome WalkFor(For loop, ShellState state, Context context)
    {
        Visit(loop.Items ?? [], state, context);
        Assigned(loop.Name, new Arg("", Known: false), forProgram: false);
        var items = loop.Items is null ? null : Expander(state).Expand(loop.Items);
        if (items is null || items.Any(i => !i.Known) || items.Count > 32 || !_facts.IsFollowed(loop.Name))
        {
            return WalkLoop(s => Walk(loop.Body, s with { Variables = s.Variables.Remove(loop.Name) }, context), state);
        }

        var outcome = Outcome.Either(state);
        foreach (var item in items)
        {
            outcome = WalkLoop(
                s =>
                {
                    Follow(ref s, loop.Name, item);
                    return Walk(loop.Body, s, context);
                },
                outcome.Any ?? state);
        }

        return Outcome.Either((outcome.Any ?? state) with { Variables = state.Variables.Remove(loop.Name) });
    }

    /// <summary>A body that may run any number of times. When it moves to another folder, a second walk starts from "anywhere".</summary>
    private Outcome WalkLoop(Func<ShellState, Outcome> body, ShellState state)
    {
        if (_facts.JumpsAndMoves)
        {
            state = state with { Folders = null };
        }

        var after = body(state).Any;
        if (after is not null && !SameFolders(after.Folders, state.Folders))
        {
            state = state with { Folders = null };
            after = body(state).Any;
        }

        return Outcome.Either(ShellState.Join(state, after) ?? state);
    }

    private static bool SameFolders(IReadOnlyList<string>? a, IReadOnlyList<string>? b)
        => a is null ? b is null : b is not null && a.SequenceEqual(b, StringComparer.Ordinal);

    private Outcome WalkFunction(Function function, ShellState state, Context context)
    {
        if (function.Name is "command_not_found_handle" || ProgramTable.IsShellWord(function.Name))
        {
            Report.NotUnderstood(function.Name, $"Redefines {function.Name}, which the shell itself uses.", ConsequenceKind.ChangesMeaning);
        }

        state = state with { Functions = state.Functions.SetItem(function.Name, (function.Body, true)) };
        Call(function.Name, function.Body, state, context);
        return Outcome.Either(state);
    }

    /// <summary>Walks the body of a function; at its definition as well, so that nothing depends on finding every call.</summary>
    private Outcome Call(string name, Node body, ShellState state, Context context)
    {
        if (!_active.Add(body))
        {
            Report.CannotBeUndone();
            Report.NotUnderstood(name, $"{name} starts itself again, possibly endlessly, until the machine is exhausted.",
                ConsequenceKind.Process, RiskTier.Destructive);
            return Outcome.Either(state);
        }

        try
        {
            Report.Begin();
            var outcome = Walk(body, state, context with { Depth = context.Depth + 1 });
            return _facts.JumpsAndMoves ? Outcome.Either((outcome.Any ?? state) with { Folders = null }) : outcome;
        }
        finally
        {
            _active.Remove(body);
        }
    }

    private Outcome WalkSimple(SimpleCommand simple, ShellState state, Context context)
    {
        var values = simple.Assignments.SelectMany(a => a.Value is null ? a.Elements : [a.Value]);
        Visit(values.Concat(simple.Words), state, context);
        context = Redirect(simple.Redirects, state, context);
        var args = Read(simple.Words, state);
        var prefixed = simple.Words.Count > 0;
        foreach (var assignment in simple.Assignments)
        {
            var value = assignment.Value is null ? new Arg("", Known: false) : Expander(state).Single(assignment.Value);
            if (!(assignment.Name == "IFS" && args is [{ Exact: true, Text: "read" }, ..] && !state.Functions.ContainsKey("read")))
            {
                Assigned(assignment.Name, value, forProgram: prefixed);
            }

            if (!prefixed && assignment.Plain)
            {
                Follow(ref state, assignment.Name, value);
            }
        }

        if (args.Count == 0)
        {
            if (prefixed)
            {
                Report.NotUnderstood("nothing", "A command whose name expands to nothing.");
            }

            return Outcome.Either(state);
        }

        return Run(args, state, context);
    }

    /// <summary>The words as the program gets them.</summary>
    private List<Arg> Read(IEnumerable<Word> words, ShellState state)
    {
        var expander = Expander(state);
        var read = new List<Arg>();
        foreach (var word in words)
        {
            var from = read.Count;
            read.AddRange(expander.Expand(word));
            for (var i = from; i < read.Count; i++)
            {
                Mark(word, read[i], state);
            }
        }

        return read;
    }

    private void Mark(Word word, Arg read, ShellState state)
    {
        if (word.Place is { } place)
        {
            _marks?.Read(new ReadWord(place.Start, place.End, read.Text, state.Folders));
        }
    }

    /// <summary>A variable gets a value, for the shell or for a program.</summary>
    public void Assigned(string name, Arg value, bool forProgram)
    {
        var text = value.Known ? value.Text : null;
        if (name == "PATH")
        {
            Report.SearchPath(value.Text);
        }

        if (SpecialVariables.ChangesMeaning(name, text) || (forProgram && !SpecialVariables.IsHarmless(name, text)))
        {
            Report.NotUnderstood(
                name,
                SpecialVariables.ChangesMeaning(name, text) ? $"Sets {name}, which changes the meaning of the rest."
                    : $"Sets {name} for a program.",
                ConsequenceKind.ChangesMeaning);
        }
    }

    /// <summary>A program with its arguments, as the shell starts it or as a wrapper does.</summary>
    /// <param name="byShell">Functions and builtins count; a wrapper starts files only.</param>
    public Outcome Run(IReadOnlyList<Arg> args, ShellState state, Context context, bool byShell = true)
    {
        var doubts = Report.Begin();
        var name = args[0];
        var outcome = Outcome.Either(state);
        if (context.Depth > RiskLimits.MaxDepth)
        {
            throw new ShellSyntaxException("commands nested too deeply");
        }

        if (!name.Exact || name.Text.Length == 0)
        {
            Report.NotUnderstood(name.Text, $"The program is known only at run time: {name.Text}");
        }
        else if (byShell && state.Functions.TryGetValue(name.Text, out var function))
        {
            outcome = Call(name.Text, function.Body, state, context);
            if (!function.Certain)
            {
                Dispatch(args, state, context, byShell);
            }
        }
        else
        {
            outcome = Dispatch(args, state, context, byShell);
        }

        if (_aliased)
        {
            Report.NotUnderstood("alias", "An alias may replace the words that follow it.", ConsequenceKind.ChangesMeaning);
        }

        Report.Command(new CommandCall([.. args.Select(a => a.Text)], args.All(a => a.Exact), context.Via, Report.Doubts == doubts)
        { Folders = state.Folders });
        return outcome;
    }

    private Outcome Dispatch(IReadOnlyList<Arg> args, ShellState state, Context context, bool byShell)
    {
        var invocation = new Invocation(this, args, state, context, byShell);
        ProgramTable.Run(invocation);
        return invocation.Outcome;
    }

    private Context Redirect(IReadOnlyList<Redirect> redirects, ShellState state, Context context)
    {
        foreach (var redirect in redirects)
        {
            Visit([redirect.Target], state, context);
            if (redirect.Kind == RedirectKind.Duplicate)
            {
                continue;
            }

            var target = Expander(state).Single(redirect.Target);
            Mark(redirect.Target, target, state);
            if (redirect.Kind is RedirectKind.HereDocument or RedirectKind.HereString)
            {
                context = context with { Input = Input.Text, Text = target.Known ? target.Text : null };
                continue;
            }

            var invocation = new Invocation(this, [target], state, context, byShell: true);
            if (target.Known && Network.OfDevice(target.Text) is { } host)
            {
                invocation.Reaches(host, "a raw connection");
                Report.CannotBeUndone();
            }
            else if (target.Glob)
            {
                Report.NotUnderstood(target.Text, $"Redirects to {target.Text}, a pattern.");
            }
            else if (redirect.Kind == RedirectKind.Read)
            {
                invocation.Reads(target);
                context = redirect.Descriptor is null or 0 ? context with { Input = Input.File, Text = null, File = target } : context;
            }
            else
            {
                invocation.Writes(target);
            }
        }

        return context;
    }

    /// <summary>Walks what is nested in words: substitutions run whatever the word is for.</summary>
    private void Visit(IEnumerable<Word> words, ShellState state, Context context)
    {
        foreach (var word in words)
        {
            Visit(word.Parts, state, context);
        }
    }

    private void Visit(IReadOnlyList<Part> parts, ShellState state, Context context)
    {
        foreach (var part in parts)
        {
            switch (part)
            {
                case DoubleQuoted quoted:
                    Visit(quoted.Parts, state, context);
                    break;
                case Parameter { Operand: { } operand } parameter:
                    Visit(operand.Parts, state, context);
                    if (parameter.Assigns)
                    {
                        Assigned(parameter.Name, new Arg("", Known: false), forProgram: false);
                    }

                    if (operand.Parts is [Bare { Text: [':', not ('-' or '=' or '+' or '?'), ..] }, ..]
                        && !operand.Parts.All(p => p is Bare { Text: var t } && t.All(c => char.IsAsciiDigit(c) || c is ':' or ' ' or '-')))
                    {
                        Report.NotUnderstood(parameter.Source, $"An offset is evaluated at run time: {parameter.Source}");
                    }

                    if (operand.Parts is [GlobMark { Mark: '[' }, ..]
                        && !operand.Parts.Skip(1).All(p => p is Bare { Text: "" } or GlobMark or Bare { Text: "@" } or Bare { Text: "0" }))
                    {
                        Report.NotUnderstood("[", "A subscript is evaluated at run time.");
                    }

                    break;
                case CommandSubstitution command:
                    Walk(command.Body, state, context with { Input = Input.Inherited, Text = null, Depth = context.Depth + 1 });
                    break;
                case ProcessSubstitution process:
                    Walk(process.Body, state, context with { Input = Input.Pipe, Text = null, Depth = context.Depth + 1 });
                    break;
                case Arithmetic arithmetic:
                    VisitArithmetic(arithmetic.Expression, state, context);
                    break;
            }
        }
    }

    /// <summary>Arithmetic runs commands that stand in the values of its variables (<c>x='a[$(id)]'; echo $((x))</c>).</summary>
    private void VisitArithmetic(Word expression, ShellState state, Context context)
    {
        Visit(expression.Parts, state, context);
        var text = string.Concat(expression.Parts.Select(p => p is Quoted q ? q.Text : " 0 "));
        if (text.Any(c => c == '[') || expression.Parts.Any(p => p is not Quoted) || HasUnknownName(text, state))
        {
            Report.NotUnderstood(text, "An arithmetic expression uses values known only at run time.");
        }
    }

    private static bool HasUnknownName(string text, ShellState state)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsAsciiDigit(text[i]))
            {
                while (i + 1 < text.Length && WordParser.IsName(text[i + 1]))
                {
                    i++;
                }
            }
            else if (WordParser.IsNameStart(text[i]))
            {
                var start = i;
                while (i + 1 < text.Length && WordParser.IsName(text[i + 1]))
                {
                    i++;
                }

                if (!state.Variables.TryGetValue(text[start..(i + 1)], out var value) || value.Text.Length == 0
                    || !value.Text.All(char.IsAsciiDigit))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
