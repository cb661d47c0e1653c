using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.Processes.Tests;

public sealed class FileKindTests
{
    [Fact]
    public async Task Only_regular_files_are_regular()
    {
        var directory = Directory.CreateTempSubdirectory("pocketcoder-test-").FullName;
        var file = Path.Combine(directory, "file");
        await File.WriteAllTextAsync(file, "");
        File.CreateSymbolicLink(Path.Combine(directory, "link"), file);
        var fifo = await CommandRun.RunAsync(
            Shell.Command($"mkfifo {directory}/fifo"), Wait.Limit, 1000, TimeProvider.System, CancellationToken.None);
        Assert.Equal(0, fifo.ExitCode);
        Assert.True(FileKind.IsRegular(file));
        Assert.True(FileKind.IsRegular(Path.Combine(directory, "link")));
        Assert.False(FileKind.IsRegular(Path.Combine(directory, "fifo")));
        Assert.False(FileKind.IsRegular(directory));
        Assert.False(FileKind.IsRegular("/dev/null"));
        Assert.False(FileKind.IsRegular("/no/such"));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public void Programs_are_found_on_absolute_path_entries_only()
    {
        Assert.Equal("/bin/sh", Executables.Find("sh", "relative:.::/bin"));
        Assert.Null(Executables.Find("sh", "relative:."));
        Assert.Null(Executables.Find("./sh", "/bin"));
        Assert.Null(Executables.Find("", "/bin"));
        Assert.Equal("/bin/sh", Executables.Find("/bin/sh", null));
        Assert.Null(Executables.Find("/etc/passwd", null));
    }
}
