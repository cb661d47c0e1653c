using System.Collections.Immutable;
using PocketCoder.Risks.Shell;
using PocketCoder.Risks.Words;

namespace PocketCoder.Risks.Walking;

/// <summary>What a shell would know at one point of the script.</summary>
/// <param name="Folders">Where it may be; null when that isn't known.</param>
/// <param name="Variables">Only those with one known value.</param>
/// <param name="Functions">Certain: defined on every way that leads here.</param>
internal sealed record ShellState(
    IReadOnlyList<string>? Folders,
    ImmutableDictionary<string, Arg> Variables,
    ImmutableDictionary<string, (Node Body, bool Certain)> Functions)
{
    private const int MaxFolders = 6;

    public static ShellState At(string folder)
        => new([folder], ImmutableDictionary<string, Arg>.Empty, ImmutableDictionary<string, (Node, bool)>.Empty);

    /// <summary>What holds on both ways; null is a way that is never taken.</summary>
    public static ShellState? Join(ShellState? a, ShellState? b)
    {
        if (a is null || b is null || ReferenceEquals(a, b))
        {
            return a ?? b;
        }

        IReadOnlyList<string>? folders = a.Folders is null
            || b.Folders is null ? null : [.. a.Folders.Union(b.Folders, StringComparer.Ordinal)];
        var variables = a.Variables.Where(v => b.Variables.TryGetValue(v.Key, out var other) && other == v.Value).ToImmutableDictionary();
        var functions = a.Functions;
        foreach (var (name, theirs) in b.Functions)
        {
            functions = functions.SetItem(name, (theirs.Body, theirs.Certain && a.Functions.TryGetValue(name, out var ours) && ours.Certain
                && ReferenceEquals(ours.Body, theirs.Body)));
        }

        foreach (var (name, ours) in a.Functions)
        {
            if (!b.Functions.ContainsKey(name))
            {
                functions = functions.SetItem(name, (ours.Body, false));
            }
        }

        return new ShellState(folders is { Count: > MaxFolders } ? null : folders, variables, functions);
    }
}

/// <summary>The states after success and after failure; null where that can't be.</summary>
internal readonly record struct Outcome(ShellState? Ok, ShellState? Fail)
{
    public static Outcome Either(ShellState state) => new(state, state);

    public ShellState? Any => ShellState.Join(Ok, Fail);
}

/// <summary>Where a command's standard input comes from.</summary>
internal enum Input
{
    Inherited,
    Pipe,
    File,

    /// <summary>A here-document or here-string.</summary>
    Text,
}

/// <param name="Via">Wrappers around the command, outermost first.</param>
/// <param name="Text">With <see cref="Input.Text"/>: what is read, when it is known.</param>
/// <param name="File">With <see cref="Input.File"/>: which one.</param>
internal sealed record Context(Input Input, string? Text, ImmutableArray<string> Via, int Depth, Arg? File = null)
{
    public static readonly Context Top = new(Input.Inherited, null, [], 0);

    public Context Inside(string wrapper) => this with { Via = Via.Add(wrapper), Depth = Depth + 1 };
}
