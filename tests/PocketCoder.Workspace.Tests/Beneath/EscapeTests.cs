using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;

namespace PocketCoder.Workspace.Tests.Beneath;

/// <summary>
/// Ways out of a project, tried with everything that takes a path: nothing outside is shown, made, changed or taken away. With openat2 and
/// without.
/// </summary>
public sealed class EscapeTests
{
    /// <summary>Paths as a device would send them. <c>{root}</c> is the project's own absolute path.</summary>
    private static readonly string[] s_ways =
    [
        "..", "../outside/secret.txt", "../../etc/passwd", "a/../../outside/secret.txt", "a/..", "./../outside/secret.txt", "a/./b", ".",
        "./", "a/", "/", "//", "/etc/passwd", "{root}/../outside/secret.txt", "{root}/a.txt",
        "a//b", "a/../a.txt", "...", "..../outside", @"..\outside\secret.txt", @"\x{2e}\x{2e}/outside/secret.txt",
        @"\u{2e}\u{2e}/outside/secret.txt", @"a\x{2f}..\x{2f}..\x{2f}outside", @"\x{2e}.", "a\0b", @"a\x{0}b",
        "%2e%2e/outside/secret.txt",
        "..%2foutside", "~/outside", "file", "file/secret.txt", "folder", "folder/secret.txt", "folder/deep/secret.txt", "up",
        "up/outside/secret.txt", "absolute/secret.txt", "absolute-file", "chain", "chain/secret.txt", "hop/outside/secret.txt",
        "inside-up/outside/secret.txt", "proc/1/root/etc/passwd", "self/root/etc/passwd", "fd/../../outside", "loop", "loop/x", "loop-a/x",
        "dangling", "dangling/x", "dangling-out", "sneaky/../../outside/secret.txt", "a.txt/../../outside/secret.txt",
        "folder/../secret.txt", "\ud800", new string('a', 300), @"C:\Windows\win.ini", @"\\?\C:\x", "secret.txt::$DATA",
        "hard/../../outside",
    ];

    public static TheoryData<bool> Both => [false, true];

    private static TestProject Make(bool walkOnly)
    {
        var project = new TestProject(walkOnly);
        project.Add("a.txt", "inside");
        project.Add("a/b.txt", "inside");
        project.Link("file", project.In("outside/secret.txt"));
        project.Link("folder", "../outside");
        project.Link("up", "..");
        project.Link("absolute", project.In("outside"));
        project.Link("absolute-file", project.In("outside/secret.txt"));
        project.Link("chain", "chain-2");
        project.Link("chain-2", "a/chain-3");
        project.Link("a/chain-3", "../../outside");
        project.Link("hop", "a/../..");
        project.Link("inside-up", "a/../../project/..");
        project.Link("proc", "/proc");
        project.Link("self", "/proc/self");
        project.Link("fd", "/proc/self/fd");
        project.Link("loop", "loop");
        project.Link("loop-a", "loop-b");
        project.Link("loop-b", "loop-a");
        project.Link("dangling", "nowhere");
        project.Link("dangling-out", "../outside/new.txt");
        project.Link("sneaky", "a");
        return project;
    }

    private static string Tree(TestProject project) => string.Join(
        '\n', Directory.EnumerateFileSystemEntries(project.In("outside"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(f => f + (File.Exists(f) ? File.ReadAllText(f) : "")));

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Nothing_outside_is_reached_by_any_way_with_any_operation(bool walkOnly)
    {
        Assert.True(s_ways.Length >= 40);
        using var project = Make(walkOnly);
        var before = Tree(project);
        var etag = new string('0', 64);
        var leaks = new List<string>();
        foreach (var raw in s_ways)
        {
            var way = raw.Replace("{root}", project.Path, StringComparison.Ordinal);
            (string Name, Func<Task<string?>> Run)[] operations =
            [
                ("list", async () => string.Join(", ", (await project.ListAsync(way)).Children.Select(c => c.Name))),
                ("stat", () => Task.FromResult<string?>(project.Files.Stat(new FsStatRequest(TestProject.Id, way, Etag: true)).Etag)),
                ("read", () => Task.FromResult<string?>(project.Read(way).Content)),
                ("write", async () => (await project.WriteAsync(way, "pwned")).Path),
                ("write below", async () => (await project.WriteAsync(way + "/new.txt", "pwned", mkdirs: true)).Path),
                ("mkdir", async () => (await project.Files.MakeDirectoryAsync(
                    new FsMkdirRequest(TestProject.Id, way + "/new", Parents: true), project.Record)).Path),
                ("move from", async () =>
                    (await project.Files.MoveAsync(new FsMoveRequest(TestProject.Id, way + "/secret.txt", "taken"), project.Record)).Path),
                ("move to", async () => (await project.Files.MoveAsync(
                    new FsMoveRequest(TestProject.Id, "a.txt", way + "/given"), project.Record)).Path),
                ("delete below", async () => (await project.Files.DeleteAsync(
                    new FsDeleteRequest(TestProject.Id, way + "/secret.txt"), "t", project.Record)).Item.Path),
                ("search", async () => string.Concat((await project.Files.SearchAsync(
                    new FsSearchRequest(TestProject.Id, "outside of", Path: way), CancellationToken.None)).Matches.Select(m => m.Text))),
                ("search names", async () => string.Concat((await project.Files.SearchAsync(new FsSearchRequest(
                    TestProject.Id, "txt", FsSearchTarget.Names, way), CancellationToken.None)).Matches.Select(m => m.Text))),
                ("download", () => Task.FromResult<string?>(
                    project.Files.BeginDownload(new FsDownloadBeginRequest(TestProject.Id, way)).Name)),
                ("upload", async () =>
                {
                    var id = Guid.CreateVersion7();
                    await project.Files.BeginUploadAsync(new FsUploadBeginRequest(
                        TestProject.Id, id, way + "/up.bin", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
                    try
                    {
                        return (await project.Files.EndUploadAsync(new FsUploadEndRequest(TestProject.Id, id), project.Record)).Path;
                    }
                    finally
                    {
                        await project.Files.DiscardUploadAsync(new FsUploadDiscardRequest(TestProject.Id, id));
                    }
                }),
            ];
            foreach (var (name, run) in operations)
            {
                try
                {
                    if (await run() is { } said && (said.Contains(TestProject.Outside, StringComparison.Ordinal)
                        || said.Contains(TestProject.OutsideName, StringComparison.Ordinal)))
                    {
                        leaks.Add($"{name} {way}: {said}");
                    }
                }
                catch (WorkspaceException e)
                {
                    if (e.Message.Contains(TestProject.Outside, StringComparison.Ordinal) || e.Code == ErrorCode.UnknownError)
                    {
                        leaks.Add($"{name} {way}: {e.Message}");
                    }
                }
            }
        }

        Assert.Empty(leaks);
        Assert.Equal(before, Tree(project));
        Assert.False(File.Exists(project.In("pwned")) || Directory.Exists(project.In("new")) || File.Exists(project.In("given"))
            || File.Exists(project.In("new.txt")));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public void Links_out_say_so_and_links_inside_are_followed(bool walkOnly)
    {
        using var project = Make(walkOnly);
        project.Link("good", "a/b.txt");
        project.Link("a/back", "../a.txt");
        project.Link("good-folder", project.PathOf("a"));
        project.Link("dots", "a/../a/../a.txt");
        Assert.Equal("inside", project.Read("good").Content);
        Assert.Equal("inside", project.Read("a/back").Content);
        Assert.Equal("inside", project.Read("good-folder/b.txt").Content); // absolute, and back inside
        Assert.Equal("inside", project.Read("dots").Content);
        Assert.All((string[])["file", "folder/secret.txt", "up", "chain/secret.txt", "absolute-file", "hop/outside/secret.txt", "..",
            "/etc/passwd", "self/root/etc/passwd", "dangling-out"],
            way => Assert.Equal(ErrorCode.OutsideProjectRoot, TestProject.Refused(() => project.Read(way)).Code));
        Assert.All((string[])["loop", "loop-a/x", "dangling", "nothing"],
            way => Assert.Equal(ErrorCode.FileNotFound, TestProject.Refused(() => project.Read(way)).Code));
        Assert.All((string[])["a.txt/x"], way => Assert.Equal(ErrorCode.NotADirectory, TestProject.Refused(() => project.Read(way)).Code));
        Assert.Equal(ErrorCode.IsADirectory, TestProject.Refused(() => project.Read("a")).Code);
        Assert.All((string[])["a/./b", "a//b", "a/", "a\0", @"\q", string.Join('/', Enumerable.Repeat("d", 21))],
            way => Assert.Equal(ErrorCode.InvalidRequest, TestProject.Refused(() => project.Read(way)).Code));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task What_is_git_s_own_is_read_and_never_changed_by_any_name(bool walkOnly)
    {
        using var project = Make(walkOnly);
        project.Add(".git/config", "[core]");
        project.Add(".git/hooks/x", "x");
        project.Link("g", ".git");
        project.Link("g-config", ".git/config");
        project.Link("a/hooks", "../.git/hooks");
        Assert.Equal("[core]", project.Read(".git/config").Content);
        foreach (var way in (string[])[".git/config", ".git/hooks/new", "g/config", "g/hooks/post-commit", "g-config", "a/hooks/pre-push",
            ".GIT/config", ".git", ".g\u200cit/config", "git~1/x", "a/.git/config", "a/.Git"])
        {
            Assert.Equal(ErrorCode.PermissionDenied,
                (await TestProject.RefusedAsync(() => project.WriteAsync(way, "pwned", mkdirs: true))).Code);
            if (way != "g-config") // nothing is beneath a file
            {
                // Some of these are beneath a file, or beneath what is not there, which is said first.
                await TestProject.RefusedAsync(
                    () => project.Files.MakeDirectoryAsync(new FsMkdirRequest(TestProject.Id, way + "/d", Parents: true), project.Record));
                await TestProject.RefusedAsync(
                    () => project.Files.MoveAsync(new FsMoveRequest(TestProject.Id, "a.txt", way + "/moved"), project.Record));
                Assert.Equal(ErrorCode.PermissionDenied, (await TestProject.RefusedAsync(
                    () => project.Files.MoveAsync(new FsMoveRequest(TestProject.Id, way, "taken"), project.Record))).Code);
                Assert.Equal(ErrorCode.PermissionDenied, (await TestProject.RefusedAsync(
                    () => project.Files.DeleteAsync(new FsDeleteRequest(TestProject.Id, way), "t", project.Record))).Code);
            }
        }

        Assert.Empty(project.Recorded);
        Assert.Equal(["config", "hooks"],
            Directory.EnumerateFileSystemEntries(project.PathOf(".git")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Both))]
    public async Task Special_files_are_listed_and_never_opened_and_hard_links_never_written(bool walkOnly)
    {
        using var project = Make(walkOnly);
        await project.ShellAsync("mkfifo pipe; ln ../outside/secret.txt hard; mknod null c 1 3 || true; ln -s pipe to-pipe");
        Assert.Equal(FsKind.Other, (await project.ListAsync()).Children.Single(c => c.Name == "pipe").Kind);
        Assert.Equal(ErrorCode.PermissionDenied, TestProject.Refused(() => project.Read("pipe")).Code);
        Assert.Equal(ErrorCode.PermissionDenied, TestProject.Refused(() => project.Read("to-pipe")).Code);
        Assert.Equal(ErrorCode.PermissionDenied, (await TestProject.RefusedAsync(() => project.WriteAsync("pipe", "x"))).Code);
        Assert.Equal(ErrorCode.PermissionDenied, (await TestProject.RefusedAsync(() => project.WriteAsync("hard", "pwned"))).Code);
        Assert.Equal(TestProject.Outside, await File.ReadAllTextAsync(project.In("outside/secret.txt")));
    }

    [Fact]
    public void The_machine_s_own_folder_in_a_project_does_not_exist_for_anybody()
    {
        using var project = new TestProject();
        project.Add("home/keys/machine.key", "key");
        project.Link("way", "home/keys");
        using var root = ProjectRoot.Open(project.Path, [project.PathOf("home")]);
        foreach (var way in (string[])["home", "home/keys/machine.key", "way/machine.key"])
        {
            Assert.Equal(ErrorCode.FileNotFound, TestProject.Refused(() => root.OpenRead(ProjectPath.Parse(way)).Dispose()).Code);
        }

        Assert.Equal(ErrorCode.FileNotFound, TestProject.Refused(() => root.PlaceOf(ProjectPath.Parse("home")).Dispose()).Code);
        Assert.Equal(ErrorCode.FileNotFound, TestProject.Refused(() => root.PlaceOf(ProjectPath.Parse("way/x")).Dispose()).Code);
    }
}
