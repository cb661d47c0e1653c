using System.Collections.Concurrent;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Workspace.Watching;

namespace PocketCoder.Workspace.Tests.Watching;

/// <summary>A real project that is really watched: with inotify, and by looking again and again.</summary>
public sealed class WatchTests
{
    private sealed class Ear : IDisposable
    {
        private readonly ConcurrentQueue<WatchEvent> _events = new();
        private readonly ProjectWatch _watch;

        public Ear(TestProject project, int mostFolders = 50_000)
            => _watch = new ProjectWatch(project.Options, _events.Enqueue, mostFolders);

        public ProjectWatch Watch => _watch;

        public IEnumerable<WatchEvent> Events => _events;

        /// <summary>The last that was said of each path.</summary>
        public Dictionary<string, FsChangeKind> Said
        {
            get
            {
                var said = new Dictionary<string, FsChangeKind>(StringComparer.Ordinal);
                foreach (var change in _events.SelectMany(e => e.Changes))
                {
                    said[change.Path] = change.Kind;
                }

                return said;
            }
        }

        public Task HearAsync(FsChangeKind kind, string path) => Wait.UntilAsync(
            () => Said.TryGetValue(path, out var said) && said == kind, $"{kind} {path}; heard {string.Join(", ", Said)}");

        public Task ResetAsync(int times = 1)
            => Wait.UntilAsync(() => _events.Count(e => e.Truncated) >= times, "a word that more changed");

        public void Dispose() => _watch.Dispose();
    }

    public static TheoryData<int> Both => [50_000, 1];

    private static async Task<Ear> ListenAsync(TestProject project, int mostFolders = 50_000)
    {
        var ear = new Ear(project, mostFolders);
        await ear.Watch.Ready.WaitAsync(Wait.Limit);
        return ear;
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Whatever_is_made_changed_moved_or_taken_away_is_told_and_what_is_ignored_is_not(int mostFolders)
    {
        using var project = new TestProject();
        project.Add("src/app.ts");
        project.Add("src/old.ts");
        project.Add("src/deep/inner.ts");
        project.Add("node_modules/m/x.js");
        project.Add("dist/x.js");
        project.Add("out/x");
        project.Add(".gitignore", "out/\n*.log\n");
        project.Add(".git/HEAD");
        using var ear = await ListenAsync(project, mostFolders);
        Assert.Equal(mostFolders == 1, ear.Watch.Warning is not null);
        project.Add("src/new.ts");
        project.Add("src/app.ts", "changed content");
        File.Delete(project.PathOf("src/old.ts"));
        project.Add("fresh/a/b/c.ts");
        foreach (var path in (string[])["node_modules/m/y.js", "dist/y.js", "out/y", "src/x.log", ".git/index", "build/z", ".next/z",
            ".pocketcoder-1.tmp"])
        {
            project.Add(path);
        }

        await ear.HearAsync(FsChangeKind.Create, "src/new.ts");
        await ear.HearAsync(FsChangeKind.Modify, "src/app.ts");
        await ear.HearAsync(FsChangeKind.Delete, "src/old.ts");
        await ear.HearAsync(FsChangeKind.Create, "fresh/a/b/c.ts");
        File.Move(project.PathOf("src/app.ts"), project.PathOf("src/renamed.ts"));
        Directory.Move(project.PathOf("src/deep"), project.PathOf("moved"));
        await ear.HearAsync(FsChangeKind.Delete, "src/app.ts");
        await ear.HearAsync(FsChangeKind.Create, "src/renamed.ts");
        await ear.HearAsync(FsChangeKind.Delete, "src/deep");
        await ear.HearAsync(FsChangeKind.Create, "moved/inner.ts");
        await project.WriteAsync("moved/inner.ts", "written by us, with a new file in its place");
        await ear.HearAsync(FsChangeKind.Modify, "moved/inner.ts");
        project.Add("moved/late.ts");
        await ear.HearAsync(FsChangeKind.Create, "moved/late.ts");
        Assert.DoesNotContain(ear.Said.Keys, p => p.Contains("node_modules", StringComparison.Ordinal)
            || p.StartsWith("dist", StringComparison.Ordinal) || p.StartsWith("out", StringComparison.Ordinal)
            || p.EndsWith(".log", StringComparison.Ordinal) || p.StartsWith(".git/", StringComparison.Ordinal) || p is ".git"
            || p.StartsWith("build", StringComparison.Ordinal) || p.StartsWith(".next", StringComparison.Ordinal)
            || p.Contains("pocketcoder", StringComparison.Ordinal));
        Assert.All(ear.Events, e => Assert.Equal(mostFolders == 1, e.Warning is not null));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task A_folder_that_is_gone_is_told_and_waited_for(int mostFolders)
    {
        using var project = new TestProject();
        project.Add("a.txt");
        project.Add("d/x");
        using var ear = await ListenAsync(project, mostFolders);
        Directory.Move(project.Path, project.Path + "-away");
        await ear.HearAsync(FsChangeKind.Delete, "");
        var before = ear.Events.Count(e => e.Truncated);
        Directory.CreateDirectory(project.Path + "-new/d");
        Directory.Move(project.Path + "-new", project.Path); // at once, so that there is one way to watch it
        await ear.ResetAsync(before + 1);
        project.Add("d/again.txt");
        await ear.HearAsync(FsChangeKind.Create, "d/again.txt");
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task What_git_is_told_in_a_terminal_is_told_and_no_file_is_said_to_have_changed(int mostFolders)
    {
        using var project = new TestProject();
        project.Add("a.txt");
        using var ear = await ListenAsync(project, mostFolders);
        foreach (var line in (string[])["git init -q", "git add a.txt", "git -c user.name=a -c user.email=a@b commit -q -m one",
            "git checkout -q -b other", "git branch third", "git branch -D third",
            "git stash list && git tag v1 && git reset -q --soft HEAD && git update-ref refs/heads/fourth HEAD"])
        {
            var before = ear.Events.Count(e => e.Git);
            await project.ShellAsync(line);
            await Wait.UntilAsync(() => ear.Events.Count(e => e.Git) > before, line);
        }

        Assert.Empty(ear.Said);
        Assert.DoesNotContain(ear.Events, e => e.Git && e.Truncated && mostFolders != 1);
    }

    [Fact]
    public async Task Other_rules_of_what_is_ignored_hold_from_then_on()
    {
        using var project = new TestProject();
        project.Add("out/x");
        project.Add(".gitignore", "out/\n");
        using var ear = await ListenAsync(project);
        project.Add(".gitignore", "\n");
        await ear.ResetAsync();
        project.Add("out/seen");
        await ear.HearAsync(FsChangeKind.Create, "out/seen");
    }

    [Fact]
    public async Task A_flood_is_cut_and_says_so_and_nothing_is_missed_after_it()
    {
        using var project = new TestProject(under: Directory.Exists("/dev/shm") ? "/dev/shm" : null);
        using var ear = await ListenAsync(project);
        for (var i = 0; i < 10_000; i++)
        {
            File.OpenHandle(project.PathOf($"f{i % 2000}"), FileMode.Create, FileAccess.Write).Dispose();
            if (i % 7 == 0)
            {
                File.Delete(project.PathOf($"f{i % 2000}"));
            }
        }

        await ear.ResetAsync();
        Assert.All(ear.Events, e => Assert.True(e.Changes.Count <= FileLimits.Changes));
        var before = ear.Events.Count(e => e.Truncated);
        project.Add("after/the/flood");
        // lost events are not told one by one
        await Wait.UntilAsync(() => ear.Said.ContainsKey("after/the/flood") || ear.Events.Count(e => e.Truncated) > before,
            "what came after the flood, or a word to list anew");
    }

    [Fact]
    public async Task A_watch_that_is_over_says_nothing_more()
    {
        using var project = new TestProject();
        var ear = await ListenAsync(project);
        project.Add("a");
        await ear.HearAsync(FsChangeKind.Create, "a");
        ear.Dispose();
        var heard = ear.Events.Count();
        project.Add("b");
        Assert.Equal(heard, ear.Events.Count());
    }
}
