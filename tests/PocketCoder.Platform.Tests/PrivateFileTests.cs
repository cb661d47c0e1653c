using System.Runtime.Versioning;
using System.Text;

namespace PocketCoder.Platform.Tests;

[UnsupportedOSPlatform("windows")]
public sealed class PrivateFileTests : IDisposable
{
    private static readonly byte[] s_old = Encoding.UTF8.GetBytes("old"), s_new = Encoding.UTF8.GetBytes("new content");

    private readonly string _folder = Directory.CreateTempSubdirectory("platform").FullName;

    private string Name => Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_new_file_is_private_and_one_that_is_there_stays_as_it_was()
    {
        Assert.True(PrivateFile.TryCreate(Name, s_old));
        Assert.False(PrivateFile.TryCreate(Name, s_new));
        Assert.Equal(s_old, File.ReadAllBytes(Name));
        Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(Name));
        Assert.Equal([Name], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Of_many_that_create_it_at_once_one_does_and_its_content_stays()
    {
        // On a file system in memory, where there is one, a rename that only looks first lost this every other time.
        var memory = Directory.Exists("/dev/shm") ? "/dev/shm" : _folder;
        var folder = Directory.CreateDirectory(Path.Combine(memory, $"once-{Guid.CreateVersion7():N}")).FullName;
        try
        {
            for (var round = 0; round < 50; round++)
            {
                var path = Path.Combine(folder, $"{round}");
                var made = new bool[8];
                using var together = new Barrier(made.Length);
                var threads = made.Select((_, index) => new Thread(() =>
                {
                    together.SignalAndWait(TimeSpan.FromSeconds(60));
                    made[index] = PrivateFile.TryCreate(path, [(byte)index]);
                })).ToList();
                threads.ForEach(thread => thread.Start());
                threads.ForEach(thread => thread.Join());
                var first = Assert.Single(Enumerable.Range(0, made.Length), index => made[index]);
                Assert.Equal([(byte)first], File.ReadAllBytes(path));
            }

            Assert.Equal(50, Directory.GetFileSystemEntries(folder).Length);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_something_and_stays()
    {
        File.CreateSymbolicLink(Name, Path.Combine(_folder, "nowhere"));
        Assert.False(PrivateFile.TryCreate(Name, s_new));
        Assert.Equal([Name], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_replaced_file_is_private_whatever_the_one_before_allowed()
    {
        File.WriteAllBytes(Name, s_old);
        File.SetUnixFileMode(Name, PrivateFile.Mode | UnixFileMode.OtherRead | UnixFileMode.GroupWrite);
        PrivateFile.Replace(Name, s_new);
        Assert.Equal(s_new, File.ReadAllBytes(Name));
        Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(Name));
        Assert.Equal([Name], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void A_reader_that_has_the_old_file_open_keeps_the_old_content()
    {
        PrivateFile.Replace(Name, s_old);
        using var reader = File.OpenRead(Name);
        PrivateFile.Replace(Name, s_new);
        var read = new byte[64];
        Assert.Equal(s_old, read[..reader.Read(read)]);
    }

    [Fact]
    public void A_link_at_the_name_is_replaced_and_its_target_is_not_written()
    {
        var target = Path.Combine(_folder, "target");
        File.WriteAllBytes(target, s_old);
        File.CreateSymbolicLink(Name, target);
        PrivateFile.Replace(Name, s_new);
        Assert.Equal(s_old, File.ReadAllBytes(target));
        Assert.Null(new FileInfo(Name).LinkTarget);
        Assert.Equal(s_new, File.ReadAllBytes(Name));
    }

    [Fact]
    public void A_new_file_is_not_written_through_a_link_that_leads_nowhere()
    {
        var target = Path.Combine(_folder, "target");
        File.CreateSymbolicLink(Name, target);
        Assert.False(PrivateFile.TryCreate(Name, s_new));
        Assert.False(File.Exists(target));
    }

    [Fact]
    public void An_empty_file_takes_the_place_of_a_link_and_of_a_file_that_others_could_read()
    {
        var target = Path.Combine(_folder, "target");
        File.WriteAllBytes(target, s_old);
        File.CreateSymbolicLink(Name, target);
        PrivateFile.CreateEmpty(Name);
        Assert.Equal(s_old, File.ReadAllBytes(target));
        Assert.Empty(File.ReadAllBytes(Name));

        File.WriteAllBytes(Name, s_old);
        File.SetUnixFileMode(Name, PrivateFile.Mode | UnixFileMode.OtherRead);
        PrivateFile.CreateEmpty(Name);
        Assert.Empty(File.ReadAllBytes(Name));
        Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(Name));
    }

    [Fact]
    public void A_file_that_must_be_there_keeps_its_content_and_loses_what_others_may_do()
    {
        PrivateFile.Ensure(Name);
        Assert.Empty(File.ReadAllBytes(Name));
        File.WriteAllBytes(Name, s_old);
        File.SetUnixFileMode(Name, PrivateFile.Mode | UnixFileMode.OtherRead);
        PrivateFile.Ensure(Name);
        Assert.Equal(s_old, File.ReadAllBytes(Name));
        Assert.Equal(PrivateFile.Mode, File.GetUnixFileMode(Name));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.GroupExecute)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.OtherExecute)]
    public void Any_right_of_others_exposes_a_file(UnixFileMode right)
    {
        PrivateFile.Replace(Name, s_old);
        using var file = File.OpenHandle(Name);
        Assert.False(PrivateFile.IsExposed(file));
        File.SetUnixFileMode(file, PrivateFile.Mode | right);
        Assert.True(PrivateFile.IsExposed(file));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_file_and_nothing_beside_it()
    {
        Directory.CreateDirectory(Name);
        File.WriteAllBytes(Path.Combine(Name, "inside"), s_old);
        Assert.ThrowsAny<Exception>(() => PrivateFile.Replace(Name, s_new));
        Assert.Equal([Name], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void What_a_cut_off_write_left_is_removed_and_nothing_else()
    {
        var left = Path.Combine(_folder, ".file.0190.tmp");
        var other = Path.Combine(_folder, ".another.0190.tmp");
        File.WriteAllBytes(left, s_old);
        File.WriteAllBytes(other, s_old);
        PrivateFile.Replace(Name, s_new);
        PrivateFile.RemoveLeftovers(Name);
        Assert.Equal([other, Name], Directory.GetFileSystemEntries(_folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_private_folder_is_closed_to_others()
    {
        var made = PrivateFolder.Make(Path.Combine(_folder, "one", "two"));
        Assert.Equal(PrivateFile.Mode | UnixFileMode.UserExecute, File.GetUnixFileMode(made));
    }

    [Fact]
    public void A_folder_that_is_not_there_is_no_failure_of_what_was_renamed() => FolderSync.Flush(Path.Combine(_folder, "missing"));
}
