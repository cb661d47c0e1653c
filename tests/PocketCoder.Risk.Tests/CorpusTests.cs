using System.Reflection;
using System.Text;

namespace PocketCoder.Risks.Tests;

/// <summary>Commands written by hand with what must be said of them; the tables are in Corpus/.</summary>
public sealed class CorpusTests
{
    [Theory]
    [InlineData("reading.txt")]
    [InlineData("writing.txt")]
    [InlineData("reaching.txt")]
    public void Commands_get_the_tier_and_the_consequences_they_have(string table)
    {
        var failures = new StringBuilder();
        var count = 0;
        foreach (var line in Lines(table))
        {
            count++;
            var separator = line.IndexOf(":: ", StringComparison.Ordinal);
            var command = line[(separator + 3)..].Replace('␤', '\n').Replace('␍', '\r').Replace('␀', '\0').Replace('␢', '\u00a0')
                .Replace('␛', '\u001b');
            var expected = line[..separator].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            var risk = RiskAssessor.Assess(command, "/home/me/proj", "/home/me/proj", "/home/me");
            var said = string.Join(", ", risk.Consequences.Select(c => $"{Name(c.Kind)}={c.Subject}"));
            var head = $"{Letter(risk.Tier)}{(risk.Understood ? '+' : '-')}";
            if (head != expected[0])
            {
                failures.AppendLine($"{expected[0]} expected, {head} given: {line}\n      {said}");
            }

            foreach (var consequence in expected.Skip(1))
            {
                var parts = consequence.Split('=', 2);
                if (!risk.Consequences.Any(c => Name(c.Kind) == parts[0] && (parts.Length == 1 || c.Subject == parts[1])))
                {
                    failures.AppendLine($"{consequence} is missing: {line}\n      {said}");
                }
            }

            Assert.False(risk.Tier == RiskTier.Read && !risk.Understood, line);
            Assert.All(risk.Consequences, c => Assert.DoesNotContain(c.Sentence, ch => char.IsControl(ch) || ch == '\u202e'));
        }

        Assert.True(failures.Length == 0, failures.ToString());
        Assert.True(count > 100);
    }

    public static IEnumerable<string> Lines(string table)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(table)!);
        while (reader.ReadLine() is { } line)
        {
            if (!line.StartsWith('#') && line.Length > 0)
            {
                yield return line;
            }
        }
    }

    private static char Letter(RiskTier tier) => "RWOD"[(int)tier];

    private static string Name(ConsequenceKind kind) => char.ToLowerInvariant(kind.ToString()[0]) + kind.ToString()[1..];
}
