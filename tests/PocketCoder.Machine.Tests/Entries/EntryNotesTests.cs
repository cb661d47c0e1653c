using PocketCoder.Entry;
using PocketCoder.Protocol;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Entries;

/// <summary>What an entry point keeps over a restart.</summary>
public sealed class EntryNotesTests
{
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_note_is_there_after_a_restart_and_no_other_platform_has_it()
    {
        var (room, other) = (new ChatRoom("chat"), new ChatRoom("other"));
        await using var daemon = await TestDaemon.StartAsync(more: o => o with { EntryPoints = [room, other] });
        var (notes, theirs) = ((await room.MachineAsync()).Notes, (await other.MachineAsync()).Notes);
        await notes.SetAsync("chat/1", "one", s_day, CancellationToken.None);
        await notes.SetAsync("chat/2", "two \ud83c\udf0d", s_day, CancellationToken.None);
        await notes.SetAsync("chat_x", "no chat", s_day, CancellationToken.None);
        await notes.SetAsync("chat/1", "first", s_day, CancellationToken.None);
        await theirs.SetAsync("chat/3", "theirs", s_day, CancellationToken.None);

        await daemon.RestartAsync();

        notes = (await room.MachineAsync()).Notes;
        Assert.Equal(
            [new("chat/1", "first"), new("chat/2", "two \ud83c\udf0d")],
            await notes.ListAsync("chat/", 10, CancellationToken.None));
        Assert.Equal([new("chat/1", "first")], await notes.ListAsync("chat/", 1, CancellationToken.None));
        Assert.Null(await notes.FindAsync("chat/3", CancellationToken.None));
        Assert.Equal("theirs", await (await other.MachineAsync()).Notes.FindAsync("chat/3", CancellationToken.None));
    }

    [Fact]
    public async Task Of_many_who_add_or_take_the_same_one_does()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var notes = (await room.MachineAsync()).Notes;

        var added = await Task.WhenAll(Enumerable.Range(0, 100).Select(n => notes.AddAsync("event/1", $"{n}", s_day, CancellationToken.None)));
        Assert.Single(added, a => a);
        var taken = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => notes.TakeAsync("event/1", CancellationToken.None)));
        Assert.Single(taken, t => t is not null);
    }

    [Fact]
    public async Task A_note_ends_when_its_time_is_over()
    {
        var (room, time) = (new ChatRoom(), new ManualTime());
        await using var daemon = await room.StartAsync(time);
        var notes = (await room.MachineAsync()).Notes;
        foreach (var key in (string[])["a", "b", "c"])
        {
            await notes.AddAsync(key, "x", s_day, CancellationToken.None);
        }

        time.Advance(s_day);

        Assert.Null(await notes.FindAsync("a", CancellationToken.None));
        Assert.Null(await notes.TakeAsync("b", CancellationToken.None));
        Assert.Empty(await notes.ListAsync("", 10, CancellationToken.None));
        Assert.True(await notes.AddAsync("c", "again", s_day, CancellationToken.None));
    }

    [Fact]
    public async Task A_note_that_is_too_much_is_refused_and_changes_nothing()
    {
        var room = new ChatRoom();
        await using var daemon = await room.StartAsync();
        var notes = (await room.MachineAsync()).Notes;
        await notes.AddAsync("kept", "x", s_day, CancellationToken.None);
        (string Key, string Value, TimeSpan Keep)[] wrong =
        [
            ("", "x", s_day), ("a b", "x", s_day), ("\u00e9", "x", s_day), (new string('k', 201), "x", s_day),
            ("kept", new string('x', 64 * 1024 + 1), s_day), ("kept", "y", TimeSpan.Zero), ("kept", "y", TimeSpan.FromDays(401)),
        ];
        foreach (var (key, value, keep) in wrong)
        {
            Assert.Equal(ErrorCode.InvalidRequest, (await Assert.ThrowsAsync<EntryRefusal>(
                () => notes.SetAsync(key, value, keep, CancellationToken.None))).Error.Code);
        }

        Assert.Equal([new("kept", "x")], await notes.ListAsync("", 10, CancellationToken.None));
    }
}
