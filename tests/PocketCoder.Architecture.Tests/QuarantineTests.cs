using System.Globalization;
using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>Tests in quarantine (docs/testing.md) are few, have a reason, and do not stay there.</summary>
public sealed partial class QuarantineTests
{
    private const int Most = 10;
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(14);

    [Fact]
    public void Few_tests_are_in_quarantine_each_with_a_reason_and_none_for_long()
    {
        var entries = Directory.EnumerateFiles(Repository.PathOf("tests"), "*Tests.cs", SearchOption.AllDirectories)
            .SelectMany(f => Entry().Matches(File.ReadAllText(f)).Select(m => (File: Path.GetFileName(f), Said: m.Groups["said"].Value)))
            .ToList();
        Assert.True(entries.Count <= Most, $"{entries.Count} tests are in quarantine; at most {Most} may be");
        Assert.All(entries, e => Assert.Null(Fault(e.Said, TimeProvider.System.GetUtcNow())));
    }

    [Theory]
    [InlineData("2026-11-24 the port's owner can't be read at once", null)]
    [InlineData("2026-11-10 the port's owner can't be read at once", null)]
    [InlineData("2026-11-09 the port's owner can't be read at once", "is in quarantine for more than 14 days")]
    [InlineData("2026-11-26 the port's owner can't be read at once", "is of a day to come")]
    [InlineData("2026-11-24 luck", "has no reason that helps")]
    [InlineData("the port's owner can't be read at once", "does not begin with its day")]
    public void A_date_and_a_reason_are_asked_for(string said, string? fault)
        => Assert.Equal(fault, Fault(said, new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero)));

    private static string? Fault(string said, DateTimeOffset now)
    {
        var words = said.Split(' ', 2);
        if (!DateTimeOffset.TryParseExact(words[0], "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var day))
        {
            return "does not begin with its day";
        }

        var age = now.Date - day.Date;
        return age > s_longest ? "is in quarantine for more than 14 days"
            : age < TimeSpan.FromDays(-1) ? "is of a day to come"
            : words.Length < 2 || words[1].Length < 20 ? "has no reason that helps"
            : null;
    }

    [GeneratedRegex("""^\s*\[Trait\("Quarantined", "(?<said>[^"]*)"\)\]""", RegexOptions.ExplicitCapture | RegexOptions.Multiline,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Entry();
}
