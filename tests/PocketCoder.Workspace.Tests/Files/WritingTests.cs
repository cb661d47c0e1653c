using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Tests.Files;

public sealed class WritingTests
{
    [Fact]
    public async Task A_write_names_what_it_replaces_and_is_refused_when_that_is_something_else()
    {
        using var project = new TestProject();
        var made = await project.WriteAsync("a.txt", "one", onlyNew: true);
        Assert.True(made is { Success: true, Created: true, Bytes: 3 });
        Assert.Equal(made.Etag, project.Read("a.txt").Etag);
        var exists = await TestProject.RefusedAsync(() => project.WriteAsync("a.txt", "two", onlyNew: true));
        Assert.Equal((ErrorCode.FileExists, made.Etag), (exists.Code, exists.Error.Details!["etag"]));
        var second = await project.WriteAsync("a.txt", "two", made.Etag);
        Assert.False(second.Created);
        var stale = await TestProject.RefusedAsync(() => project.WriteAsync("a.txt", "three", made.Etag));
        Assert.Equal((ErrorCode.Conflict, second.Etag), (stale.Code, stale.Error.Details!["etag"]));
        Assert.Equal("two", project.Read("a.txt").Content);
        // an answer that was lost: the same again is no conflict
        Assert.Equal(second.Etag, (await project.WriteAsync("a.txt", "two", made.Etag)).Etag);
        var gone = await TestProject.RefusedAsync(() => project.WriteAsync("gone.txt", "x", made.Etag));
        Assert.Equal((ErrorCode.Conflict, null), (gone.Code, gone.Error.Details));
        await project.WriteAsync("a.txt", "four"); // no expected version: it is replaced
        Assert.Equal(3, project.Recorded.Count);
        Assert.All(project.Recorded, r => Assert.Equal((FileAction.Write, "a.txt"), (r.Action, r.Path)));
        Assert.Equal(project.Read("a.txt").Etag, project.Recorded[^1].Sha256);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => project.WriteAsync("a.txt", "x", "ABC"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => project.WriteAsync("", "x"))).Code);
    }

    [Fact]
    public async Task Mode_owner_and_links_stay_and_nothing_else_is_left()
    {
        using var project = new TestProject();
        project.Add("bin/run.sh", "old");
        File.SetUnixFileMode(project.PathOf("bin/run.sh"), (UnixFileMode)0b111_100_001);
        project.Link("run", "bin/run.sh");
        if (Environment.IsPrivilegedProcess)
        {
            await project.ShellAsync($"chown {TestProject.Nobody}:{TestProject.Nobody} bin bin/run.sh");
        }

        await project.WriteAsync("run", "new");
        await project.WriteAsync("bin/other", "new");
        Assert.Equal("bin/run.sh", new FileInfo(project.PathOf("run")).LinkTarget);
        Assert.Equal((UnixFileMode)0b111_100_001, File.GetUnixFileMode(project.PathOf("bin/run.sh")));
        Assert.Equal("new", await File.ReadAllTextAsync(project.PathOf("bin/run.sh")));
        if (Environment.IsPrivilegedProcess)
        {
            Assert.Equal($"{TestProject.Nobody} {TestProject.Nobody}",
                (await TestProject.ShellAsync(project.Path, "stat -c %u bin/run.sh bin/other | tr '\\n' ' '")).Trim());
        }

        Assert.Equal(["bin", "other", "run", "run.sh"], Directory.EnumerateFileSystemEntries(project.Path, "*", SearchOption.AllDirectories)
            .Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_new_file_that_holds_keys_by_its_name_is_its_owners_alone_and_others_follow_the_umask()
    {
        using var project = new TestProject();
        await project.WriteAsync(".env", "KEY=1", onlyNew: true);
        await project.WriteAsync("plain", "x", onlyNew: true);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(project.PathOf(".env")));
        await project.ShellAsync("touch beside");
        Assert.Equal(File.GetUnixFileMode(project.PathOf("beside")), File.GetUnixFileMode(project.PathOf("plain")));
        File.SetUnixFileMode(project.PathOf(".env"), (UnixFileMode)0b110_100_100);
        await project.WriteAsync(".env", "KEY=2"); // what is there keeps its mode: somebody chose it
        Assert.Equal((UnixFileMode)0b110_100_100, File.GetUnixFileMode(project.PathOf(".env")));
    }

    [Fact]
    public async Task Limits_folders_and_bad_content_are_refused()
    {
        using var project = new TestProject();
        project.Add("folder/x");
        await project.WriteAsync("full.txt", new string('x', FileLimits.WriteBytes));
        var large = await TestProject.RefusedAsync(() => project.WriteAsync("large.txt", new string('x', FileLimits.WriteBytes + 1)));
        Assert.Equal((ErrorCode.FileTooLarge, "1048576"), (large.Code, large.Error.Details!["limit"]));
        Assert.Equal(ErrorCode.IsADirectory, (await TestProject.RefusedAsync(() => project.WriteAsync("folder", "x"))).Code);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => project.WriteAsync("no/where/x", "x"))).Code);
        Assert.True((await project.WriteAsync("no/where/x", "x", mkdirs: true)).Created);
        Assert.Equal(ErrorCode.NotADirectory,
            (await TestProject.RefusedAsync(() => project.WriteAsync("full.txt/x", "x", mkdirs: true))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(
            () => project.Files.WriteAsync(new FsWriteRequest(TestProject.Id, "b", "%", FsEncoding.Base64), project.Record))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => project.WriteAsync("b", "\ud800"))).Code);
        Assert.Equal(ErrorCode.PermissionDenied,
            (await TestProject.RefusedAsync(() => project.WriteAsync(".pocketcoder-x.tmp", "x"))).Code);
        await project.Files.WriteAsync(
            new FsWriteRequest(TestProject.Id, "bytes", Convert.ToBase64String([0, 255]), FsEncoding.Base64), project.Record);
        Assert.Equal([0, 255], await File.ReadAllBytesAsync(project.PathOf("bytes")));
    }

    [Fact]
    public async Task What_can_t_be_recorded_is_not_done()
    {
        using var project = new TestProject();
        project.Add("a.txt", "old");
        static ValueTask No(FileChange change) => throw new InvalidOperationException("no room in the ledger");
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => project.Files.WriteAsync(new FsWriteRequest(TestProject.Id, "a.txt", "new"), No));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => project.Files.DeleteAsync(new FsDeleteRequest(TestProject.Id, "a.txt"), "t", No));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => project.Files.MoveAsync(new FsMoveRequest(TestProject.Id, "a.txt", "b.txt"), No));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => project.Files.MakeDirectoryAsync(new FsMkdirRequest(TestProject.Id, "d"), No));
        Assert.Equal(["a.txt"], Directory.EnumerateFileSystemEntries(project.Path).Select(Path.GetFileName));
        Assert.Equal("old", project.Read("a.txt").Content);
        Assert.Empty(project.Files.ListTrash(new FsTrashListRequest(TestProject.Id)).Items);
    }

    [Fact]
    public async Task A_change_at_the_last_moment_is_a_conflict()
    {
        using var project = new TestProject();
        project.Add("a.txt", "old");
        ValueTask Meanwhile(FileChange change)
        {
            File.WriteAllText(project.PathOf("a.txt"), "somebody else's");
            return ValueTask.CompletedTask;
        }

        Assert.Equal(ErrorCode.Conflict, (await TestProject.RefusedAsync(
            () => project.Files.WriteAsync(new FsWriteRequest(TestProject.Id, "a.txt", "new"), Meanwhile))).Code);
        Assert.Equal("somebody else's", project.Read("a.txt").Content);
    }

    [Fact]
    public async Task Moves_and_new_directories_never_replace_anything()
    {
        using var project = new TestProject();
        project.Add("a.txt", "a");
        project.Add("b.txt", "b");
        project.Add("d/x", "x");
        Task<FsMkdirResponse> Make(string path, bool parents = false)
            => project.Files.MakeDirectoryAsync(new FsMkdirRequest(TestProject.Id, path, parents), project.Record);
        Task<FsMoveResponse> Move(string from, string to)
            => project.Files.MoveAsync(new FsMoveRequest(TestProject.Id, from, to), project.Record);
        Assert.True((await Make("new")).Created);
        Assert.False((await Make("new")).Created);
        Assert.True((await Make("p/q/r", parents: true)).Created);
        Assert.Equal(ErrorCode.FileExists, (await TestProject.RefusedAsync(() => Make("a.txt"))).Code);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => Make("no/r"))).Code);
        Assert.Equal(ErrorCode.FileExists, (await TestProject.RefusedAsync(() => Move("a.txt", "b.txt"))).Code);
        Assert.Equal(ErrorCode.FileExists, (await TestProject.RefusedAsync(() => Move("a.txt", "a.txt"))).Code);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => Move("none", "c.txt"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => Move("d", "d/inside"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => Move("", "c"))).Code);
        await Move("a.txt", "d/moved.txt");
        await Move("d", "e");
        Assert.Equal(("a", "x", "b"), (project.Read("e/moved.txt").Content, project.Read("e/x").Content, project.Read("b.txt").Content));
    }
}
