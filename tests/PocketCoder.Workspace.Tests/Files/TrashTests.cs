using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Workspace.Tests.Files;

public sealed class TrashTests
{
    private static Task<FsDeleteResponse> DeleteAsync(TestProject project, string path, string? etag = null)
        => project.Files.DeleteAsync(new FsDeleteRequest(TestProject.Id, path, etag), "phone", project.Record);

    private static Task<FsRestoreResponse> RestoreAsync(TestProject project, Guid id, string? to = null)
        => project.Files.RestoreAsync(new FsRestoreRequest(TestProject.Id, id, to), project.Record);

    private static FsTrashListResponse List(TestProject project, Guid? before = null, int limit = 100)
        => project.Files.ListTrash(new FsTrashListRequest(TestProject.Id, before, limit));

    /// <summary>On the same file system, and on another one, where it has to be copied.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_deleted_can_be_brought_back_as_it_was(bool elsewhere)
    {
        Assert.SkipWhen(elsewhere && !Directory.Exists("/dev/shm"), "there is no second file system");
        var other = elsewhere ? $"/dev/shm/pcw-trash-{Guid.CreateVersion7():N}" : null;
        using var project = new TestProject(state: other);
        project.Add("d/a.txt", "a");
        project.Add("d/deep/b.sh", "b");
        File.SetUnixFileMode(project.PathOf("d/deep/b.sh"), (UnixFileMode)0b111_000_000);
        project.Link("d/l", "deep/b.sh");
        project.Link("out", "../outside");
        var item = (await DeleteAsync(project, "d")).Item;
        Assert.Equal(("d", FsKind.Dir, 2L, 5, "phone"), (item.Path, item.Kind, item.Bytes, item.Entries, item.By));
        var link = (await DeleteAsync(project, "out")).Item; // the link, never what it leads to
        Assert.True(File.Exists(project.In("outside/secret.txt")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(project.Path));
        Assert.Equal([link.TrashId, item.TrashId], List(project).Items.Select(i => i.TrashId));
        Assert.Equal([item], List(project, link.TrashId).Items);
        Assert.True(List(project, limit: 1).Truncated);

        await RestoreAsync(project, item.TrashId);
        Assert.Equal(("a", "b", "deep/b.sh"),
            (project.Read("d/a.txt").Content, project.Read("d/deep/b.sh").Content, new FileInfo(project.PathOf("d/l")).LinkTarget));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(project.PathOf("d/deep/b.sh")));
        await RestoreAsync(project, link.TrashId, "new/place/out");
        Assert.Equal("../outside", new FileInfo(project.PathOf("new/place/out")).LinkTarget);
        Assert.Empty(List(project).Items);
        Assert.Equal([FileAction.Delete, FileAction.Delete, FileAction.Restore, FileAction.Restore],
            project.Recorded.Select(r => r.Action));
        if (other is not null)
        {
            TestProject.DeleteAll(other);
        }
    }

    [Fact]
    public async Task Nothing_is_overwritten_by_what_comes_back_and_nothing_changed_is_deleted()
    {
        using var project = new TestProject();
        project.Add("a.txt", "old");
        var etag = project.Read("a.txt").Etag;
        project.Add("a.txt", "new");
        Assert.Equal(ErrorCode.Conflict, (await TestProject.RefusedAsync(() => DeleteAsync(project, "a.txt", etag))).Code);
        var item = (await DeleteAsync(project, "a.txt", project.Read("a.txt").Etag)).Item;
        project.Add("a.txt", "another");
        Assert.Equal(ErrorCode.FileExists, (await TestProject.RefusedAsync(() => RestoreAsync(project, item.TrashId))).Code);
        Assert.Equal("another", project.Read("a.txt").Content);
        Assert.Equal(ErrorCode.OutsideProjectRoot,
            (await TestProject.RefusedAsync(() => RestoreAsync(project, item.TrashId, "../x"))).Code);
        Assert.Equal(ErrorCode.PermissionDenied,
            (await TestProject.RefusedAsync(() => RestoreAsync(project, item.TrashId, ".git/hooks/x"))).Code);
        Assert.Equal("a2.txt", (await RestoreAsync(project, item.TrashId, "a2.txt")).Path);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => RestoreAsync(project, item.TrashId))).Code);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => DeleteAsync(project, "none"))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(() => DeleteAsync(project, ""))).Code);
    }

    [Fact]
    public async Task The_trash_forgets_what_is_old_and_takes_nothing_that_is_larger_than_itself()
    {
        var time = new ManualTime();
        using var project = new TestProject(time: time);
        project.Add("a.txt");
        project.Add("b.txt");
        var old = (await DeleteAsync(project, "a.txt")).Item;
        time.Advance(TimeSpan.FromDays(FileLimits.TrashDays + 1));
        var fresh = (await DeleteAsync(project, "b.txt")).Item;
        Assert.Equal([fresh], List(project).Items);
        Assert.Equal(ErrorCode.FileNotFound, (await TestProject.RefusedAsync(() => RestoreAsync(project, old.TrashId))).Code);
        using (var file = File.OpenHandle(project.PathOf("huge"), FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, FileLimits.TrashBytes + 1); // a hole: it takes no room
        }

        Assert.Equal(ErrorCode.FileTooLarge, (await TestProject.RefusedAsync(() => DeleteAsync(project, "huge"))).Code);
        Assert.True(File.Exists(project.PathOf("huge")));
    }
}
