using PocketCoder.Processes;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Workspace.Tests.Files;

/// <summary>A project on a small disk of its own.</summary>
public sealed class FullDiskTests
{
    private static async Task<bool> SystemAsync(string program, params string[] arguments) => (await CommandRun.RunAsync(
        new ProcessStart
        {
            Program = program,
            Arguments = arguments,
            WorkingDirectory = "/",
            Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" }
        },
        Wait.Limit, 4096, TimeProvider.System, CancellationToken.None)).ExitCode == 0;

    [Fact]
    public async Task On_a_full_or_read_only_disk_nothing_is_changed_and_the_reason_is_said()
    {
        var disk = Directory.CreateTempSubdirectory("pcw-disk-").FullName;
        Assert.SkipUnless(await SystemAsync("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk), "this user cannot mount a small disk");
        try
        {
            using (var project = new TestProject(under: disk))
            {
                await project.WriteAsync("a.txt", new string('a', 900_000));
                await project.WriteAsync("b.txt", new string('b', 900_000));
                project.Add("ballast", new string('x', 700_000));
                var full = await TestProject.RefusedAsync(() => project.WriteAsync("a.txt", new string('c', 900_000)));
                Assert.Equal(ErrorCode.StorageFull, full.Code);
                Assert.Equal(ErrorCode.StorageFull,
                    (await TestProject.RefusedAsync(() => project.WriteAsync("new.txt", new string('c', 900_000)))).Code);
                Assert.Equal(new string('a', 900_000), project.Read("a.txt").Content);
                Assert.Equal(["a.txt", "b.txt", "ballast"],
                    Directory.EnumerateFileSystemEntries(project.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
                var id = Guid.CreateVersion7();
                Assert.Equal(ErrorCode.StorageFull, (await TestProject.RefusedAsync(() => project.Files.BeginUploadAsync(
                    new FsUploadBeginRequest(TestProject.Id, id, "u", 2_000_000, new string('0', 64))))).Code);
                File.Delete(project.PathOf("ballast"));
                await project.WriteAsync("a.txt", "room again");

                Assert.True(await SystemAsync("mount", "-o", "remount,ro", disk));
                try
                {
                    Assert.Equal(ErrorCode.StorageFull, (await TestProject.RefusedAsync(() => project.WriteAsync("a.txt", "c"))).Code);
                    Assert.Equal(ErrorCode.StorageFull, (await TestProject.RefusedAsync(
                        () => project.Files.DeleteAsync(new FsDeleteRequest(TestProject.Id, "a.txt"), "t", project.Record))).Code);
                    Assert.Equal(ErrorCode.StorageFull, (await TestProject.RefusedAsync(
                        () => project.Files.MoveAsync(new FsMoveRequest(TestProject.Id, "a.txt", "c.txt"), project.Record))).Code);
                    Assert.Equal("room again", project.Read("a.txt").Content);
                }
                finally
                {
                    Assert.True(await SystemAsync("mount", "-o", "remount,rw", disk));
                }
            }
        }
        finally
        {
            Assert.True(await SystemAsync("umount", disk));
            Directory.Delete(disk);
        }
    }
}
