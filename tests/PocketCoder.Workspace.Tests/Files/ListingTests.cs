using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Workspace.Files;
using PocketCoder.Workspace.Watching;

namespace PocketCoder.Workspace.Tests.Files;

public sealed class ListingTests
{
    [Fact]
    public async Task Directories_come_first_then_names_by_their_bytes_with_all_that_a_browser_needs()
    {
        using var project = new TestProject();
        project.Add("zoo/x");
        project.Add("Beta.txt", "12345");
        project.Add("alpha.txt");
        project.Add(".hidden");
        project.Add(".env", "KEY=1");
        project.Add("logs/a.log");
        project.Add(".gitignore", "*.log\nlogs/\n");
        project.Add(".git/HEAD");
        project.Link("link-in", "zoo");
        project.Link("link-out", "../outside");
        var list = await project.ListAsync();
        Assert.Equal([".git", "logs", "zoo", ".env", ".gitignore", ".hidden", "Beta.txt", "alpha.txt", "link-in", "link-out"],
            list.Children.Select(c => c.Name));
        Assert.Equal((false, null), (list.Truncated, list.Cursor));
        var beta = list.Children.Single(c => c.Name == "Beta.txt");
        Assert.Equal((FsKind.File, 5L, false, false), (beta.Kind, beta.Size, beta.Ignored, beta.Secret));
        Assert.Equal([".git", "logs"], list.Children.Where(c => c.Ignored).Select(c => c.Name));
        Assert.Equal([".env"], list.Children.Where(c => c.Secret).Select(c => c.Name));
        Assert.Equal([FsKind.Dir, null], list.Children.Where(c => c.Kind == FsKind.Symlink).Select(c => c.Target));
        Assert.All((await project.ListAsync("logs")).Children, c => Assert.True(c.Ignored));
        Assert.Equal("link-in/x", Assert.Single((await project.ListAsync("link-in")).Children).Path);
        Assert.Equal(ErrorCode.NotADirectory, (await TestProject.RefusedAsync(() => project.ListAsync("Beta.txt"))).Code);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => project.ListAsync("nothing"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => project.ListAsync("", "no cursor"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => project.ListAsync("", null, 0))).Code);
    }

    [Fact]
    public async Task Pages_have_everything_once_in_order()
    {
        using var project = new TestProject();
        for (var i = 0; i < 57; i++)
        {
            project.Add(i % 3 == 0 ? $"folder{i}/x" : $"file{i}");
        }

        var all = (await project.ListAsync()).Children.Select(c => c.Name).ToList();
        var paged = new List<string>();
        string? cursor = null;
        do
        {
            var page = await project.ListAsync("", cursor, 10);
            Assert.True(page.Children.Count <= 10 && page.Truncated == (page.Cursor is not null));
            paged.AddRange(page.Children.Select(c => c.Name));
            cursor = page.Cursor;
        }
        while (cursor is not null);

        Assert.Equal(57, all.Count);
        Assert.Equal(all, paged);
    }

    [Fact]
    public async Task Strange_names_are_shown_and_lead_back_to_their_files()
    {
        using var project = new TestProject();
        await project.ShellAsync(
            """printf nl > "$(printf 'new\nline')"; printf raw > "$(printf 'bad\377name')"; printf dash > ./-rf; printf slash > 'back\slash'; printf bidi > "$(printf 'a\342\200\256b')"; mkdir "$(printf 'dir\377')"; printf in > "$(printf 'dir\377')/in" """);
        var list = (await project.ListAsync()).Children;
        Assert.Equal([@"dir\x{ff}", "-rf", @"a\u{202e}b", @"back\\slash", @"bad\x{ff}name", @"new\u{a}line"], list.Select(c => c.Name));
        Assert.Equal(["dash", "bidi", "slash", "raw", "nl"], list.Skip(1).Select(c => project.Read(c.Path).Content));
        Assert.Equal("in", project.Read(@"dir\x{ff}/in").Content);
        await project.WriteAsync(@"bad\x{ff}name", "again");
        Assert.Equal("again", project.Read(@"bad\x{ff}name").Content);
        var gone = await project.Files.DeleteAsync(new FsDeleteRequest(TestProject.Id, @"dir\x{ff}"), "t", project.Record);
        await project.Files.RestoreAsync(new FsRestoreRequest(TestProject.Id, gone.Item.TrashId), project.Record);
        Assert.Equal("in", project.Read(@"dir\x{ff}/in").Content);
    }

    [Fact]
    public async Task Git_s_marks_are_shown_when_somebody_can_tell()
    {
        using var project = new TestProject();
        project.Add("src/a.cs");
        project.Add("src/b.cs");
        var marked = new ProjectFiles(project.Options with
        {
            GitStatus = (folder, _) => ValueTask.FromResult<IReadOnlyDictionary<string, string>>(
                new Dictionary<string, string>(StringComparer.Ordinal) { [folder == "src" ? "b.cs" : "?"] = " M" }),
        });
        Assert.Equal([null, " M"],
            (await marked.ListAsync(new FsListRequest(TestProject.Id, "src"), CancellationToken.None)).Children.Select(c => c.GitStatus));
    }

    [Fact]
    public async Task A_hundred_thousand_files_are_listed_searched_and_watched()
    {
        using var project = new TestProject(under: Directory.Exists("/dev/shm") ? "/dev/shm" : null);
        for (var folder = 0; folder < 100; folder++)
        {
            Directory.CreateDirectory(project.PathOf($"d{folder}"));
        }

        Parallel.For(0, 90_000, i => File.OpenHandle(project.PathOf($"d{i % 100}/f{i}"), FileMode.CreateNew, FileAccess.Write).Dispose());
        Directory.CreateDirectory(project.PathOf("large"));
        Parallel.For(0, 10_001, i => File.OpenHandle(project.PathOf($"large/f{i:00000}"), FileMode.CreateNew, FileAccess.Write).Dispose());
        await File.WriteAllTextAsync(project.PathOf("d42/needle.txt"), "the needle");
        var first = await project.ListAsync("large");
        Assert.Equal((10_000, true, "f09999"), (first.Children.Count, first.Truncated, first.Children[^1].Name));
        var rest = await project.ListAsync("large", first.Cursor);
        Assert.Equal(("f10000", false), (Assert.Single(rest.Children).Name, rest.Truncated));
        var found = await project.Files.SearchAsync(new FsSearchRequest(TestProject.Id, "needle"), CancellationToken.None);
        Assert.Equal("d42/needle.txt", Assert.Single(found.Matches).Path);
        Assert.Equal("large/f10000", (await project.Files.SearchAsync(
            new FsSearchRequest(TestProject.Id, "f10000", FsSearchTarget.Names, "large"), CancellationToken.None)).Matches[0].Path);
        var told = new TaskCompletionSource<WatchEvent>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watch = new ProjectWatch(project.Options, e => told.TrySetResult(e));
        await watch.Ready;
        Assert.Null(watch.Warning);
        await File.AppendAllTextAsync(project.PathOf("d7/f7"), "x");
        Assert.Equal([new FsChange(FsChangeKind.Modify, "d7/f7")], (await told.Task.WaitAsync(Wait.Limit)).Changes);
    }
}
