using System.Security.Cryptography;
using System.Text;
using PocketCoder.Protocol;

namespace PocketCoder.Workspace.Tests.Files;

public sealed class ReadingTests
{
    [Fact]
    public void Text_is_told_from_bytes_and_everything_has_the_digest_of_the_whole()
    {
        using var project = new TestProject();
        project.Add("t.txt", "héllo");
        File.WriteAllBytes(project.PathOf("zero"), [1, 0, 2]);
        File.WriteAllBytes(project.PathOf("latin"), [0xE9]);
        project.Add("empty", "");
        var text = project.Read("t.txt");
        Assert.Equal(("héllo", FsEncoding.Utf8, 6L, null), (text.Content, text.Encoding, text.Bytes, text.NextOffset));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("héllo"))), text.Etag);
        Assert.Equal((Convert.ToBase64String([1, 0, 2]), FsEncoding.Base64), (project.Read("zero").Content, project.Read("zero").Encoding));
        Assert.Equal(FsEncoding.Base64, project.Read("latin").Encoding);
        Assert.Equal(("", FsEncoding.Utf8), (project.Read("empty").Content, project.Read("empty").Encoding));
        Assert.Equal(Convert.ToBase64String(Encoding.UTF8.GetBytes("héllo")),
            project.Files.Read(new FsReadRequest(TestProject.Id, "t.txt", FsEncoding.Base64)).Content);
        Assert.Equal(ErrorCode.BinaryFile,
            TestProject.Refused(() => project.Files.Read(new FsReadRequest(TestProject.Id, "zero", FsEncoding.Utf8))).Code);
        Assert.Equal(ErrorCode.InvalidRequest,
            TestProject.Refused(() => project.Files.Read(new FsReadRequest(TestProject.Id, "zero", Offset: -1))).Code);
        Assert.Equal(ErrorCode.InvalidRequest,
            TestProject.Refused(() => project.Files.Read(new FsReadRequest(TestProject.Id, "zero", Limit: Limits.RangeBytes + 1))).Code);
    }

    [Fact]
    public void Parts_are_whole_characters_and_together_the_file_as_long_as_it_does_not_change()
    {
        using var project = new TestProject();
        var content = string.Concat(Enumerable.Repeat("aé日😀", 50));
        project.Add("t.txt", content);
        for (var limit = 1; limit < 12; limit++)
        {
            var text = new StringBuilder();
            long? next = 0;
            string? etag = null;
            while (next is { } offset)
            {
                var part = project.Files.Read(new FsReadRequest(TestProject.Id, "t.txt", Offset: offset, Limit: limit, ExpectedEtag: etag));
                text.Append(part.Content);
                (next, etag) = (part.NextOffset, part.Etag);
            }

            Assert.Equal(content, text.ToString());
        }

        var before = project.Read("t.txt").Etag;
        project.Add("t.txt", "other");
        Assert.Equal(ErrorCode.Conflict, TestProject.Refused(
            () => project.Files.Read(new FsReadRequest(TestProject.Id, "t.txt", Offset: 2, ExpectedEtag: before))).Code);
    }

    [Fact]
    public void More_than_ten_megabytes_are_not_read()
    {
        using var project = new TestProject();
        SetLength(project.PathOf("large"), FileLimits.ReadBytes);
        Assert.Equal(FileLimits.ReadBytes, project.Read("large").Bytes);
        SetLength(project.PathOf("large"), FileLimits.ReadBytes + 1);
        var refused = TestProject.Refused(() => project.Read("large"));
        Assert.Equal((ErrorCode.FileTooLarge, "10485760"), (refused.Code, refused.Error.Details!["limit"]));

        static void SetLength(string path, long length)
        {
            using var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write);
            RandomAccess.SetLength(file, length);
        }
    }

    [Fact]
    public void Stat_tells_mode_links_and_where_a_link_points()
    {
        using var project = new TestProject();
        project.Add("a/run.sh", "x");
        File.SetUnixFileMode(project.PathOf("a/run.sh"), (UnixFileMode)0b111_101_101);
        project.Link("l", "../outside/secret.txt");
        var stat = project.Files.Stat(new FsStatRequest(TestProject.Id, "a/run.sh", Etag: true));
        Assert.Equal(("0755", 1, null, FsKind.File), (stat.Mode, stat.Links, stat.LinkTarget, stat.Entry.Kind));
        Assert.Equal(project.Read("a/run.sh").Etag, stat.Etag);
        var link = project.Files.Stat(new FsStatRequest(TestProject.Id, "l", Etag: true));
        Assert.Equal((FsKind.Symlink, "../outside/secret.txt", null, null),
            (link.Entry.Kind, link.LinkTarget, link.Etag, link.Entry.Target));
        Assert.Equal(FsKind.Dir, project.Files.Stat(new FsStatRequest(TestProject.Id, "")).Entry.Kind);
    }

    [Fact]
    public async Task What_an_ordinary_user_may_not_do_is_said()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can become somebody else");
        using var project = new TestProject();
        project.Add("mine.txt", "x");
        project.Add("closed/x", "x");
        project.Add("theirs/read-only.txt", "x");
        project.Add("theirs/ours.txt", "x");
        var nobody = $"{TestProject.Nobody}:{TestProject.Nobody}";
        await project.ShellAsync(
            $"mkdir -p ../state; chmod 755 ..; chown -R {nobody} theirs ../state; chmod 444 theirs/read-only.txt; chown 0:0 theirs/ours.txt; chmod 666 theirs/ours.txt; chmod 600 mine.txt; chmod 700 closed");
        TestProject.AsOrdinaryUser(() =>
        {
            Assert.Equal(ErrorCode.PermissionDenied, TestProject.Refused(() => project.Read("mine.txt")).Code);
            Assert.Equal(ErrorCode.PermissionDenied, TestProject.Refused(() => project.Read("closed/x")).Code);
            Denied(() => project.ListAsync("closed"));
            Denied(() => project.WriteAsync("new.txt", "x")); // the folder is not theirs
            Denied(() => project.WriteAsync("theirs/read-only.txt", "x2"));
            Denied(() => project.WriteAsync("theirs/ours.txt", "x2")); // its owner could not be kept
            Denied(() => project.Files.DeleteAsync(new FsDeleteRequest(TestProject.Id, "mine.txt"), "t", project.Record));
            Assert.True(Now(() => project.WriteAsync("theirs/new.txt", "x")).Created);
        });
        Assert.Equal("x", await File.ReadAllTextAsync(project.PathOf("theirs/ours.txt")));
        Assert.Empty(Directory.EnumerateFiles(project.PathOf("theirs"), ".pocketcoder-*"));

        // The other user is one thread's: everything must be done when it returns.
        static T Now<T>(Func<Task<T>> work)
        {
            var task = work();
            Assert.True(task.IsCompleted);
            return task.GetAwaiter().GetResult();
        }

        static void Denied<T>(Func<Task<T>> work) => Assert.Equal(ErrorCode.PermissionDenied, TestProject.Refused(() => Now(work)).Code);
    }
}
