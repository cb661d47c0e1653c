using System.Text.RegularExpressions;
using PocketCoder.Testing;

namespace PocketCoder.Architecture.Tests;

/// <summary>A class in several files is one class: nobody sees all of its state at once. Only a generator needs a partial type.</summary>
public sealed class PartialTypeTests
{
    private static readonly Regex s_declaration = new(
        @"^(?<indent> *)(?!//)[^\n""]*\bpartial (class|record struct|record|struct|interface) (?<name>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(10));

    private static readonly Regex s_generator = new(
        @"\[(LoggerMessage|GeneratedRegex|LibraryImport|JsonSerializable)\b|\bJsonSerializerContext\b", RegexOptions.ExplicitCapture,
        TimeSpan.FromSeconds(10));

    [Fact]
    public void No_type_is_written_by_hand_in_more_than_one_file()
    {
        var several = Sources()
            .SelectMany(s => s_declaration.Matches(s.Text).Where(m => m.Groups["indent"].Length == 0)
                .Select(m => (s.Folder, Name: m.Groups["name"].Value)))
            .GroupBy(t => t)
            .Where(g => g.Count() > 1)
            .Select(g => $"{g.Key.Name} in {g.Count()} files");
        Assert.Empty(several);
    }

    [Fact]
    public void No_type_is_partial_without_a_generator_that_needs_it()
    {
        var byHand = Sources()
            .Where(s => !s_generator.IsMatch(s.Text))
            .SelectMany(s => s_declaration.Matches(s.Text).Select(m => m.Groups["name"].Value));
        Assert.Empty(byHand);
    }

    private static IEnumerable<(string Folder, string Text)> Sources()
        => Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Where(f => !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .Select(f => (Path.GetDirectoryName(f)!, File.ReadAllText(f)));
}
