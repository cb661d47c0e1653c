using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// What stands in two places is changed in one of them: six lines that are the same, one after the other, become one place with a name.
/// </summary>
public sealed partial class RepeatedCodeTests
{
    private const int RunLength = 6;

    /// <summary>
    /// Pairs of files that repeat each other for a reason. Nobody adds to this list without one: a shared method, type or base class comes
    /// first.
    /// </summary>
    private static readonly Dictionary<(string, string), string> s_meant = new()
    {
        [("Agents/Claude/ClaudeDriver.cs", "Agents/Codex/CodexDriver.cs")] =
            "what each agent can do is said in full, so that one can change without the other",
        [("Agents/Contract/AgentEvent.cs", "Protocol/Sessions/AgentEvents.cs")] =
            "the agents' words and the wire's are two layers; a test holds the map between them",
    };

    [Fact]
    public void No_two_places_share_six_lines()
    {
        var found = Runs(Sources()).Where(r => !s_meant.ContainsKey((r.First.File, r.Second.File)))
            .Select(r => $"{r.First.File}:{r.First.Line} = {r.Second.File}:{r.Second.Line}: {r.Text}");
        Assert.Empty(found);
    }

    [Fact]
    public void What_is_allowed_to_repeat_still_does()
    {
        var pairs = Runs(Sources()).Select(r => (r.First.File, r.Second.File)).ToHashSet();
        Assert.All(s_meant.Keys, m => Assert.Contains(m, pairs));
    }

    [Fact]
    public void A_run_is_found_whatever_its_indentation_and_the_braces_between_its_lines()
    {
        string[] one = ["a();", "b();", "{", "    c();", "}", "d();", "// why", "e();", "f();", "g();"];
        string[] other = ["x();", "b();", "c();", "    d();", "e();", "f();", "g();", "y();"];
        var run = Assert.Single(Runs([("one", one), ("other", other)]));
        Assert.Equal((("one", 2), ("other", 2)), (run.First, run.Second));
        Assert.Empty(Runs([("one", one), ("other", other[2..])]));
        Assert.Single(Runs([("one", [.. one, "between();", .. one])]));
    }

    /// <summary>Each pair of runs once, by its first lines.</summary>
    private static List<((string File, int Line) First, (string File, int Line) Second, string Text)> Runs(
        IEnumerable<(string Name, IReadOnlyList<string> Lines)> sources)
    {
        var lines = sources.ToDictionary(s => s.Name, s => Telling(s.Lines), StringComparer.Ordinal);
        var windows = lines
            .SelectMany(s => Enumerable.Range(0, Math.Max(0, s.Value.Count - RunLength + 1)).Select(i => (File: s.Key, Index: i)))
            .GroupBy(w => string.Join('\n', lines[w.File].Skip(w.Index).Take(RunLength).Select(l => l.Text)), StringComparer.Ordinal)
            .Where(g => g.Skip(1).Any());
        var found = new List<((string, int), (string, int), string)>();
        foreach (var window in windows)
        {
            var places = window.OrderBy(w => w.File, StringComparer.Ordinal).ThenBy(w => w.Index).ToList();
            found.AddRange(
                from i in Enumerable.Range(0, places.Count)
                from j in Enumerable.Range(i + 1, places.Count - i - 1)
                let a = places[i]
                let b = places[j]
                // else an earlier window found it
                where a.Index == 0 || b.Index == 0 || lines[a.File][a.Index - 1].Text != lines[b.File][b.Index - 1].Text
                select ((a.File, lines[a.File][a.Index].Number), (b.File, lines[b.File][b.Index].Number), lines[a.File][a.Index].Text));
        }

        return found;
    }

    /// <summary>
    /// The lines that say something, without their indentation: no braces, usings, namespaces, comments or attributes (an attribute may
    /// have several lines).
    /// </summary>
    private static List<(int Number, string Text)> Telling(IReadOnlyList<string> lines)
    {
        var telling = new List<(int, string)>();
        var inAttribute = false;
        for (var i = 0; i < lines.Count; i++)
        {
            var text = Space().Replace(lines[i].Trim(), " ");
            inAttribute |= text.StartsWith('[') && !text.StartsWith("[..", StringComparison.Ordinal);
            if (!inAttribute && !Silent().IsMatch(text))
            {
                telling.Add((i + 1, text));
            }

            inAttribute &= !text.EndsWith(']') && !text.EndsWith("],", StringComparison.Ordinal)
                && !text.EndsWith("];", StringComparison.Ordinal);
        }

        return telling;
    }

    private static IEnumerable<(string Name, IReadOnlyList<string> Lines)> Sources()
        => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Select(f => (Name: Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/')["PocketCoder.".Length..], File: f))
        .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal) && !f.Name.Contains("/Migrations/", StringComparison.Ordinal))
        .Select(f => (f.Name, (IReadOnlyList<string>)File.ReadAllLines(f.File)));

    [GeneratedRegex(@"\s+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Space();

    [GeneratedRegex(@"^(\W*|using [\w. =<>]+;|namespace [\w.]+;|//.*)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Silent();
}
