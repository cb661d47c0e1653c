namespace PocketCoder.Accounts.Tests;

public sealed class PeopleTests : IDisposable
{
    private static readonly Role[] s_roles = [Role.Viewer, Role.Operator, Role.Admin, Role.Owner];

    private readonly AccountsHome _home = new();

    public void Dispose() => _home.Dispose();

    /// <summary>Every role against every other: nobody makes, changes or removes an equal or somebody above, nor becomes more.</summary>
    [Fact]
    public async Task Each_role_manages_only_lesser_ones()
    {
        var owner = await _home.OwnerAsync();
        var browsers = new Dictionary<Role, Browser> { [Role.Owner] = owner };
        foreach (var role in s_roles.Where(r => r != Role.Owner))
        {
            browsers[role] = await _home.PersonAsync(owner, role, Roles.NameOf(role));
        }

        foreach (var one in s_roles)
        {
            var person = browsers[one].Who();
            foreach (var other in s_roles)
            {
                var name = other == Role.Owner ? "ada" : Roles.NameOf(other);
                var may = one switch { Role.Owner => other != Role.Owner, Role.Admin => other < Role.Admin, _ => false };
                await ExpectAsync(may, () => _home.People.InviteAsync(person, other, null, CancellationToken.None));
                await ExpectAsync(may, () => _home.People.ChangeAsync(person, name, other, null, CancellationToken.None));
                await ExpectAsync(may && one > other, () => RemoveAsync(person, name));
                foreach (var higher in s_roles.Where(r => r >= one))
                {
                    await ExpectAsync(false, () => _home.People.ChangeAsync(person, name, higher, null, CancellationToken.None));
                }
            }

            if (one < Role.Admin)
            {
                Assert.Equal(AccountError.Forbidden, Refused.With(() => _home.People.List(person)));
            }
        }

        // Removes whom it may, and puts them back as they were, so that each pair is tried with everybody there.
        async Task RemoveAsync(Person person, string name)
        {
            var before = _home.Store.Now;
            await _home.People.RemoveAsync(person, name, CancellationToken.None);
            Assert.DoesNotContain(_home.Administration.Users, u => u.Name == name);
            await _home.Store.ChangeAsync(_ => before, CancellationToken.None);
        }

        static async Task ExpectAsync(bool may, Func<Task> work)
        {
            var refusal = await Record.ExceptionAsync(work);
            Assert.Equal(may ? null : AccountError.Forbidden, (refusal as AccountRefusal)?.Error);
            Assert.True(refusal is null or AccountRefusal, refusal?.ToString());
        }
    }

    [Fact]
    public async Task An_invitation_makes_one_person_of_its_role_with_its_machines_within_a_week()
    {
        var owner = await _home.OwnerAsync();
        var invitation = await _home.People.InviteAsync(owner.Who(), Role.Operator, ["desk"], CancellationToken.None);
        var grace = new Browser(_home);
        Assert.Equal(AccountError.NameTaken, await Refused.WithAsync(() => grace.WelcomeAsync(invitation.Token, "ada")));
        await grace.WelcomeAsync(invitation.Token, "grace");
        Assert.Equal(Role.Operator, grace.Who().Role);
        Assert.Equal(["desk"], _home.SignIns.View(grace.Who()).Machines!);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(invitation.Token, "eve")));

        var late = await _home.People.InviteAsync(owner.Who(), Role.Operator, null, CancellationToken.None);
        _home.Time.Advance(AccountLimits.InvitationLife);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(late.Token, "eve")));
    }

    [Fact]
    public async Task An_invitation_ends_with_whoever_made_it_or_by_hand()
    {
        var owner = await _home.OwnerAsync();
        var admin = await _home.PersonAsync(owner, Role.Admin, "grace");
        var kept = await _home.People.InviteAsync(owner.Who(), Role.Viewer, null, CancellationToken.None);
        var lost = await _home.People.InviteAsync(admin.Who(), Role.Viewer, null, CancellationToken.None);
        await _home.People.ChangeAsync(owner.Who(), "grace", Role.Operator, null, CancellationToken.None);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(lost.Token, "eve")));
        var open = Assert.Single(_home.People.List(owner.Who()).Invitations);
        await _home.People.UninviteAsync(owner.Who(), open.Id, CancellationToken.None);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(kept.Token, "eve")));
        Assert.Equal(AccountError.NotFound, await Refused.WithAsync(
            () => _home.People.UninviteAsync(owner.Who(), open.Id, CancellationToken.None)));
    }

    [Fact]
    public async Task Whoever_was_removed_is_out_at_once_and_a_name_that_comes_again_is_somebody_else()
    {
        var owner = await _home.OwnerAsync();
        var grace = await _home.PersonAsync(owner, Role.Admin, "grace");
        var (who, access) = (grace.Who(), grace.Tokens.Access);
        var invitation = await _home.People.InviteAsync(who, Role.Viewer, null, CancellationToken.None);
        await _home.People.RemoveAsync(owner.Who(), "grace", CancellationToken.None);
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => new Browser(_home).WelcomeAsync(invitation.Token, "eve")));
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => grace.Who()));
        Assert.False(_home.SignIns.MayMeet(who.SignInId, "desk"));
        Assert.Equal(AccountError.NotSignedIn, await Refused.WithAsync(
            () => _home.People.InviteAsync(who, Role.Viewer, null, CancellationToken.None))); // a request that was under way
        await _home.PersonAsync(owner, Role.Viewer, "grace");
        Assert.Equal(AccountError.NotSignedIn, Refused.With(
            () => _home.SignIns.Authenticate(grace.Prove(token: access), access)));
    }

    [Fact]
    public async Task A_change_of_machines_holds_at_once()
    {
        var owner = await _home.OwnerAsync();
        var grace = await _home.PersonAsync(owner, Role.Operator, "grace");
        var signIn = grace.Who().SignInId;
        Assert.True(_home.SignIns.MayMeet(signIn, "desk"));
        await _home.People.ChangeAsync(owner.Who(), "grace", Role.Operator, ["other"], CancellationToken.None);
        Assert.False(_home.SignIns.MayMeet(signIn, "desk"));
        await _home.People.SignOutAsync(owner.Who(), "grace", CancellationToken.None);
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => grace.Who()));
        await grace.SignInAsync("grace");
    }

    [Fact]
    public async Task Who_runs_the_gateway_removes_anybody_from_another_program()
    {
        var owner = await _home.OwnerAsync();
        var outside = new AccountAdministration(new AccountStore(_home.Path, _home.Time), _home.Time);
        Assert.Null(await outside.RemoveAsync("nobody", CancellationToken.None));
        Assert.Equal(Role.Owner, (await outside.RemoveAsync("Ada", CancellationToken.None))!.Role);
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => owner.Who()));
        Assert.Empty(_home.Administration.Users);
        Assert.Equal("ada", (await _home.OwnerAsync()).Who().Name);
    }

    [Fact]
    public async Task There_are_only_so_many_invitations_and_machines()
    {
        var owner = await _home.OwnerAsync();
        for (var i = 0; i < AccountLimits.MostInvitations; i++)
        {
            await _home.People.InviteAsync(owner.Who(), Role.Viewer, null, CancellationToken.None);
        }

        Assert.Equal(AccountError.TooMany, await Refused.WithAsync(
            () => _home.People.InviteAsync(owner.Who(), Role.Viewer, null, CancellationToken.None)));
        string[][] wrong = [[.. Enumerable.Repeat("m", 101)], [""], ["../x"], [new string('m', 65)]];
        foreach (var machines in wrong)
        {
            Assert.Equal(AccountError.Malformed, await Refused.WithAsync(
                () => _home.People.InviteAsync(owner.Who(), Role.Viewer, machines, CancellationToken.None)));
        }
    }
}
