using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>What the compiler's own formatting rules (IDE0055) don't hold: the width of a line.</summary>
public sealed class FormatTests
{
    private const int Columns = 140;

    [Fact]
    public void A_line_is_at_most_140_columns_wide_unless_it_is_a_string()
    {
        var wide = new List<string>();
        foreach (var folder in (string[])["src", "tests", "bench"])
        {
            foreach (var file in Sources(folder))
            {
                wide.AddRange(Wide(File.ReadAllLines(file)).Select(line => $"{Path.GetRelativePath(Repository.Root, file)}:{line}"));
            }
        }

        Assert.Empty(wide);
    }

    [Fact]
    public void A_string_may_be_wider_and_code_beside_one_of_several_lines_may_not()
    {
        var wide = new string('x', Columns + 1);
        Assert.Equal([1], Wide([wide]));
        Assert.Empty(Wide([$"\"{wide}\""]));
        Assert.Empty(Wide(["var text = \"\"\"", wide, "    \"\"\";"]));
        Assert.Equal([4], Wide(["var text = \"\"\"", "short", "    \"\"\";", wide]));
    }

    private static IEnumerable<string> Sources(string folder)
        => Directory.EnumerateFiles(Repository.PathOf(folder), "*.cs", SearchOption.AllDirectories)
            .Where(f => !Path.GetRelativePath(Repository.Root, f).Contains("node_modules", StringComparison.Ordinal));

    /// <summary>Numbers of lines that are too wide: those without a string, outside of a raw string of several lines.</summary>
    private static IEnumerable<int> Wide(string[] lines)
    {
        var isInside = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            var quotes = line.Split("\"\"\"").Length - 1;
            if (line.Length > Columns
                && !isInside && !line.Contains('"', StringComparison.Ordinal) && !line.StartsWith("#pragma", StringComparison.Ordinal))
            {
                yield return i + 1;
            }

            isInside ^= quotes % 2 != 0;
        }
    }
}
