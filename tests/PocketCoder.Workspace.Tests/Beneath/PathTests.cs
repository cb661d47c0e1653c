using System.Text;
using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Tests.Beneath;

public sealed class PathTests
{
    [Theory]
    [InlineData("a b.txt", "a b.txt")]
    [InlineData("日本/é.cs", "日本/é.cs")]
    [InlineData(@"back\slash", @"back\\slash")]
    [InlineData("new\nline", @"new\u{a}line")]
    [InlineData("bidi\u202Egnp.exe", @"bidi\u{202e}gnp.exe")]
    [InlineData("zero\u200Bwidth", @"zero\u{200b}width")]
    [InlineData("-rf", "-rf")]
    [InlineData("\u001b[2J", @"\u{1b}[2J")]
    [InlineData("no\u00A0break", @"no\u{a0}break")]
    public void A_name_is_written_so_that_it_can_be_shown_and_leads_back(string name, string wire)
    {
        var path = ProjectPath.Of(Encoding.UTF8.GetBytes(name));
        Assert.Equal(wire, path.Wire);
        Assert.Equal(path, ProjectPath.Parse(wire));
        Assert.Equal(path, name.Contains('\\', StringComparison.Ordinal) ? path : ProjectPath.Parse(name)); // and so does the name itself
    }

    [Fact]
    public void Bytes_that_are_no_text_are_kept()
    {
        Assert.Equal(@"bad\x{ff}.cs", ProjectPath.Of([(byte)'b', (byte)'a', (byte)'d', 0xFF, (byte)'.', (byte)'c', (byte)'s']).Wire);
        Assert.Equal("bad\u00ff.cs", ProjectPath.Parse(@"bad\x{ff}.cs").Raw);
    }

    [Fact]
    public void Any_bytes_lead_back_to_themselves_and_show_nothing_hidden()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var likely = Encoding.UTF8.GetBytes("ab\\x{}u.é\u202e\u200b\U0001F600\n\t -~");
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(1, 24)];
            random.NextBytes(bytes);
            for (var j = 0; j < bytes.Length; j++)
            {
                bytes[j] = random.Next(3) > 0 ? likely[random.Next(likely.Length)] : bytes[j] is 0 or (byte)'/' ? (byte)'a' : bytes[j];
            }

            var path = ProjectPath.Of(bytes);
            if (path.Raw is "." or "..")
            {
                continue;
            }

            Assert.Equal(path, ProjectPath.Parse(path.Wire));
            Assert.DoesNotContain(path.Wire.EnumerateRunes(), r => !PathText.IsPlain(r));
        }
    }

    [Fact]
    public void No_text_makes_a_path_that_leaves_its_folder()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] parts = ["..", ".", "/", "//", "a", @"\", @"\\", @"\x{2f}", @"\x{2e}", @"\u{2e}", @"\u{2f}", @"\x{0}", "\0", "%2e",
            "\ud800", "{", "}", " ", @"\x{", ":", "~"];
        for (var i = 0; i < 50_000; i++)
        {
            var wire = string.Concat(Enumerable.Range(0, random.Next(1, 8)).Select(_ => parts[random.Next(parts.Length)]));
            ProjectPath path;
            try
            {
                path = ProjectPath.Parse(wire);
            }
            catch (WorkspaceException e)
            {
                Assert.True(e.Code is ErrorCode.InvalidRequest or ErrorCode.OutsideProjectRoot);
                continue;
            }

            Assert.All(path.Names, n => Assert.True(n is not ("" or "." or "..") && !n.Contains('\0', StringComparison.Ordinal)));
            Assert.Equal(path, ProjectPath.Parse(path.Wire));
        }
    }

    [Theory]
    [InlineData(".git", true)]
    [InlineData(".GIT", true)]
    [InlineData(".Git", true)]
    [InlineData(".git.", true)]
    [InlineData(".git ", true)]
    [InlineData("git~1", true)]
    [InlineData("GIT~1", true)]
    [InlineData(".g\u200cit", true)]
    [InlineData(".git\uFEFF", true)]
    [InlineData(".git::$INDEX_ALLOCATION", true)]
    [InlineData(".gitignore", false)]
    [InlineData(".github", false)]
    [InlineData("git", false)]
    [InlineData("x.git", false)]
    public void What_some_file_system_takes_for_git_s_folder_is_it(string name, bool isGit)
        => Assert.Equal(isGit, GitFolder.Is(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(name))));
}
