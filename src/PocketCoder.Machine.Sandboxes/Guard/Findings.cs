using PocketCoder.Machine.Paths;


namespace PocketCoder.Machine.Guard;

/// <summary>What is done about a change.</summary>
public enum FindingKind
{
    /// <summary>It runs nothing by itself: the person is told.</summary>
    Notice,

    /// <summary>Other programs obey it: an alarm. A snapshot's undo brings back what was.</summary>
    Alarm,

    /// <summary>Git would run a program, or look at another repository: an alarm, and it is put back at once.</summary>
    PutBack,
}

/// <summary>A change of what decides which programs run by themselves.</summary>
/// <param name="Before">What was there; null: nothing.</param>
/// <param name="What">In words, without the path.</param>
public sealed record Finding(FindingKind Kind, TreePath Path, FileState? Before, string What)
{
    /// <summary>What became of putting it back; null: that was not tried.</summary>
    public string? Done { get; init; }

    public string Sentence => $"{(Path.Raw.Length == 0 ? "the project" : Path.Shown)}: {What}{(Done is null ? "" : $"; {Done}")}";
}

/// <summary>What was found when a command ended.</summary>
public sealed record GuardReport(IReadOnlyList<Finding> Findings)
{
    private const int Shown = 5;

    public static GuardReport Nothing { get; } = new([]);

    /// <summary>For the ledger, people and the agent; null: nothing to be alarmed about.</summary>
    public string? Alarm => Text(
        Findings.Where(f => f.Kind != FindingKind.Notice),
        "While something ran that was not allowed to, files changed by which git or other programs run something by themselves. ");

    /// <summary>For the agent: why what it did is not there any more; null: nothing was put back.</summary>
    public string? ForAgent => Findings.Where(f => f.Kind == FindingKind.PutBack).Select(f => $"{f.Path.Shown} ({f.What})")
        .Distinct(StringComparer.Ordinal).Take(Shown).ToList() is { Count: > 0 } back
        ? $"[Restored, and the user was told: {string.Join("; ", back)}. Files that make git run programs are changed only when the command names them and the user allows it.]"
        : null;

    /// <summary>For people; null: nothing.</summary>
    public string? Notice => Text(Findings.Where(f => f.Kind == FindingKind.Notice), "");

    /// <summary>Paths that are told as an alarm, as <see cref="TreePath"/> has them.</summary>
    public IReadOnlySet<string> Alarmed
        => Findings.Where(f => f.Kind != FindingKind.Notice).Select(f => f.Path.Raw).ToHashSet(StringComparer.Ordinal);

    private static string? Text(IEnumerable<Finding> findings, string begin)
    {
        var all = findings.Select(f => f.Sentence).Distinct(StringComparer.Ordinal).ToList();
        return all.Count == 0 ? null
            : $"{begin}{string.Join(". ", all.Take(Shown))}{(all.Count > Shown ? $", and {all.Count - Shown} more" : "")}.";
    }
}
