using System.Security.Cryptography;
using PocketCoder.Protocol;
using PocketCoder.Testing;
using PocketCoder.Workspace.Files;

namespace PocketCoder.Workspace.Tests.Transfers;

public sealed class TransferTests
{
    private static readonly byte[] s_content = RandomNumberGenerator.GetBytes(1_300_000);

    private static string Sha(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static FsUploadBeginRequest Begin(Guid id, string path, bool onlyNew = false)
        => new(TestProject.Id, id, path, s_content.Length, Sha(s_content), null, onlyNew, Mkdirs: true);

    private static async Task SendAsync(ProjectFiles files, Guid id, byte[] content, long from = 0)
    {
        for (var offset = from; offset < content.Length; offset += FileLimits.ChunkBytes)
        {
            await files.UploadAsync(new FsUploadChunkRequest(TestProject.Id, id, offset,
                Convert.ToBase64String(content.AsSpan((int)offset, (int)Math.Min(FileLimits.ChunkBytes, content.Length - offset)))));
        }
    }

    [Fact]
    public async Task An_upload_goes_on_where_it_was_after_a_restart_and_is_in_its_place_at_once()
    {
        using var project = new TestProject();
        var id = Guid.CreateVersion7();
        Assert.Equal(0, (await project.Files.BeginUploadAsync(Begin(id, "sub/up.bin"))).Offset);
        await project.Files.UploadAsync(
            new FsUploadChunkRequest(TestProject.Id, id, 0, Convert.ToBase64String(s_content.AsSpan(0, 500_000))));
        Assert.False(Directory.Exists(project.PathOf("sub")));
        var again = new ProjectFiles(project.Options);
        var offset = (await again.BeginUploadAsync(Begin(id, "sub/up.bin"))).Offset;
        Assert.Equal(500_000, offset);
        var gap = await TestProject.RefusedAsync(() => again.UploadAsync(new FsUploadChunkRequest(TestProject.Id, id, 600_000, "AAAA")));
        Assert.Equal((ErrorCode.Conflict, "500000"), (gap.Code, gap.Error.Details!["offset"]));
        Assert.Equal(ErrorCode.Conflict,
            (await TestProject.RefusedAsync(() => again.EndUploadAsync(new FsUploadEndRequest(TestProject.Id, id), project.Record))).Code);
        await SendAsync(again, id, s_content, offset);
        var done = await again.EndUploadAsync(new FsUploadEndRequest(TestProject.Id, id), project.Record);
        Assert.Equal((Sha(s_content), true, "sub/up.bin"), (done.Etag, done.Created, done.Path));
        Assert.Equal(s_content, await File.ReadAllBytesAsync(project.PathOf("sub/up.bin")));
        Assert.Equal(ErrorCode.FileNotFound,
            (await TestProject.RefusedAsync(() => again.EndUploadAsync(new FsUploadEndRequest(TestProject.Id, id), project.Record))).Code);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(project.Options.State, "uploads")));
        Assert.Equal(FileAction.Write, Assert.Single(project.Recorded).Action);
    }

    [Fact]
    public async Task What_is_not_what_was_announced_is_forgotten_and_what_stands_there_stays()
    {
        using var project = new TestProject();
        project.Add("up.bin", "there");
        var id = Guid.CreateVersion7();
        await project.Files.BeginUploadAsync(Begin(id, "up.bin", onlyNew: true));
        var wrong = s_content.ToArray();
        wrong[^1] ^= 1;
        await SendAsync(project.Files, id, wrong);
        var bad = await TestProject.RefusedAsync(
            () => project.Files.EndUploadAsync(new FsUploadEndRequest(TestProject.Id, id), project.Record));
        Assert.Equal((ErrorCode.Conflict, "0"), (bad.Code, bad.Error.Details!["offset"]));
        await SendAsync(project.Files, id, s_content);
        Assert.Equal(ErrorCode.FileExists, (await TestProject.RefusedAsync(
            () => project.Files.EndUploadAsync(new FsUploadEndRequest(TestProject.Id, id), project.Record))).Code);
        Assert.Equal("there", project.Read("up.bin").Content);
        Assert.Equal(ErrorCode.Conflict,
            (await TestProject.RefusedAsync(() => project.Files.BeginUploadAsync(Begin(id, "other.bin")))).Code);
        Assert.True((await project.Files.DiscardUploadAsync(new FsUploadDiscardRequest(TestProject.Id, id))).Discarded);
        Assert.False((await project.Files.DiscardUploadAsync(new FsUploadDiscardRequest(TestProject.Id, id))).Discarded);
    }

    [Fact]
    public async Task Uploads_are_bounded_and_forgotten_after_a_day()
    {
        var time = new ManualTime();
        time.Advance(TimeProvider.System.GetUtcNow() - time.GetUtcNow()); // files have the real clock's times
        using var project = new TestProject(time: time);
        for (var i = 0; i < FileLimits.Uploads; i++)
        {
            await project.Files.BeginUploadAsync(Begin(Guid.CreateVersion7(), $"{i}"));
        }

        Assert.Equal(ErrorCode.DaemonBusy,
            (await TestProject.RefusedAsync(() => project.Files.BeginUploadAsync(Begin(Guid.CreateVersion7(), "more")))).Code);
        time.Advance(TimeSpan.FromHours(25));
        await project.Files.BeginUploadAsync(Begin(Guid.CreateVersion7(), "more"));
        Assert.Single(Directory.EnumerateFiles(Path.Combine(project.Options.State, "uploads"), "*.json"));
        Assert.Equal(ErrorCode.StorageFull, (await TestProject.RefusedAsync(
            () => project.Files.BeginUploadAsync(Begin(Guid.CreateVersion7(), "x") with { Bytes = long.MaxValue / 2 }))).Code);
        Assert.Equal(ErrorCode.OutsideProjectRoot,
            (await TestProject.RefusedAsync(() => project.Files.BeginUploadAsync(Begin(Guid.CreateVersion7(), "../x")))).Code);
        Assert.Equal(ErrorCode.InvalidRequest, (await TestProject.RefusedAsync(
            () => project.Files.BeginUploadAsync(Begin(Guid.CreateVersion7(), "x") with { Sha256 = "X" }))).Code);
    }

    [Fact]
    public async Task A_download_is_the_file_in_pieces_and_says_when_it_changed()
    {
        using var project = new TestProject();
        await File.WriteAllBytesAsync(project.PathOf("a.bin"), s_content);
        project.Add("t.txt", "text");
        await File.WriteAllBytesAsync(project.PathOf("p.png"), [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0]);
        var begun = project.Files.BeginDownload(new FsDownloadBeginRequest(TestProject.Id, "a.bin"));
        Assert.Equal((s_content.Length, "application/octet-stream", "a.bin"), (begun.Bytes, begun.MediaType, begun.Name));
        Assert.Equal(["text/plain", "image/png"], ((string[])["t.txt", "p.png"]).Select(
            p => project.Files.BeginDownload(new FsDownloadBeginRequest(TestProject.Id, p)).MediaType));
        var content = new MemoryStream();
        long? next = 0;
        while (next is { } offset)
        {
            var piece = project.Files.Download(new FsDownloadChunkRequest(TestProject.Id, "a.bin", begun.Version, offset));
            content.Write(Convert.FromBase64String(piece.Data));
            next = piece.NextOffset;
        }

        Assert.Equal(s_content, content.ToArray());
        Assert.Equal(Sha(s_content), (await project.Files.EndDownloadAsync(
            new FsDownloadEndRequest(TestProject.Id, "a.bin", begun.Version), CancellationToken.None)).Sha256);
        await File.AppendAllTextAsync(project.PathOf("a.bin"), "more");
        Assert.Equal(ErrorCode.Conflict,
            TestProject.Refused(() => project.Files.Download(new FsDownloadChunkRequest(TestProject.Id, "a.bin", begun.Version, 0))).Code);
        Assert.Equal(ErrorCode.Conflict, (await TestProject.RefusedAsync(() => project.Files.EndDownloadAsync(
            new FsDownloadEndRequest(TestProject.Id, "a.bin", begun.Version), CancellationToken.None))).Code);
        Assert.Equal(ErrorCode.IsADirectory,
            TestProject.Refused(() => project.Files.BeginDownload(new FsDownloadBeginRequest(TestProject.Id, ""))).Code);
    }
}
