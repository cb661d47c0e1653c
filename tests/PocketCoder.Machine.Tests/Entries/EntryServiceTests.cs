using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Machine.Entries;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>How entry points begin and end.</summary>
public sealed class EntryServiceTests
{
    [Fact]
    public async Task One_that_does_not_end_keeps_the_daemon_from_stopping_for_five_seconds_only()
    {
        var time = new ManualTime();
        var forever = new TaskCompletionSource();
        var room = new ChatRoom(run: (_, _) => forever.Task);
        var service = Service(room, time);
        await room.MachineAsync();

        var ending = service.DisposeAsync().AsTask();
        Assert.False(ending.IsCompleted);
        await Wait.UntilAsync(() => time.ArmedTimers > 0, "the limit");
        time.Advance(TimeSpan.FromSeconds(5));
        await ending.WaitAsync(Wait.Limit);
        forever.SetResult();
    }

    [Fact]
    public async Task One_that_is_told_to_stop_does_and_is_waited_for()
    {
        var ended = false;
        var room = new ChatRoom(run: async (_, stop) =>
        {
            await Wait.ForeverAsync(stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended = true;
        });
        var service = Service(room, TimeProvider.System);
        await room.MachineAsync();
        await service.DisposeAsync();
        Assert.True(ended);
    }

    private static EntryService Service(ChatRoom room, TimeProvider time) => new([Run(room, time)], time, NullLogger.Instance);

    private static EntryRun Run(ChatRoom room, TimeProvider time) => new(
        room, new EntryMachine(room.Platform, null!, null!, null!, null!, null!, null!, time, NullLogger.Instance), text => text, time,
        NullLogger.Instance);
}
