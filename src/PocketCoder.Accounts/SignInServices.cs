namespace PocketCoder.Accounts;

/// <summary>
/// Signing in with an account at another service. It is tied to a person by them alone: with a one-time link, or while they are signed
/// in; never by a name or an address of mail, and nobody becomes a person by it. Each question is for one browser's key at one origin, good
/// once and for <see cref="AccountLimits.ServiceChallengeLife"/>, in memory: beyond 10,000 of a kind the oldest ends. Thread-safe.
/// </summary>
public sealed class SignInServices(AccountStore store, SignIns signIns, IServiceCeremony ceremony, TimeProvider time)
{
    private const int MostQuestions = 10_000;
    private const int MostQuestionsOfBrowser = 4;

    /// <summary>Services that are asked at once; one more is refused, so that a slow one takes no memory.</summary>
    private const int MostAtOnce = 32;

    private const int MostCharactersOfIdentity = 1000;

    /// <summary>Of those who are signed in or have a link: strangers end none of them.</summary>
    private readonly TokenTable<Question> _known = Questions(time);

    private readonly TokenTable<Question> _signingIn = Questions(time);
    private int _asking;

    /// <summary>The services that can be used.</summary>
    /// <exception cref="AccountRefusal">Their file can't be read.</exception>
    public IReadOnlyList<ServiceOffer> Offered => ceremony.Offered;

    /// <summary>The person's accounts elsewhere, oldest first.</summary>
    /// <exception cref="AccountRefusal">The file can't be read, or they are gone.</exception>
    public IReadOnlyList<ServiceAccountView> View(Person person)
    {
        var user = store.Now.UserOf(person.UserId) ?? throw SignIns.SignedOut();
        return [.. user.AllServices.Select(s => new ServiceAccountView(s.Id, s.Service, s.Account, s.CreatedAt, s.UsedAt))];
    }

    /// <summary>Sends whoever it is to a service. Nobody is named, so nobody learns who there is.</summary>
    /// <param name="key">The browser's, as in <see cref="Credentials"/>.</param>
    /// <exception cref="AccountRefusal">The proof is no good, or the service can't be had.</exception>
    public Task<ServiceQuestion> BeginSignInAsync(Proof proof, string service, string key, CancellationToken ct)
    {
        signIns.RequireNewKey(proof, key);
        return AskAsync(_signingIn, service, proof, asked => new Question(key, proof.Origin, asked), ct);
    }

    /// <summary>Sends whoever opened a one-time link to the service with which they will sign in.</summary>
    /// <exception cref="AccountRefusal">The link, the proof or the name is no good, or the service can't be had.</exception>
    public Task<ServiceQuestion> BeginWelcomeAsync(
        Proof proof, string service, string token, string name, string key, CancellationToken ct)
    {
        signIns.RequireNewKey(proof, key);
        var (hash, read) = signIns.RequireLink(proof, token, name);
        var content = store.Now;
        _ = signIns.UserBy(SignIns.LinkOf(content, hash), content, read);
        return AskAsync(_known, service, proof, asked => new Question(key, proof.Origin, asked, Link: hash, Name: read), ct);
    }

    /// <summary>Sends a browser that is signed in to a service, for one more way to sign in.</summary>
    /// <exception cref="AccountRefusal">There are as many as there may be, or the service can't be had.</exception>
    public Task<ServiceQuestion> BeginAddAsync(Proof proof, Person person, string service, CancellationToken ct)
    {
        var (user, key) = SignIns.Require(store.Now, person);
        RequireRoom(user);
        return AskAsync(_known, service, proof, asked => new Question(key, proof.Origin, asked, UserId: user.Id), ct);
    }

    /// <summary>
    /// Signs in with what a browser brings back, and uses the one-time link if it began with one: then this is the only way in, for the
    /// owner too.
    /// </summary>
    /// <returns>The tokens, and who it is.</returns>
    /// <exception cref="AccountRefusal">
    /// The answer or the proof is no good, or there were too many tries. A link stays what it was.
    /// </exception>
    public async Task<(Tokens Tokens, string Name)> SignInAsync(
        Proof proof, string key, string? label, ServiceAnswer answer, CancellationToken ct)
    {
        signIns.RequireNewKey(proof, key);
        signIns.TakeTry(proof);
        var asked = Take(answer, key, proof.Origin);
        if (asked.UserId is not null)
        {
            throw Bad();
        }

        var identity = await IdentityAsync(asked, answer, ct);
        var entered = asked is { Link: { } link, Name: { } name }
            ? (await WelcomeAsync(link, name, identity, key, label, ct), name) : await EnterAsync(identity, key, label, ct);
        signIns.GiveBack(proof, requests: 2, tried: true);
        return entered;
    }

    /// <summary>Ties the account that a browser which is signed in brings back to its person.</summary>
    /// <exception cref="AccountRefusal">The answer is no good, or somebody has this account; nothing has changed.</exception>
    public async Task AddAsync(Proof proof, Person person, ServiceAnswer answer, CancellationToken ct)
    {
        var (_, key) = SignIns.Require(store.Now, person);
        var asked = Take(answer, key, proof.Origin);
        if (asked.UserId != person.UserId)
        {
            throw Bad();
        }

        var identity = await IdentityAsync(asked, answer, ct);
        await store.ChangeAsync(content =>
        {
            var (user, _) = SignIns.Require(content, person);
            RequireRoom(user);
            return content.With(user with { Services = [.. user.AllServices, NewRecord(content, identity)] });
        }, ct);
    }

    /// <summary>Removes one of the person's accounts elsewhere and ends what signed in with it, except where they ask from.</summary>
    /// <exception cref="AccountRefusal">There is none with this id, or without it they could not sign in any more.</exception>
    public Task RemoveAsync(Person person, string id, CancellationToken ct) => store.ChangeAsync(content =>
    {
        var (user, _) = SignIns.Require(content, person);
        var rest = user.AllServices.Where(s => s.Id != id).ToList();
        if (rest.Count == user.AllServices.Count)
        {
            throw new AccountRefusal(AccountError.NotFound, "There is no such account of a service.");
        }

        var left = user with { Services = rest.Count > 0 ? rest : null };
        if (!left.CanSignIn)
        {
            throw new AccountRefusal(
                AccountError.LastWayIn, "Without this account you could not sign in any more. Add another way to sign in first.");
        }

        return content.With(left) with
        {
            SignIns = [.. content.SignIns.Where(s => s.UserId != user.Id || s.Service != id || s.Id == person.SignInId)],
        };
    }, ct);

    private static TokenTable<Question> Questions(TimeProvider time)
        => new(time, AccountLimits.ServiceChallengeLife, MostQuestionsOfBrowser, MostQuestions);

    private async Task<ServiceQuestion> AskAsync(
        TokenTable<Question> questions, string service, Proof proof, Func<ServiceAsked, Question> of, CancellationToken ct)
    {
        var asked = await BoundedAsync(() => ceremony.BeginAsync(service, proof.Origin, ct));
        var question = of(asked);
        var id = questions.Give(question.Key, question);
        return new ServiceQuestion(id, $"{asked.Url}&state={id}");
    }

    /// <summary>The question that this browser was asked here. It is used up, whoever brings it.</summary>
    private Question Take(ServiceAnswer answer, string key, string origin)
        => (_signingIn.Find(answer.Question, once: true) ?? _known.Find(answer.Question, once: true)) is { } question
            && question.Key == key && question.Origin == origin && question.Asked.Service == answer.Service ? question : throw Bad();

    private async Task<ServiceIdentity> IdentityAsync(Question question, ServiceAnswer answer, CancellationToken ct)
        => await BoundedAsync(() => ceremony.FinishAsync(question.Asked, answer, ct)) is { } identity
            && identity.Subject.Length is > 0 and <= MostCharactersOfIdentity && identity.Issuer == question.Asked.Issuer
                ? identity : throw Bad();

    private async Task<T> BoundedAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return Interlocked.Increment(ref _asking) <= MostAtOnce ? await ask()
                : throw new AccountRefusal(AccountError.TooFast, "Too many people sign in at this moment.", TimeSpan.FromSeconds(1));
        }
        finally
        {
            Interlocked.Decrement(ref _asking);
        }
    }

    private async Task<(Tokens Tokens, string Name)> EnterAsync(
        ServiceIdentity identity, string key, string? label, CancellationToken ct)
    {
        var known = store.Now.UserWith(identity) ?? throw Bad();
        var id = known.AllServices.First(s => s.Is(identity)).Id;
        var name = "";
        var tokens = await signIns.EnterAsync(key, label, content =>
        {
            var user = content.UserOf(known.Id);
            var now = user?.AllServices.FirstOrDefault(s => s.Id == id && s.Is(identity));
            if (user is null || now is null)
            {
                throw Bad(); // removed meanwhile
            }

            name = user.Name;
            var next = now with { UsedAt = time.GetUtcNow() };
            user = user with { Services = [.. user.AllServices.Select(s => s.Id == id ? next : s)] };
            return (content.With(user), user);
        }, ct, service: id);
        return (tokens, name);
    }

    private Task<Tokens> WelcomeAsync(
        string link, string name, ServiceIdentity identity, string key, string? label, CancellationToken ct)
        => signIns.EnterAsync(key, label, content =>
        {
            var user = signIns.UserBy(SignIns.LinkOf(content, link), content, name);
            user = user with { Password = "", Passkeys = null, Services = null };
            var rest = content.WithoutLink(link).WithoutSignIns(user.Id).With(user);
            user = user with { Services = [NewRecord(rest, identity)] };
            return (rest.With(user), user);
        }, ct);

    private ServiceRecord NewRecord(AccountContent content, ServiceIdentity identity)
        => content.UserWith(identity) is not null
            ? throw new AccountRefusal(AccountError.ServiceTaken, "Somebody signs in here with this account already.")
            : new ServiceRecord(
                Secrets.NewId(), identity.Issuer, identity.Subject, identity.Service,
                identity.Account is { } account ? AccountNames.ReadOwn(account) : null, time.GetUtcNow(), null);

    private static void RequireRoom(UserRecord user)
    {
        if (user.AllServices.Count >= AccountLimits.MostServicesOfUser)
        {
            throw new AccountRefusal(
                AccountError.TooMany, $"You sign in with {AccountLimits.MostServicesOfUser} accounts of services. Remove one first.");
        }
    }

    /// <summary>One answer for all, so that it tells nobody what was nearly right, nor who there is.</summary>
    private static AccountRefusal Bad() => new(
        AccountError.BadService, "The service's answer was not accepted, or nobody here signs in with that account.");

    /// <param name="Key">The browser's that was sent.</param>
    /// <param name="UserId">Who adds the account; null: nobody is signed in.</param>
    /// <param name="Link">The hash of the link that it is for.</param>
    /// <param name="Name">The name that goes with the link.</param>
    private sealed record Question(
        string Key, string Origin, ServiceAsked Asked, string? UserId = null, string? Link = null, string? Name = null);
}

/// <summary>Where a browser is to go.</summary>
/// <param name="Id">Comes back as the state, once.</param>
public sealed record ServiceQuestion(string Id, string Url);
