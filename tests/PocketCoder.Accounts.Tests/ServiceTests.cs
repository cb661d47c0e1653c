namespace PocketCoder.Accounts.Tests;

/// <summary>Who may sign in by another service, and for how long a browser may be away. What the service says is the test's word.</summary>
public sealed class ServiceTests : IDisposable
{
    private readonly AccountsHome _home = new();
    private readonly Ceremony _ceremony = new();
    private readonly SignInServices _services;

    public ServiceTests() => _services = new SignInServices(_home.Store, _home.SignIns, _ceremony, _home.Time);

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task A_question_is_for_one_browser_at_one_origin_once_and_for_five_minutes()
    {
        var (ada, other) = (await _home.OwnerAsync(), new Browser(_home, "192.0.2.2"));
        await AddAsync(ada);
        var asked = await BeginAsync(other);
        Assert.Equal($"https://service.example/authorize?nonce=1&state={asked.Id}", asked.Url);
        Assert.Equal(AccountsHome.Origin, _ceremony.Origins.Last());
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(ada, asked.Id))); // another browser's
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(other, asked.Id))); // which used it up
        asked = await BeginAsync(other);
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => _services.SignInAsync(
            other.Prove(origin: "https://other.example"), other.Key.Public, null, Answer(asked.Id), CancellationToken.None)));
        asked = await BeginAsync(other);
        _home.Time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));
        Assert.Equal("ada", await SignInAsync(other, asked.Id));
        asked = await BeginAsync(other);
        _home.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(other, asked.Id)));
    }

    [Fact]
    public async Task Of_a_browsers_questions_the_newest_four_count_and_a_strangers_end_nobody_elses()
    {
        var (ada, other) = (await _home.OwnerAsync(), new Browser(_home, "192.0.2.2"));
        await AddAsync(ada);
        List<ServiceQuestion> asked = [];
        for (var i = 0; i < 5; i++)
        {
            asked.Add(await BeginAsync(other));
        }

        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(other, asked[0].Id)));
        Assert.Equal("ada", await SignInAsync(other, asked[1].Id));
        Assert.Equal("ada", await SignInAsync(other, asked[4].Id));
    }

    [Fact]
    public async Task An_account_of_a_service_is_one_persons_and_eight_of_one_are_enough()
    {
        var ada = await _home.OwnerAsync();
        var grace = await _home.PersonAsync(ada, Role.Viewer, "grace");
        await AddAsync(ada);
        Assert.Equal(AccountError.ServiceTaken, await Refused.WithAsync(() => AddAsync(grace)));
        Assert.Equal(AccountError.ServiceTaken, await Refused.WithAsync(() => AddAsync(ada)));
        for (var i = 2; i <= AccountLimits.MostServicesOfUser; i++)
        {
            _ceremony.Says = Identity($"subject {i}");
            await AddAsync(ada);
        }

        Assert.Equal(AccountLimits.MostServicesOfUser, _services.View(ada.Who()).Count);
        Assert.Equal(AccountError.TooMany, await Refused.WithAsync(() => AddAsync(ada)));

        // The same subject of another issuer is somebody else.
        _ceremony.Says = Identity("subject 1") with { Issuer = "https://other.example" };
        _ceremony.Issuer = "https://other.example";
        await AddAsync(grace);
        Assert.Equal("grace", await SignInAsync(grace, (await BeginAsync(grace)).Id));
    }

    [Fact]
    public async Task What_answers_for_another_issuer_than_was_asked_signs_nobody_in()
    {
        await AddAsync(await _home.OwnerAsync());
        var other = new Browser(_home);
        var asked = await BeginAsync(other);
        _ceremony.Says = Identity("subject 1") with { Issuer = "https://evil.example" };
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(other, asked.Id)));
        asked = await BeginAsync(other);
        _ceremony.Says = Identity("");
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(other, asked.Id)));
    }

    [Fact]
    public async Task A_link_makes_it_the_only_way_in_and_a_refusal_leaves_the_link()
    {
        var ada = await _home.OwnerAsync();
        var token = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var other = new Browser(_home, "192.0.2.2");
        _ceremony.Says = null;
        var asked = await WelcomeAsync(other, token, "ada");
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(() => SignInAsync(other, asked.Id)));
        Assert.Equal("ada", ada.Who().Name);
        _ceremony.Says = Identity("subject 1");
        Assert.Equal(AccountError.NameTaken, await Refused.WithAsync(() => WelcomeAsync(other, token, "grace")));
        asked = await WelcomeAsync(other, token, "ada");
        Assert.Equal("ada", await SignInAsync(other, asked.Id));
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => ada.Who()));
        Assert.Equal(AccountError.WrongNameOrPassword, await Refused.WithAsync(() => ada.SignInAsync("ada")));
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => WelcomeAsync(other, token, "ada")));

        // And a password by the next link ends it.
        await ada.WelcomeAsync(await _home.Administration.NewOwnerLinkAsync(CancellationToken.None), "ada");
        Assert.Empty(_services.View(ada.Who()));
        Assert.Equal(AccountError.BadService, await Refused.WithAsync(async () => await SignInAsync(other, (await BeginAsync(other)).Id)));
    }

    [Fact]
    public async Task A_link_that_was_used_while_the_browser_was_away_is_none()
    {
        var token = await _home.Administration.NewOwnerLinkAsync(CancellationToken.None);
        var browser = new Browser(_home);
        var asked = await WelcomeAsync(browser, token, "ada");
        await new Browser(_home, "192.0.2.2").WelcomeAsync(token, "ada");
        Assert.Equal(AccountError.BadLink, await Refused.WithAsync(() => SignInAsync(browser, asked.Id)));
        Assert.Single(_home.Administration.Users);
    }

    [Fact]
    public async Task What_it_made_ends_when_it_is_removed_but_for_the_browser_that_asks()
    {
        var (ada, phone, laptop) = (await _home.OwnerAsync(), new Browser(_home), new Browser(_home));
        await AddAsync(ada);
        await SignInAsync(phone, (await BeginAsync(phone)).Id);
        await SignInAsync(laptop, (await BeginAsync(laptop)).Id);
        var id = _services.View(ada.Who()).Single().Id;
        await _services.RemoveAsync(phone.Who(), id, CancellationToken.None);
        Assert.Equal("ada", phone.Who().Name);
        Assert.Equal("ada", ada.Who().Name);
        Assert.Equal(AccountError.NotSignedIn, Refused.With(() => laptop.Who()));
    }

    [Fact]
    public async Task The_file_says_version_3_while_anybody_has_one_and_stays_as_it_was_without()
    {
        var ada = await _home.OwnerAsync();
        var before = await File.ReadAllTextAsync(_home.Path);
        Assert.DoesNotContain("ervice", before, StringComparison.Ordinal);
        await AddAsync(ada);
        Assert.Contains("\"v\":3,", await File.ReadAllTextAsync(_home.Path), StringComparison.Ordinal);
        Assert.Single(new SignInServices(new AccountStore(_home.Path, _home.Time), _home.SignIns, _ceremony, _home.Time).View(ada.Who()));
        await _services.RemoveAsync(ada.Who(), _services.View(ada.Who()).Single().Id, CancellationToken.None);
        Assert.Equal(before, await File.ReadAllTextAsync(_home.Path));
    }

    [Theory]
    [InlineData("[]", true)]
    [InlineData("[null]", false)]
    [InlineData("""[{"id":"1"}]""", false)]
    [InlineData("""[{"id":"1","issuer":"i","subject":"s","service":"Work","account":null,"createdAt":"2026-11-26T00:00:00Z","usedAt":null}]""", true)]
    [InlineData("""[{"id":"1","issuer":"i","subject":"s","service":"Work","account":null,"createdAt":"2026-11-26T00:00:00Z","usedAt":null},{"id":"2","issuer":"i","subject":"s","service":"Work","account":null,"createdAt":"2026-11-26T00:00:00Z","usedAt":null}]""", false)]
    public async Task Accounts_of_services_in_the_file_are_whole_and_each_there_once_or_it_is_damaged(string services, bool whole)
    {
        await _home.OwnerAsync();
        var text = await File.ReadAllTextAsync(_home.Path);
        await File.WriteAllTextAsync(_home.Path, text.Replace("\"v\":1", "\"v\":3", StringComparison.Ordinal)
            .Replace("\"passkeys\":null", $"\"passkeys\":null,\"services\":{services}", StringComparison.Ordinal));
        var refusal = Record.Exception(() => new AccountStore(_home.Path, _home.Time).HasUsers);
        Assert.Equal(whole, refusal is null);
        Assert.True(refusal is null or AccountRefusal { Error: AccountError.Unavailable });
    }

    [Fact]
    public async Task So_many_are_asked_at_once_and_one_more_is_told_to_come_again()
    {
        var hold = new TaskCompletionSource();
        _ceremony.Before = hold.Task;
        var waiting = Enumerable.Range(0, 32).Select(i => BeginAsync(new Browser(_home, $"192.0.2.{i}"))).ToList();
        Assert.Equal(AccountError.TooFast, await Refused.WithAsync(() => BeginAsync(new Browser(_home, "198.51.100.1"))));
        hold.SetResult();
        await Task.WhenAll(waiting);
        await BeginAsync(new Browser(_home, "198.51.100.1"));
    }

    private static ServiceIdentity Identity(string subject) => new("https://service.example", subject, "Work", "ada\u202e");

    private static ServiceAnswer Answer(string question) => new(question, "work", "code", null);

    private Task<ServiceQuestion> BeginAsync(Browser browser)
        => _services.BeginSignInAsync(browser.Prove(), "work", browser.Key.Public, CancellationToken.None);

    private Task<ServiceQuestion> WelcomeAsync(Browser browser, string token, string name)
        => _services.BeginWelcomeAsync(browser.Prove(), "work", token, name, browser.Key.Public, CancellationToken.None);

    private async Task<string> SignInAsync(Browser browser, string question)
    {
        var (tokens, name) = await _services.SignInAsync(
            browser.Prove(), browser.Key.Public, "Phone", Answer(question), CancellationToken.None);
        browser.Tokens = tokens;
        return name;
    }

    private async Task AddAsync(Browser browser)
    {
        var asked = await _services.BeginAddAsync(browser.Prove(), browser.Who(), "work", CancellationToken.None);
        await _services.AddAsync(browser.Prove(), browser.Who(), Answer(asked.Id), CancellationToken.None);
    }

    /// <summary>A service that says what the test wants.</summary>
    private sealed class Ceremony : IServiceCeremony
    {
        public ServiceIdentity? Says { get; set; } = Identity("subject 1");

        public string Issuer { get; set; } = "https://service.example";

        public Task Before { get; set; } = Task.CompletedTask;

        public List<string> Origins { get; } = [];

        public IReadOnlyList<ServiceOffer> Offered => [new("work", "Work")];

        public async Task<ServiceAsked> BeginAsync(string service, string origin, CancellationToken ct)
        {
            Origins.Add(origin);
            await Before;
            return new ServiceAsked(
                service, Issuer, $"{origin}/account/signed-in/work", "https://service.example/authorize?nonce=1", "verifier", "nonce");
        }

        public Task<ServiceIdentity?> FinishAsync(ServiceAsked asked, ServiceAnswer answer, CancellationToken ct)
            => Task.FromResult(asked.Verifier == "verifier" && answer.Code == "code" ? Says : null);
    }
}
