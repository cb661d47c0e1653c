using System.Runtime.Versioning;

namespace PocketCoder.Platform.Tests;

[SupportedOSPlatform("linux")]
public sealed class FileStatusTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("platform").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_and_a_link_to_it_are_the_same_file()
    {
        var file = Path.Combine(_folder, "file");
        var link = Path.Combine(_folder, "link");
        File.WriteAllBytes(file, new byte[5000]);
        File.CreateSymbolicLink(link, file);
        var status = FileStatus.Of(file)!.Value;
        Assert.Equal(status, FileStatus.Of(link));
        Assert.True(status.IsRegular);
        Assert.Equal(1u, status.Links);
        Assert.Equal(CurrentUser.Id, status.User);
        Assert.Equal((int)File.GetUnixFileMode(file), status.Mode & 0xFFF);
        Assert.InRange(status.Allocated, 0, 1 << 20);
        Assert.Equal(status.Device, ((ulong)status.DeviceMinor << 32) | status.DeviceMajor);
        Assert.NotEqual(status.Inode, FileStatus.Of(_folder)!.Value.Inode);
    }

    [Fact]
    public void A_device_is_no_regular_file_and_what_can_not_be_seen_has_no_status()
    {
        Assert.False(FileStatus.Of("/dev/null")!.Value.IsRegular);
        Assert.False(FileStatus.Of(_folder)!.Value.IsRegular);
        Assert.Null(FileStatus.Of(Path.Combine(_folder, "missing")));
        Assert.Null(FileStatus.Of("/dev/null\0/x"));
    }

    [Fact]
    public void Owners_are_compared_and_a_missing_file_has_none()
    {
        var file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        Assert.True(FileOwner.IsCurrentUser(file));
        Assert.True(FileOwner.AreTheSame(file, _folder));
        Assert.False(FileOwner.AreTheSame(file, Path.Combine(_folder, "missing")));
        Assert.Throws<IOException>(() => FileOwner.IsCurrentUser(Path.Combine(_folder, "missing")));
    }
}
