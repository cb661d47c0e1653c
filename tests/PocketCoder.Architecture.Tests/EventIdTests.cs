using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>An event id names one message of the log: who filters or counts by it finds that message and no other.</summary>
public sealed partial class EventIdTests
{
    [Fact]
    public void Every_log_message_has_an_event_id_of_its_own()
    {
        var messages = Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => (Name: Path.GetRelativePath(Repository.PathOf("src"), f).Replace('\\', '/'), File: f))
            .Where(f => !f.Name.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(f => Message().Matches(File.ReadAllText(f.File)).Select(m => (f.Name, Id: m.Groups["id"].Value, Text: m.Value)))
            .ToList();
        Assert.True(messages.Count > 50); // the pattern finds them
        Assert.Empty(messages.Where(m => m.Id.Length == 0).Select(m => $"{m.Name}: {m.Text} has no EventId"));
        Assert.Empty(messages.GroupBy(m => m.Id, StringComparer.Ordinal).Where(g => g.Skip(1).Any())
            .Select(g => $"{g.Key}: {string.Join(", ", g.Select(m => m.Name))}"));
    }

    [GeneratedRegex(@"\[LoggerMessage\((EventId = (?<id>\d+))?", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex Message();
}
