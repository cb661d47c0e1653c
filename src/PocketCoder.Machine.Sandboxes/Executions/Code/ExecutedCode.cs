namespace PocketCoder.Machine.Executions.Code;

/// <summary>The code of a project that a command runs, as far as it can be named before it runs.</summary>
/// <param name="Files">Absolute paths, in the order in which they were found, at most <see cref="CodeFinder.MaxFiles"/>. Those that the
/// command itself names need not exist.</param>
/// <param name="Loose">Sentences for people, at most <see cref="CodeFinder.MaxLoose"/>: code that runs besides and can't be held to what
/// was shown.</param>
internal sealed record ExecutedCode(IReadOnlyList<string> Files, IReadOnlyList<LooseCode> Loose);

/// <param name="Subject">The program or file. Untrusted.</param>
/// <param name="Sentence">For people.</param>
public sealed record LooseCode(string Subject, string Sentence);
