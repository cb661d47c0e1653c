using PocketCoder.Testing;

namespace PocketCoder.Accounts.Tests;

public sealed class CodeTriesTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Tries_are_counted_for_the_person_wherever_they_are_and_for_the_address_whoever_it_is()
    {
        var tries = new CodeTries(_time);
        for (var i = 0; i < 10; i++)
        {
            tries.Take(Ada, At($"{i}"));
        }

        var refused = Assert.Throws<AccountRefusal>(() => tries.Take(Ada, At("another")));
        Assert.Equal((AccountError.TooFast, TimeSpan.FromSeconds(30)), (refused.Error, refused.Wait));
        for (var i = 0; i < 10; i++)
        {
            tries.Take(Ada with { UserId = $"u{i}" }, At("one"));
        }

        Assert.Equal(TimeSpan.FromSeconds(6), Assert.Throws<AccountRefusal>(() => tries.Take(Ada with { UserId = "x" }, At("one"))).Wait);
        _time.Advance(TimeSpan.FromSeconds(30));
        tries.Take(Ada, At("yet another"));
        Assert.Throws<AccountRefusal>(() => tries.Take(Ada, At("yet another")));
    }

    [Fact]
    public void What_was_right_does_not_count()
    {
        var tries = new CodeTries(_time);
        for (var i = 0; i < 100; i++)
        {
            tries.Take(Ada, At("one"));
            tries.GiveBack(Ada, At("one"));
        }
    }

    private static Person Ada => new("1", "ada", Role.Owner, "2");

    private static Proof At(string caller) => new("https://g.example", "POST", "/", default, null, caller);
}
