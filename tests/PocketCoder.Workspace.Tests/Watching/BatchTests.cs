using PocketCoder.Protocol;
using PocketCoder.Workspace.Beneath;
using PocketCoder.Workspace.Watching;

namespace PocketCoder.Workspace.Tests.Watching;

public sealed class BatchTests
{
    private static TimeSpan Ms(int ms) => TimeSpan.FromMilliseconds(ms);

    [Fact]
    public void Changes_are_told_after_a_quarter_of_a_second_of_quiet_and_at_the_latest_after_one()
    {
        var batch = new ChangeBatch();
        Assert.Null(batch.DueIn(Ms(0)));
        batch.Add(FsChangeKind.Modify, new ProjectPath("a"), Ms(1000));
        Assert.Equal(Ms(250), batch.DueIn(Ms(1000)));
        batch.Add(FsChangeKind.Modify, new ProjectPath("a"), Ms(1200));
        Assert.Equal(Ms(250), batch.DueIn(Ms(1200)));
        Assert.Equal(TimeSpan.Zero, batch.DueIn(Ms(1450)));
        for (var at = 1400; at < 2000; at += 100)
        {
            batch.Add(FsChangeKind.Modify, new ProjectPath("a"), Ms(at));
        }

        Assert.Equal(Ms(50), batch.DueIn(Ms(1950)));
        Assert.Equal(TimeSpan.Zero, batch.DueIn(Ms(2000)));
        Assert.Single(batch.Take().Changes);
        Assert.Null(batch.DueIn(Ms(2000)));
    }

    [Fact]
    public void The_last_state_of_each_path_wins_and_no_more_than_five_hundred_are_told()
    {
        var batch = new ChangeBatch();
        foreach (var (kind, path) in ((FsChangeKind, string)[])[
            (FsChangeKind.Create, "new"), (FsChangeKind.Modify, "new"), (FsChangeKind.Modify, "gone"), (FsChangeKind.Delete, "gone"),
            (FsChangeKind.Delete, "back"), (FsChangeKind.Create, "back"), (FsChangeKind.Modify, "a")])
        {
            batch.Add(kind, new ProjectPath(path), default);
        }

        var (changes, truncated, git) = batch.Take();
        Assert.Equal([new(FsChangeKind.Modify, "a"), new(FsChangeKind.Create, "back"), new(FsChangeKind.Delete, "gone"),
            new FsChange(FsChangeKind.Create, "new")], changes);
        Assert.False(truncated || git);
        for (var i = 0; i <= FileLimits.Changes; i++)
        {
            batch.Add(FsChangeKind.Create, new ProjectPath($"{i}"), default);
        }

        batch.Git(default);
        (changes, truncated, git) = batch.Take();
        Assert.Equal((FileLimits.Changes, true, true), (changes.Count, truncated, git));
        Assert.Equal((false, false), (batch.Take().Truncated, batch.Take().Git));
    }
}
