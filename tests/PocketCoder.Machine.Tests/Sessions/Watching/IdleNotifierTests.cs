using PocketCoder.Machine.Storage;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Sessions.Watching;

/// <summary>When the machine counts as come to rest.</summary>
public sealed class IdleNotifierTests
{
    private readonly ManualTime _time = new();
    private int _rests;

    [Fact]
    public void Each_rest_is_told_once_some_seconds_after_the_last_thing_that_was_done()
    {
        using var calm = new IdleNotifier(() => _rests++, () => false, _time);
        calm.Touch();
        _time.Advance(IdleNotifier.After);
        _time.Advance(IdleNotifier.After);
        Assert.Equal(1, _rests);
        calm.Touch();
        _time.Advance(IdleNotifier.After / 2);
        calm.Touch();
        _time.Advance(IdleNotifier.After / 2);
        Assert.Equal(1, _rests);
        _time.Advance(IdleNotifier.After / 2);
        Assert.Equal(2, _rests);
        Assert.Equal(0, _time.ArmedTimers);
    }

    [Fact]
    public void Something_that_works_silently_is_not_disturbed()
    {
        var busy = true;
        using var calm = new IdleNotifier(() => _rests++, () => busy, _time);
        calm.Touch();
        _time.Advance(IdleNotifier.After);
        Assert.Equal(0, _rests);
        busy = false;
        calm.Touch();
        _time.Advance(IdleNotifier.After);
        Assert.Equal(1, _rests);
    }
}
