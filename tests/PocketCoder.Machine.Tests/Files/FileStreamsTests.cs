using PocketCoder.Ledger;
using PocketCoder.Machine.Files;
using PocketCoder.Machine.Files.Watching;
using PocketCoder.Machine.Projects;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Starting;
using PocketCoder.Machine.Storage;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Files;

public sealed class FileStreamsTests
{
    [Fact]
    public async Task When_it_is_over_nothing_is_watched_any_more_and_who_asks_is_told_so()
    {
        var folder = Directory.CreateTempSubdirectory("pc-");
        await using var ledger = await LedgerStore.OpenAsync(
            new LedgerOptions(Path.Combine(folder.FullName, "x.db"), "m") { MigrationSets = DaemonTables.All }, TimeProvider.System,
            CancellationToken.None);
        var store = new Store(ledger, new StreamHub("instance"), "none", TimeProvider.System, static body => body);
        var projects = new ProjectStore(store);
        var project = (await projects.AddAsync(folder.CreateSubdirectory("project").FullName, "project")).Project.ProjectId;
        var home = Home.At(folder.CreateSubdirectory("home").FullName);
        var streams = new FileStreams(new FileService(home, projects, store, null!, TimeProvider.System), store, new ManualTime());
        using var lease = await streams.FollowAsync(project, CancellationToken.None);
        Assert.True((await streams.StatesAsync(CancellationToken.None))[project].Watching);

        await streams.DisposeAsync();

        var refused = await Assert.ThrowsAsync<RequestFailure>(
            () => streams.FollowAsync(project, CancellationToken.None)).WaitAsync(Wait.Limit);
        Assert.Equal(ErrorCode.Unavailable, refused.Error.Code);
        await streams.EndProjectAsync(project).WaitAsync(Wait.Limit); // and who only ends something, ends nothing
        Assert.False((await streams.StatesAsync(CancellationToken.None))[project].Watching);
    }
}
