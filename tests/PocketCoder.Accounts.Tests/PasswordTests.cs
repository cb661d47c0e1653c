using PocketCoder.Testing;

namespace PocketCoder.Accounts.Tests;

public sealed class PasswordTests
{
    private readonly Passwords _passwords = new();

    [Fact]
    public async Task A_password_is_kept_as_two_hundred_and_ten_thousand_rounds_with_a_salt_of_its_own()
    {
        var one = await _passwords.HashAsync("correct horse battery", CancellationToken.None);
        var other = await _passwords.HashAsync("correct horse battery", CancellationToken.None);
        Assert.StartsWith("pbkdf2-sha512$210000$", one, StringComparison.Ordinal);
        Assert.NotEqual(one, other);
        Assert.True(await _passwords.IsAsync("correct horse battery", one, CancellationToken.None));
        Assert.False(await _passwords.IsAsync("correct horse Battery", one, CancellationToken.None));
        Assert.False(await _passwords.IsAsync("correct horse battery", null, CancellationToken.None));
        Assert.False(await _passwords.IsAsync("\ud800correct horse battery", one, CancellationToken.None));
        Assert.False(await _passwords.IsAsync(new string('x', 5000), one, CancellationToken.None));
    }

    [Theory]
    [InlineData("")]
    [InlineData("pbkdf2-sha512$1$00$00")]
    [InlineData("plain$correct horse battery")]
    public async Task What_was_not_kept_by_this_is_nobodys_password(string kept)
        => Assert.False(await _passwords.IsAsync("correct horse battery", kept, CancellationToken.None));

    [Theory]
    [InlineData("short", "ada")]
    [InlineData("aaaaaaaaaaaaaaaa", "ada")]
    [InlineData("ada.lovelace1815", "ada.lovelace")]
    public void What_is_guessed_at_once_is_no_password(string password, string name)
        => Assert.Equal(AccountError.WeakPassword, Refused.With(() => Passwords.Require(password, name)));

    [Fact]
    public void Half_a_character_is_in_no_password()
        => Assert.Equal(AccountError.WeakPassword, Refused.With(() => Passwords.Require("half a character \ud800", "ada")));

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Guessing_does_not_take_the_whole_computer()
    {
        var tries = Enumerable.Range(0, 40).Select(_ => _passwords.IsAsync("correct horse battery", null, CancellationToken.None)).ToList();
        var refused = 0;
        foreach (var one in tries)
        {
            refused += await Record.ExceptionAsync(() => one) is AccountRefusal { Error: AccountError.TooFast } ? 1 : 0;
        }

        Assert.True(refused >= 1, "all were worked on");
        Assert.False(await _passwords.IsAsync("correct horse battery", null, CancellationToken.None)); // there is room again
    }

    [Fact]
    public void Tries_come_back_with_time_and_those_who_are_too_many_share()
    {
        var time = new ManualTime();
        var attempts = new Attempts(time, burst: 2, TimeSpan.FromSeconds(10), most: 3);
        attempts.Take("a");
        attempts.Take("a");
        Assert.Equal(TimeSpan.FromSeconds(10), Assert.Throws<AccountRefusal>(() => attempts.Take("a")).Wait);
        attempts.GiveBack("a");
        attempts.Take("a");
        time.Advance(TimeSpan.FromSeconds(10));
        attempts.Take("a");
        attempts.Take("b");
        attempts.Take("c");
        attempts.Take("d"); // of the crowd
        attempts.Take("e");
        Assert.Throws<AccountRefusal>(() => attempts.Take("f"));
        attempts.Take("b");
        time.Advance(TimeSpan.FromSeconds(20)); // all of them can be forgotten
        attempts.Take("f");
        attempts.Take("f");
        Assert.Throws<AccountRefusal>(() => attempts.Take("f"));
    }

    [Fact]
    public void Of_one_only_the_newest_hold_and_of_all_only_so_many()
    {
        var time = new ManualTime();
        var granted = new TokenTable<string>(time, TimeSpan.FromSeconds(30), mostOfOne: 2, most: 3);
        var secrets = Enumerable.Range(0, 3).Select(i => granted.Give("a", $"a{i}")).ToList();
        Assert.Equal([null, "a1", "a2"], secrets.Select(s => granted.Find(s)));
        var b = granted.Give("b", "b");
        var c = granted.Give("c", "c");
        Assert.Equal(3, granted.Count);
        Assert.Equal([null, "a2"], secrets[1..].Select(s => granted.Find(s)));
        Assert.Equal("b", granted.Find(b, once: true));
        Assert.Null(granted.Find(b));
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Null(granted.Find(c));
        granted.Give("d", "d");
        Assert.Equal(1, granted.Count);
    }
}
