namespace PocketCoder.Testing.ScriptedModel;

/// <summary>One thing the scripted model does.</summary>
public abstract record ScriptStep
{
    private ScriptStep()
    {
    }

    /// <summary>Says a text, in these pieces.</summary>
    public sealed record Say(IReadOnlyList<string> Pieces) : ScriptStep;

    public sealed record Think(string Text) : ScriptStep;

    /// <summary>Calls a tool; what follows comes after its result.</summary>
    public sealed record Call(ScriptTool Tool) : ScriptStep
    {
        /// <summary>The message goes on: what follows is called in the same one.</summary>
        public bool GoesOn { get; init; }
    }

    /// <summary>From here on: milliseconds between two deltas.</summary>
    public sealed record Slow(int Milliseconds) : ScriptStep;

    /// <summary>Answers with an HTTP error, so many times (0: always), then goes on.</summary>
    public sealed record Fail(int Status, int Times) : ScriptStep;

    /// <summary>Breaks the stream in the middle. <paramref name="Always"/>: the plain request after it is broken too.</summary>
    public sealed record Break(BreakKind Kind, bool Always) : ScriptStep;
}

public enum BreakKind
{
    /// <summary>The connection is cut.</summary>
    Cut,

    /// <summary>An event that is no JSON.</summary>
    Malformed,

    /// <summary>Nothing more comes, and the connection stays.</summary>
    Hung,
}

/// <summary>A tool call, in words every dialect can translate.</summary>
public abstract record ScriptTool
{
    private ScriptTool()
    {
    }

    public sealed record Bash(string Command) : ScriptTool;

    public sealed record Write(string Path, string Text) : ScriptTool;

    public sealed record Edit(string Path, string Old, string New) : ScriptTool;

    public sealed record Read(string Path) : ScriptTool;

    public sealed record Ask(string Question, IReadOnlyList<string> Options) : ScriptTool;

    public sealed record Plan(string Text) : ScriptTool;

    public sealed record Todo(string Text) : ScriptTool;

    public sealed record Agent(string Prompt) : ScriptTool;

    /// <summary>Any tool by its own name with its own input.</summary>
    public sealed record Raw(string Name, string InputJson) : ScriptTool;
}
