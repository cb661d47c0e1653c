using PocketCoder.Protocol;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Tests.Searching;

public sealed class SearchTests
{
    private static Task<FsSearchResponse> SearchAsync(
        TestProject project, string query, FsSearchTarget target = FsSearchTarget.Content, string path = "", bool regex = false,
        bool exact = false, bool ignored = false, int limit = 200)
        => project.Files.SearchAsync(
            new FsSearchRequest(TestProject.Id, query, target, path, regex, exact, ignored, limit), CancellationToken.None);

    private static TestProject Make(string? ripgrep = null)
    {
        var project = new TestProject(ripgrep: ripgrep);
        project.Add("src/a.cs", "one\nTwo needle here\r\nthree NEEDLE\n");
        project.Add("src/deep/b.cs", "needle");
        project.Add("node_modules/m.js", "needle");
        project.Add("out/x.log", "needle");
        project.Add(".gitignore", "out/\n");
        project.Add(".env", "needle=secret");
        project.Add(".git/config", "needle");
        File.WriteAllBytes(project.PathOf("binary"), "needle\0"u8.ToArray());
        project.Link("link", "../outside");
        return project;
    }

    [Fact]
    public async Task Lines_are_found_where_people_look_and_nowhere_else()
    {
        using var project = Make();
        var found = await SearchAsync(project, "needle");
        Assert.Equal([("src/a.cs", 2, 4), ("src/a.cs", 3, 6), ("src/deep/b.cs", 1, 0)],
            found.Matches.Select(m => (m.Path, m.Line!.Value, m.Start)));
        Assert.Equal(("Two needle here", FsSearchEnd.Complete, "own"), (found.Matches[0].Text, found.End, found.Engine));
        Assert.Equal(2, (await SearchAsync(project, "needle", exact: true)).Matches.Count);
        Assert.Equal(["node_modules/m.js", "out/x.log", "src/a.cs", "src/a.cs", "src/deep/b.cs"],
            (await SearchAsync(project, "needle", ignored: true)).Matches.Select(m => m.Path));
        Assert.Equal(["src/deep/b.cs"], (await SearchAsync(project, "needle", path: "src/deep")).Matches.Select(m => m.Path));
        Assert.Equal([("src/a.cs", 2), ("src/a.cs", 3)],
            (await SearchAsync(project, "^t(wo|hree) n", regex: true)).Matches.Select(m => (m.Path, m.Line!.Value)));
        Assert.Equal(["src/deep", "src/deep/b.cs"], (await SearchAsync(project, "DEEP", FsSearchTarget.Names)).Matches.Select(m => m.Path));
        Assert.Equal([".env"], (await SearchAsync(project, ".env", FsSearchTarget.Names)).Matches.Select(m => m.Path));
        var limited = await SearchAsync(project, "needle", limit: 1);
        Assert.Equal((1, FsSearchEnd.Limit), (limited.Matches.Count, limited.End));
        Assert.Empty((await SearchAsync(project, "outside of the project")).Matches);
    }

    [Fact]
    public async Task Queries_that_are_none_are_refused()
    {
        using var project = Make();
        foreach (var query in (string[])["", "a\nb", new string('x', FileLimits.QueryLength + 1)])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => SearchAsync(project, query))).Code);
        }

        foreach (var query in (string[])["(", "(?=x)", @"(a)\1", "[z-a]", "((a{1000}){1000}){1000}"])
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => SearchAsync(project, query, regex: true))).Code);
        }

        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => SearchAsync(project, "x", limit: 0))).Code);
        Assert.Equal(ErrorCode.OutsideProjectRoot, (await TestProject.RefusedAsync(() => SearchAsync(project, "x", path: "link"))).Code);
    }

    [Fact]
    public async Task A_search_ends_when_its_time_is_over()
    {
        using var project = Make();
        var files = new ProjectFiles(project.Options with { SearchTime = TimeSpan.Zero });
        Assert.Equal(FsSearchEnd.Time,
            (await files.SearchAsync(new FsSearchRequest(TestProject.Id, "needle"), CancellationToken.None)).End);
    }

    [Fact]
    public async Task What_ripgrep_names_is_a_hint_and_nothing_outside_or_secret_is_shown_by_it()
    {
        using var scripts = new TestProject();
        var lying = scripts.PathOf(scripts.Add("rg", """
            #!/bin/sh
            printf './src/a.cs\0./link/secret.txt\0../outside/secret.txt\0/etc/passwd\0./.env\0./.git/config\0./none\0./src/../../outside/secret.txt\0./binary\0'
            """));
        File.SetUnixFileMode(lying, (UnixFileMode)0b111_101_101);
        using var project = Make(lying);
        var found = await SearchAsync(project, "e");
        Assert.Equal("ripgrep", found.Engine);
        Assert.All(found.Matches, m => Assert.Equal("src/a.cs", m.Path));
        Assert.Equal(3, found.Matches.Count);
        using var without = Make(scripts.PathOf("no-rg"));
        Assert.Equal("own", (await SearchAsync(without, "needle")).Engine);
    }

    [Fact]
    public async Task Ripgrep_where_there_is_one_finds_what_we_find()
    {
        var rg = PocketCoder.Processes.Executables.Find("rg", "/usr/local/bin:/usr/bin:/bin");
        Assert.SkipWhen(rg is null, "there is no ripgrep on this machine");
        using var project = Make(rg);
        Assert.Equal([("src/a.cs", 2), ("src/a.cs", 3), ("src/deep/b.cs", 1)],
            (await SearchAsync(project, "needle")).Matches.Select(m => (m.Path, m.Line!.Value)));
    }

    [Fact]
    public async Task No_content_and_no_query_makes_a_search_fail_or_tell_a_place_that_is_none()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var project = new TestProject();
        string[] alphabet = ["a", "A", "b", "\n", "\r", "\t", "é", "日", "😀", ".", "*", "(", "|", ")", "+", "[", "]"];
        string Text(int most) => string.Concat(
            Enumerable.Range(0, random.Next(1, most)).Select(_ => alphabet[random.Next(alphabet.Length)]));
        for (var i = 0; i < 8; i++)
        {
            await File.WriteAllTextAsync(project.PathOf($"{i}"), Text(600) + "needle" + Text(900));
        }

        var raw = new byte[5000];
        random.NextBytes(raw);
        await File.WriteAllBytesAsync(project.PathOf("raw"), [.. raw.Where(b => b != 0)]);
        for (var i = 0; i < 300; i++)
        {
            try
            {
                var found = await SearchAsync(project, Text(6), regex: random.Next(2) == 0, exact: random.Next(2) == 0);
                Assert.All(found.Matches, m => Assert.True(m.Start >= 0 && m.Length >= 0 && m.Start + m.Length <= m.Text.Length
                    && m.Text.Length <= 302 && m.Line > 0 && !m.Text.Contains('\n', StringComparison.Ordinal)));
            }
            catch (WorkspaceException e)
            {
                Assert.Equal(ErrorCode.InvalidRequest, e.Code);
            }
        }

        Assert.Equal(8, (await SearchAsync(project, "NEEDLE")).Matches.Count(m => m.Path != "raw"));
    }
}
