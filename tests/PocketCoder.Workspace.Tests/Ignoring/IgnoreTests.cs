using System.Text;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Ignoring;

namespace PocketCoder.Workspace.Tests.Ignoring;

/// <summary>The rules of .gitignore, held against git itself.</summary>
public sealed class IgnoreTests
{
    private static readonly string[] s_patterns =
    [
        "*.log", "!keep.log", "/build", "build/", "a/b", "a/**", "**/b", "a/**/c", "*", "!*/", "!*.c", "/*", "!/a", "b*", "?", "[ab]",
        "[!a]", "[^b]c", "[a-c].log", "**", "**/", "a/*", "a/*/c", "/a/b/", "\\!x", "\\#y", "# comment", "x ", "x\\ ",
        "[[:alpha:]]", "[]a]", "[a", "a**", "**a", "a**/b", "/**/c", "*/b", "c/", "!c", "*.", ".*", "!.gitignore", "a\\b", "", "  ", "/",
        "!", "*b*c*", "[a-", "\\*", "a/", "!a/", "a/b/**", "!a/b/c", "[a\\]b]", "a?c",
    ];

    private static readonly string[] s_names = ["a", "b", "c", "x", "build", "keep.log", "a.log", "b.c", "abc", ".d", "!x", "#y", "bb"];

    [Fact]
    public async Task Every_mark_is_the_one_that_git_gives()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string Rules() => string.Join('\n', Enumerable.Range(0, random.Next(1, 7)).Select(_ => s_patterns[random.Next(s_patterns.Length)]))
            + (random.Next(2) == 0 ? "\n" : "");
        for (var round = 0; round < 12; round++)
        {
            using var project = new TestProject();
            for (var i = 0; i < 60; i++)
            {
                var names = Enumerable.Range(0, random.Next(1, 5)).Select(_ => s_names[random.Next(s_names.Length)]).ToArray();
                var parents = Enumerable.Range(1, names.Length - 1).Select(n => string.Join('/', names[..n]));
                var path = string.Join('/', names);
                if (!Directory.Exists(project.PathOf(path)) && !parents.Any(p => File.Exists(project.PathOf(p))))
                {
                    project.Add(path);
                }
            }

            project.Add(".gitignore", Rules());
            foreach (var folder in Directory.EnumerateDirectories(project.Path, "*", SearchOption.AllDirectories)
                .Where(_ => random.Next(4) == 0))
            {
                await File.WriteAllTextAsync(Path.Combine(folder, ".gitignore"), Rules());
            }

            await project.ShellAsync("git init -q");
            await File.WriteAllTextAsync(project.PathOf(".git/info/exclude"), Rules());
            var all = Directory.EnumerateFileSystemEntries(project.Path, "*", SearchOption.AllDirectories)
                .Select(p => Path.GetRelativePath(project.Path, p))
                .Where(p => p != ".git" && !p.StartsWith(".git/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToList();
            await File.WriteAllTextAsync(project.In("paths"), string.Concat(all.Select(p => p + "\0")));
            var said = await TestProject.ShellAsync(
                project.Path, "git check-ignore -z --no-index --stdin < ../paths | tr '\\0' '\\n' || true");
            var ignored = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).ToHashSet(StringComparer.Ordinal);
            using var root = ProjectRoot.Open(project.Path);
            foreach (var path in all)
            {
                var raw = ProjectPath.Of(Encoding.UTF8.GetBytes(path));
                var ours = IgnoreScope.Of(root, raw.Parent).IsIgnored(raw, Directory.Exists(project.PathOf(path)));
                Assert.True(ours == ignored.Contains(path), $"{path}: git says {ignored.Contains(path)}. {Explain(project)}");
            }
        }
    }

    [Fact]
    public void No_pattern_takes_long_or_throws()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        const string Alphabet = "ab*?[]!^-\\/:. #";
        string Text(int most) => new([.. Enumerable.Range(0, random.Next(most)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
        for (var i = 0; i < 30_000; i++)
        {
            var rules = IgnoreRules.Parse(Encoding.Latin1.GetBytes(Text(40).Replace(' ', '\n')));
            _ = rules?.IsIgnored(Text(20).Trim('/'), random.Next(2) == 0);
        }

        // Without a memory of what failed, these would not end.
        var slow = IgnoreRules.Parse(Encoding.ASCII.GetBytes(
            string.Concat(Enumerable.Repeat("*a", 100)) + "c\n" + string.Concat(Enumerable.Repeat("**/a/", 100)) + "b"))!;
        Assert.Null(slow.IsIgnored(new string('a', 500), folder: false));
        Assert.Null(slow.IsIgnored(string.Concat(Enumerable.Repeat("a/", 200)) + "x", folder: false));
    }

    private static string Explain(TestProject project) => string.Join(
        " | ",
        Directory.EnumerateFiles(project.Path, ".gitignore", SearchOption.AllDirectories).Append(project.PathOf(".git/info/exclude"))
            .Select(f => $"{Path.GetRelativePath(project.Path, f)}: {File.ReadAllText(f).Replace("\n", "⏎", StringComparison.Ordinal)}"));
}
