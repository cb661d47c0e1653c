using PocketCoder.Testing.Accounts;

namespace PocketCoder.Accounts.Tests;

public sealed class SignInTests : IDisposable
{
    private readonly AccountsHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task The_owner_comes_by_a_link_that_is_good_once_for_a_day_and_only_the_newest_is()
    {
        var older = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var link = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var browser = new Browser(_home);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => browser.WelcomeAsync(older, "ada")));
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => browser.WelcomeAsync("", "ada")));
        Assert.Equal(AccountError.Malformed, await Refused.WithAsync(() => browser.WelcomeAsync(link, "ada lovelace")));
        Assert.Equal(AccountError.WeakPassword, await Refused.WithAsync(() => browser.WelcomeAsync(link, "ada", "short")));
        await browser.WelcomeAsync(link, " Ada "); // what was refused did not use it up
        Assert.Equal(("ada", Role.Owner), (browser.Who().Name, browser.Who().Role));
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(link, "eve")));

        var late = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        _home.Time.Advance(AccountLimits.OwnerLinkLife);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(late, "ada")));
    }

    [Fact]
    public async Task A_clock_that_was_set_back_makes_no_link_last_longer()
    {
        var link = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        _home.Time.JumpWall(TimeSpan.FromHours(-1));
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(link, "ada")));
    }

    [Fact]
    public async Task With_the_owners_name_another_link_sets_a_new_password_and_ends_the_owners_sign_ins()
    {
        var owner = await _home.OwnerAsync();
        var link = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var browser = new Browser(_home);
        Assert.Equal(AccountError.NameTaken, await Refused.WithAsync(() => browser.WelcomeAsync(link, "eve")));
        await browser.WelcomeAsync(link, "ada", "another horse battery");
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => owner.Who()));
        Assert.Equal(AccountError.WrongNameOrPassword, await Refused.WithAsync(() => owner.SignInAsync("ada")));
        await owner.SignInAsync("ada", "another horse battery");
        Assert.Equal("ada", Assert.Single(_home.Administration.Users).Name);
    }

    [Fact]
    public async Task One_link_makes_one_person_whoever_else_uses_it_at_the_same_moment()
    {
        var link = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var tries = Enumerable.Range(0, 4).Select(i => Task.Run(() => new Browser(_home).WelcomeAsync(link, $"ada{i}"))).ToList();
        var failed = 0;
        foreach (var one in tries)
        {
            failed += await Record.ExceptionAsync(() => one) is AccountRefusal ? 1 : 0;
        }

        Assert.Equal(3, failed);
        Assert.Single(_home.Administration.Users);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_wrong_password_and_a_wrong_name_are_refused_alike_and_throttled_alike()
    {
        await _home.OwnerAsync();
        var told = new List<IReadOnlyList<(AccountError, string, TimeSpan?)>>();
        foreach (var name in (string[])["ada", "nobody"])
        {
            var answers = new List<(AccountError, string, TimeSpan?)>();
            for (var i = 0; i < 12; i++)
            {
                // Each from another address: what is counted is the name.
                var browser = new Browser(_home, $"198.51.100.{i}");
                var refusal = await Assert.ThrowsAsync<AccountRefusal>(() => browser.SignInAsync(name, "not the password"));
                answers.Add((refusal.Error, refusal.Message, refusal.Wait));
            }

            told.Add(answers);
        }

        Assert.Equal(told[0], told[1]);
        Assert.Equal(AccountError.WrongNameOrPassword, told[0][9].Item1);
        Assert.Equal((AccountError.TooFast, TimeSpan.FromSeconds(30)), (told[0][11].Item1, told[0][11].Item3!.Value));
        Assert.Equal(AccountError.TooFast, await Refused.WithAsync(() => new Browser(_home, "203.0.113.7").SignInAsync("ada")));
        _home.Time.Advance(TimeSpan.FromSeconds(30));
        await new Browser(_home, "203.0.113.7").SignInAsync("ada");
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task One_address_can_not_try_many_names_and_what_succeeds_does_not_count()
    {
        await _home.OwnerAsync();
        for (var i = 0; i < 10; i++)
        {
            var name = $"somebody{i}";
            await Refused.WithAsync(() => new Browser(_home, "198.51.100.1").SignInAsync(name, "not the password"));
        }

        Assert.Equal(AccountError.TooFast, await Refused.WithAsync(() => new Browser(_home, "198.51.100.1").SignInAsync("ada")));
        for (var i = 0; i < 12; i++)
        {
            await new Browser(_home, "198.51.100.2").SignInAsync("ada");
        }
    }

    [Fact]
    public async Task One_address_can_not_ask_without_end_whatever_keys_it_makes()
    {
        var errors = new List<AccountError>();
        for (var i = 0; i < 70; i++)
        {
            errors.Add(await Refused.WithAsync(() => new Browser(_home, "198.51.100.1").WelcomeAsync("none", "eve")));
        }

        Assert.Equal(10, errors.Count(e => e == AccountError.BadLink));
        Assert.Equal(60, errors.Count(e => e == AccountError.TooFast));
        _home.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home, "198.51.100.1").WelcomeAsync("none", "eve")));
    }

    [Fact]
    public async Task Refresh_tokens_are_good_once_and_the_one_before_for_a_minute_because_answers_are_lost()
    {
        var browser = await _home.OwnerAsync();
        var first = browser.Tokens.Refresh;
        await browser.RefreshAsync();
        await browser.RefreshAsync(first); // the answer was lost
        await browser.RefreshAsync(first); // and again
        var last = browser.Tokens;
        Assert.Equal("ada", browser.Who().Name);

        _home.Time.Advance(AccountLimits.RetryWindow + TimeSpan.FromSeconds(1));
        Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(() => browser.RefreshAsync(first)));
        browser.Tokens = last;
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => browser.Who())); // the family has ended
        Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(() => browser.RefreshAsync()));
        Assert.Equal(0, Assert.Single(_home.Administration.Users).SignIns);
    }

    [Fact]
    public async Task Retrying_does_not_prolong_the_minute()
    {
        var browser = await _home.OwnerAsync();
        var first = browser.Tokens.Refresh;
        await browser.RefreshAsync();
        for (var i = 0; i < 2; i++)
        {
            _home.Time.Advance(TimeSpan.FromSeconds(29));
            await browser.RefreshAsync(first);
        }

        _home.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(() => browser.RefreshAsync(first)));
    }

    [Fact]
    public async Task A_stolen_token_is_worth_nothing_without_the_key_not_even_to_sign_its_owner_out()
    {
        var browser = await _home.OwnerAsync();
        var old = browser.Tokens.Refresh;
        await browser.RefreshAsync();
        _home.Time.Advance(TimeSpan.FromMinutes(2));
        var thief = new Browser(_home) { Tokens = browser.Tokens };
        Assert.Equal(AccountError.BadProof, Refused.With(() => thief.Who()));
        Assert.Equal(AccountError.BadProof, await Refused.WithAsync(() => thief.RefreshAsync()));
        Assert.Equal(AccountError.BadProof, await Refused.WithAsync(() => thief.RefreshAsync(old)));
        Assert.Equal("ada", browser.Who().Name);
        await browser.RefreshAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_access_token_ends_after_ten_minutes_by_either_clock(bool asleep)
    {
        var browser = await _home.OwnerAsync();
        _home.Time.Advance(AccountLimits.AccessLife - TimeSpan.FromSeconds(1));
        Assert.Equal("ada", browser.Who().Name);
        if (asleep)
        {
            _home.Time.JumpWall(TimeSpan.FromSeconds(1));
        }
        else
        {
            _home.Time.JumpWall(TimeSpan.FromMinutes(-5));
            _home.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => browser.Who()));
        await browser.RefreshAsync();
        Assert.Equal("ada", browser.Who().Name);
    }

    [Fact]
    public async Task A_sign_in_ends_after_thirty_days_unused_and_after_half_a_year_in_any_case()
    {
        var idle = await _home.OwnerAsync();
        var used = new Browser(_home);
        await used.SignInAsync("ada");
        for (var i = 0; i < 8; i++)
        {
            _home.Time.Advance(TimeSpan.FromDays(20));
            await used.RefreshAsync();
        }

        Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(() => idle.RefreshAsync()));
        _home.Time.Advance(TimeSpan.FromDays(20));
        Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(() => used.RefreshAsync()));
    }

    [Fact]
    public async Task A_ticket_is_for_one_machine_once_within_half_a_minute()
    {
        var browser = await _home.OwnerAsync();
        var signIn = browser.Who().SignInId;
        string Ticket() => _home.SignIns.GiveTicket(browser.Who(), "desk", exists: true);
        var ticket = Ticket();
        Assert.Equal(signIn, _home.SignIns.UseTicket(ticket, "desk"));
        Assert.Null(_home.SignIns.UseTicket(ticket, "desk"));
        ticket = Ticket();
        Assert.Null(_home.SignIns.UseTicket(ticket, "other"));
        Assert.Null(_home.SignIns.UseTicket(ticket, "desk")); // used up by that
        ticket = Ticket();
        _home.Time.Advance(AccountLimits.TicketLife);
        Assert.Null(_home.SignIns.UseTicket(ticket, "desk"));
        Assert.Null(_home.SignIns.UseTicket(null, "desk"));
        Assert.Null(_home.SignIns.UseTicket(new string('A', 43), "desk"));
    }

    [Fact]
    public async Task A_machine_that_is_not_there_and_one_that_is_not_theirs_look_the_same()
    {
        var owner = await _home.OwnerAsync();
        var viewer = await _home.PersonAsync(owner, Role.Viewer, "grace", "desk");
        Assert.NotEmpty(_home.SignIns.GiveTicket(viewer.Who(), "desk", exists: true));
        var forbidden = Assert.Throws<AccountRefusal>(() => _home.SignIns.GiveTicket(viewer.Who(), "secret", exists: true));
        var unknown = Assert.Throws<AccountRefusal>(() => _home.SignIns.GiveTicket(viewer.Who(), "none", exists: false));
        var gone = Assert.Throws<AccountRefusal>(() => _home.SignIns.GiveTicket(viewer.Who(), "desk", exists: false));
        Assert.Equal((AccountError.NotFound, forbidden.Message), (unknown.Error, unknown.Message));
        Assert.Equal((AccountError.NotFound, forbidden.Message), (gone.Error, gone.Message));
        Assert.Equal(AccountError.NotFound, forbidden.Error);
        Assert.True(_home.SignIns.MayMeet(owner.Who().SignInId, "secret"));
    }

    [Fact]
    public async Task People_end_their_own_sign_ins_and_no_others()
    {
        var owner = await _home.OwnerAsync();
        var second = new Browser(_home);
        await second.SignInAsync("ada");
        var viewer = await _home.PersonAsync(owner, Role.Viewer, "grace");
        var ids = _home.SignIns.View(owner.Who()).SignIns;
        Assert.Equal(2, ids.Count);
        Assert.Equal(owner.Who().SignInId, Assert.Single(ids, s => s.Current).Id);
        Assert.Equal(AccountError.NotFound, await Refused.WithAsync(
            () => _home.SignIns.EndAsync(viewer.Who(), owner.Who().SignInId, CancellationToken.None)));
        await _home.SignIns.EndAsync(owner.Who(), second.Who().SignInId, CancellationToken.None);
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => second.Who()));
        Assert.Equal("ada", owner.Who().Name);
    }

    [Fact]
    public async Task A_new_password_needs_the_old_one_and_ends_all_other_sign_ins()
    {
        var owner = await _home.OwnerAsync();
        var other = new Browser(_home);
        await other.SignInAsync("ada");
        Assert.Equal(AccountError.WrongNameOrPassword, await Refused.WithAsync(
            () => _home.SignIns.ChangePasswordAsync(owner.Who(), "wrong", "another horse battery", CancellationToken.None)));
        await _home.SignIns.ChangePasswordAsync(owner.Who(), AccountsHome.Password, "another horse battery", CancellationToken.None);
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => other.Who()));
        Assert.Equal("ada", owner.Who().Name);
        Assert.Equal(AccountError.WrongNameOrPassword, await Refused.WithAsync(() => other.SignInAsync("ada")));
    }

    [Fact]
    public async Task One_sign_in_too_many_ends_the_one_that_was_used_the_longest_ago()
    {
        var owner = await _home.OwnerAsync();
        var own = _home.Store.Now.SignInOf(owner.Who().SignInId)!;
        await _home.Store.ChangeAsync(content => content with
        {
            SignIns = [.. content.SignIns, .. Enumerable.Range(1, AccountLimits.MostSignInsOfUser - 1).Select(
                i => own with { Id = $"more{i}", RenewedAt = own.RenewedAt.AddSeconds(i) })],
        }, CancellationToken.None);
        _home.Time.Advance(TimeSpan.FromMinutes(5));
        var newest = new Browser(_home);
        await newest.SignInAsync("ada");
        Assert.Equal(AccountLimits.MostSignInsOfUser, Assert.Single(_home.Administration.Users).SignIns);
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => owner.Who()));
        Assert.Equal("ada", newest.Who().Name);
    }

    [Fact]
    public async Task Nothing_that_opens_anything_stands_in_the_file()
    {
        var link = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var owner = new Browser(_home);
        var text = await File.ReadAllTextAsync(_home.Path);
        await owner.WelcomeAsync(link, "ada");
        var first = owner.Tokens;
        await owner.RefreshAsync();
        var invitation = await _home.People.InviteAsync(owner.Who(), Role.Viewer, null, CancellationToken.None);
        text += await File.ReadAllTextAsync(_home.Path);
        Assert.All(
            (string[])[link, AccountsHome.Password, first.Access, first.Refresh, first.Refresh.Split('.')[1], owner.Tokens.Access,
                owner.Tokens.Refresh.Split('.')[1], invitation.Token],
            secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Words_that_are_no_tokens_are_refused()
    {
        var owner = await _home.OwnerAsync();
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var text = i switch
            {
                0 => "",
                1 => ".",
                2 => owner.Tokens.Refresh + ".x",
                3 => owner.Tokens.Refresh.ToUpperInvariant(),
                _ => new string([.. Enumerable.Range(0, random.Next(120)).Select(_ => (char)random.Next(1, 0x2ff))]),
            };
            _home.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(() => owner.RefreshAsync(text)));
            Assert.Equal(AccountError.NotSignedIn, Refused.With(() => _home.SignIns.Authenticate(owner.Prove(token: text), text)));
            _home.Time.Advance(TimeSpan.FromSeconds(1));
        }

        await owner.RefreshAsync();
    }
}
