using System.Text.Json;
using PocketCoder.Agents.Claude;

namespace PocketCoder.Agents.Tests.Claude;

public sealed class ClaudeFileChangeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pocketcoder-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("a b a", "b", "c", false, "a c a")]
    [InlineData("a b a", "a", "c", true, "c b c")]
    [InlineData("a b a", "a", "c", false, null)] // the program refuses: twice
    [InlineData("a b", "x", "c", false, null)]
    [InlineData("a\r\nb\r\n", "a", "c", false, null)] // it converts line ends both ways
    [InlineData("say “hi”", "hi", "yo", false, null)] // and quotes
    [InlineData("one\ntwo\n", "one", "", false, "two\n")] // a deletion takes the line's end along
    [InlineData("one two", "one ", "", false, "two")]
    [InlineData("", "", "new", false, "new")]
    [InlineData("x", "", "new", false, null)]
    [InlineData("$1", "$1", "$&", false, "$&")]
    public void An_edit_is_predicted_only_where_the_program_is_known_to_do_just_that(
        string before, string old, string replacement, bool all, string? after)
    {
        var file = Path.Combine(_folder.FullName, "a.txt");
        File.WriteAllText(file, before);
        using var input = JsonSerializer.SerializeToDocument(new Dictionary<string, object>
        { ["file_path"] = file, ["old_string"] = old, ["new_string"] = replacement, ["replace_all"] = all });
        var change = ClaudeFileChange.Predict("Edit", input.RootElement, _folder.FullName)!;
        Assert.Equal((before, after), (change.Change.Before, change.Change.After));
        Assert.True(change.IsStillTrue());
        File.AppendAllText(file, "!");
        Assert.False(change.IsStillTrue());
    }

    [Fact]
    public void A_link_shows_where_it_leads_and_counts_as_changed_when_it_is_turned()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "one"), "1");
        File.WriteAllText(Path.Combine(_folder.FullName, "two"), "1");
        var link = Path.Combine(_folder.FullName, "link");
        File.CreateSymbolicLink(link, "one");
        using var input = JsonDocument.Parse($$"""{"file_path":"{{link}}","content":"x"}""");
        var change = ClaudeFileChange.Predict("Write", input.RootElement, _folder.FullName)!;
        Assert.Equal(Path.Combine(_folder.FullName, "one"), change.Change.Path);
        File.Delete(link);
        File.CreateSymbolicLink(link, "two");
        Assert.False(change.IsStillTrue());
    }

    [Fact]
    public void What_is_no_text_is_not_shown_as_new()
    {
        File.WriteAllBytes(Path.Combine(_folder.FullName, "binary"), [0xff, 0xfe, 0x00]);
        File.WriteAllBytes(Path.Combine(_folder.FullName, "large"), new byte[1024 * 1024 + 1]);
        foreach (var name in new[] { "binary", "large", "." })
        {
            using var input = JsonDocument.Parse($$"""{"file_path":"{{Path.Combine(_folder.FullName, name)}}","content":"x"}""");
            Assert.Null(ClaudeFileChange.Predict("Write", input.RootElement, _folder.FullName));
        }
    }
}
