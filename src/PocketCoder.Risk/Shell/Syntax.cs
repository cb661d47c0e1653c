namespace PocketCoder.Risks.Shell;

/// <summary>A shell script as a tree. Of the person's own text its words know where they stand.</summary>
internal abstract record Node
{
    /// <summary>Redirections of a compound command as a whole.</summary>
    public IReadOnlyList<Redirect> Redirects { get; init; } = [];
}

internal sealed record SimpleCommand(IReadOnlyList<Assignment> Assignments, IReadOnlyList<Word> Words) : Node;

/// <param name="Commands">At least one.</param>
internal sealed record Pipeline(IReadOnlyList<Node> Commands) : Node;

/// <summary><c>first</c> followed by <c>&amp;&amp;</c> or <c>||</c> and more.</summary>
internal sealed record AndOr(Node First, IReadOnlyList<(bool And, Node Command)> Rest) : Node;

/// <summary>Commands one after another. <c>Background</c> ones run in a process of their own.</summary>
internal sealed record Sequence(IReadOnlyList<(Node Command, bool Background)> Items) : Node;

internal sealed record Subshell(Node Body) : Node;

internal sealed record Group(Node Body) : Node;

internal sealed record If(IReadOnlyList<(Node Condition, Node Body)> Branches, Node? Else) : Node;

internal sealed record While(Node Condition, Node Body) : Node;

/// <param name="Items">Null: the positional parameters.</param>
internal sealed record For(string Name, IReadOnlyList<Word>? Items, Node Body) : Node;

internal sealed record ForArithmetic(Word Expressions, Node Body) : Node;

internal sealed record Case(Word Subject, IReadOnlyList<(IReadOnlyList<Word> Patterns, Node Body)> Clauses) : Node;

internal sealed record Function(string Name, Node Body) : Node;

/// <summary><c>(( … ))</c>.</summary>
internal sealed record ArithmeticCommand(Word Expression) : Node;

/// <summary><c>[[ … ]]</c>: its operands, and whether one operator evaluates operands as arithmetic.</summary>
internal sealed record Conditional(IReadOnlyList<Word> Operands, bool Evaluates) : Node;

/// <param name="Value">Null for arrays.</param>
/// <param name="Plain">False for <c>+=</c>, subscripts and arrays.</param>
internal sealed record Assignment(string Name, Word? Value, IReadOnlyList<Word> Elements, bool Plain);

internal enum RedirectKind
{
    Read,
    Write,
    ReadWrite,
    Duplicate,
    HereDocument,
    HereString,
}

/// <param name="Target">File, descriptor, or the here-document's text.</param>
internal sealed record Redirect(RedirectKind Kind, Word Target, bool Output = false, int? Descriptor = null);

internal sealed record Word(IReadOnlyList<Part> Parts)
{
    /// <summary>Where it stands in the command, in UTF-16 units; null in a text inside of another.</summary>
    public (int Start, int End)? Place { get; init; }
}

internal abstract record Part;

/// <summary>Text without quotes: subject to brace expansion.</summary>
internal sealed record Bare(string Text) : Part;

/// <summary>Text that stands for itself.</summary>
internal sealed record Quoted(string Text) : Part;

/// <summary>An unquoted <c>*</c>, <c>?</c>, <c>[</c> or <c>]</c>.</summary>
internal sealed record GlobMark(char Mark) : Part;

/// <param name="User">Empty for one's own home, <c>+</c> for the current folder.</param>
internal sealed record Tilde(string User) : Part;

internal sealed record DoubleQuoted(IReadOnlyList<Part> Parts) : Part;

/// <param name="Operand">Null for the plain <c>$x</c> and <c>${x}</c>; else what stands behind the name.</param>
internal sealed record Parameter(string Name, Word? Operand, bool Assigns, string Source) : Part;

internal sealed record CommandSubstitution(Node Body, string Source) : Part;

internal sealed record ProcessSubstitution(Node Body, string Source) : Part;

internal sealed record Arithmetic(Word Expression, string Source) : Part;
