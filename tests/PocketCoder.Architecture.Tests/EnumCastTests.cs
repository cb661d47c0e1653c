using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>
/// A value of one enum becomes one of another by a <c>switch</c> that names each: a cast goes by position, and says something else as soon
/// as one of the two lists gets a new value in its middle.
/// </summary>
public sealed partial class EnumCastTests
{
    /// <summary>Casts from numbers, each with its reason.</summary>
    private static readonly string[] s_fromNumbers =
    [
        "Channel/Transport/FrameKind.cs: (FrameKind)frame[0]", // a byte of the wire, in the range that was just checked
        "Risk/Walking/Report.cs: (RiskTier)Math.Max((int)_tier, (int)RiskTier.WorkspaceWrite)", // the higher of two values of the same enum
    ];

    [Fact]
    public void No_enum_is_made_from_another_by_its_position()
    {
        var sources = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => (Name: Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/')["PocketCoder.".Length..], File: f))
            .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal))
            .Select(f => (f.Name, Lines: File.ReadAllLines(f.File)))
            .ToList();
        var enums = sources.SelectMany(s => s.Lines).SelectMany(l => Declaration().Matches(l)).Select(m => m.Groups["name"].Value)
            .Distinct(StringComparer.Ordinal);
        var cast = new Regex($@"(?<![\w>\]])\(({string.Join('|', enums)})\??\)[\w(]", RegexOptions.ExplicitCapture,
            TimeSpan.FromSeconds(10));
        var found = sources.SelectMany(s => s.Lines.Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal) && cast.IsMatch(l))
            .Select(l => (s.Name, Line: l.Trim())));
        Assert.Empty(found
            .Where(f => !Array.Exists(s_fromNumbers, a => a.Split(": ", 2) is [var name, var text] && f.Name == name
                && f.Line.Contains(text, StringComparison.Ordinal)))
            .Select(f => $"{f.Name}: {f.Line}"));
    }

    [GeneratedRegex(@"^\s*(public |internal |private )enum (?<name>\w+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Declaration();
}
