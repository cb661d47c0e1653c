using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>Every claim of docs/threat-model.md names a test, and every test that it names is there.</summary>
public sealed partial class ThreatModelTests
{
    [Fact]
    public void Every_claim_names_tests_that_are_there()
    {
        var classes = Directory.EnumerateFiles(Repository.PathOf("tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Repository.PathOf("tests"), f).Replace('\\', '/').Split('/'))
            .Select(p => $"{p[0]["PocketCoder.".Length..]}/{Path.GetFileNameWithoutExtension(p[^1])}")
            .ToHashSet(StringComparer.Ordinal);
        var scripts = Directory.EnumerateFiles(Repository.PathOf("app/src"), "*.test.ts", SearchOption.AllDirectories)
            .Select(f => $"app/{Path.GetFileName(f)}");
        classes.UnionWith(scripts);

        var text = File.ReadAllText(Repository.PathOf("docs/threat-model.md"));
        var claims = text[..text.IndexOf("## What is not protected", StringComparison.Ordinal)]
            .Split('\n')
            .Where(l => l.StartsWith("| ", StringComparison.Ordinal) && !l.StartsWith("| claim |", StringComparison.Ordinal))
            .Select(l => l.Split('|', StringSplitOptions.TrimEntries))
            .ToList();
        Assert.True(claims.Count > 40, "the tables of claims were not found");
        Assert.All(claims, cells =>
        {
            var named = TestName().Matches(cells[2]).Select(m => m.Groups["name"].Value).ToList();
            Assert.True(named.Count > 0, $"names no test: {cells[1]}");
            Assert.Empty(named.Except(classes, StringComparer.Ordinal));
        });
    }

    [GeneratedRegex(@"`(?<name>([A-Za-z.]+\.Tests/[A-Za-z]+Tests)|(app/[a-z-]+\.test\.ts))`", RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex TestName();
}
