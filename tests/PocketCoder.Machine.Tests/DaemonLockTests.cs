namespace PocketCoder.Machine.Tests;

public sealed class DaemonLockTests
{
    [Fact]
    public void One_home_has_one_daemon_and_the_next_gets_it_when_that_is_gone()
    {
        var home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        Assert.False(DaemonLock.IsTaken(home));
        using (var held = DaemonLock.TryTake(home, TimeProvider.System))
        {
            Assert.NotNull(held);
            Assert.Null(DaemonLock.TryTake(home, TimeProvider.System));
            Assert.True(DaemonLock.IsTaken(home));
        }

        using (var next = DaemonLock.TryTake(home, TimeProvider.System))
        {
            Assert.NotNull(next);
        }

        Directory.Delete(home.Root, recursive: true);
    }

    [Fact]
    public void A_lock_file_that_cannot_be_opened_does_not_pass_for_a_running_daemon()
    {
        // Like a read-only or full disk, but anybody can make it: a link that leads to itself.
        var home = Home.At(Directory.CreateTempSubdirectory("pc-").FullName);
        File.CreateSymbolicLink(home.LockFile, home.LockFile);
        Assert.Throws<IOException>(() => DaemonLock.TryTake(home, TimeProvider.System));
        Directory.Delete(home.Root, recursive: true);
    }
}
