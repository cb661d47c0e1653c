namespace PocketCoder.Accounts;

/// <summary>
/// Signing in, staying signed in, and what a sign-in is good for. Every use brings a proof of the browser's key, so that a token that was
/// stolen is worth nothing. Thread-safe.
/// </summary>
public sealed class SignIns(AccountStore store, TimeProvider time)
{
    private const int MostTokens = 20_000;

    private readonly Passwords _passwords = new();
    private readonly ProofChecker _proofs = new(time);
    private readonly TokenTable<string> _access = new(time, AccountLimits.AccessLife, mostOfOne: 4, MostTokens);
    private readonly TokenTable<Ticket> _tickets = new(time, AccountLimits.TicketLife, mostOfOne: 32, MostTokens);

    /// <summary>Requests that proved nothing, of one caller.</summary>
    private readonly Attempts _requests = new(time, burst: 60, each: TimeSpan.FromSeconds(1));

    /// <summary>Passwords and links that were wrong, of one caller.</summary>
    private readonly Attempts _ofCaller = new(time, burst: 10, each: TimeSpan.FromSeconds(6));

    /// <summary>Passwords that were wrong for one name, whether there is such a person or not, whoever tried.</summary>
    private readonly Attempts _ofName = new(time, burst: 10, each: TimeSpan.FromSeconds(30));

    /// <summary>What the next proof has to name.</summary>
    public string Nonce => _proofs.Nonce;

    /// <summary>
    /// Uses a one-time link: makes its person, or gives the owner a new password in place of all else that signed the owner in, and
    /// signs in.
    /// </summary>
    /// <exception cref="AccountRefusal">The link, the proof, the name or the password is no good. The link stays what it was.</exception>
    public async Task<Tokens> WelcomeAsync(Proof proof, string token, Credentials given, CancellationToken ct)
    {
        RequireNewKey(proof, given.Key);
        var (hash, name) = RequireLink(proof, token, given.Name);
        Passwords.Require(given.Password, name);
        var password = await _passwords.HashAsync(given.Password, ct);
        var tokens = await EnterAsync(given.Key, given.Label, content =>
        {
            var user = UserBy(LinkOf(content, hash), content, name) with { Password = password, Passkeys = null, Services = null };
            return (content.WithoutLink(hash).WithoutSignIns(user.Id).With(user), user);
        }, ct);
        _requests.GiveBack(proof.Caller);
        return tokens;
    }

    /// <summary>Signs in with name and password.</summary>
    /// <exception cref="AccountRefusal">One of them or the proof is wrong, or there were too many tries.</exception>
    public async Task<Tokens> SignInAsync(Proof proof, Credentials given, CancellationToken ct)
    {
        RequireNewKey(proof, given.Key);
        var name = AccountNames.Read(given.Name);
        var counted = name ?? "";
        _ofCaller.Take(proof.Caller);
        _ofName.Take(counted);
        var user = store.Now.UserNamed(name);
        bool right;
        try
        {
            right = await _passwords.IsAsync(given.Password, user?.Password, ct);
        }
        catch (Exception e) when (e is AccountRefusal or OperationCanceledException)
        {
            GiveBack(); // nothing was tried; that it was asked counts
            throw;
        }

        if (!right || user is null)
        {
            throw Wrong();
        }

        GiveBack();
        _requests.GiveBack(proof.Caller);
        return await EnterAsync(given.Key, given.Label, content =>
        {
            // Removed, or with another password by now: then this one is wrong.
            var now = content.UserOf(user.Id);
            return now is not null && now.Password == user.Password ? (content, now) : throw Wrong();
        }, ct);

        void GiveBack()
        {
            _ofCaller.GiveBack(proof.Caller);
            _ofName.GiveBack(counted);
        }
    }

    /// <summary>
    /// The next pair of tokens. A refresh token that was used before ends the sign-in, except the last one for a minute: its answer may
    /// have been lost.
    /// </summary>
    /// <exception cref="AccountRefusal">The token or the proof is no good.</exception>
    public async Task<Tokens> RefreshAsync(Proof proof, string refresh, CancellationToken ct)
    {
        _requests.Take(proof.Caller);
        var id = IdOf(refresh) ?? throw SignedOut();
        var known = store.Now.SignInOf(id) ?? throw SignedOut();
        _proofs.Require(proof, known.Key, token: null, isNew: false);
        var next = NewRefresh(id);
        var reused = false;
        await store.ChangeAsync(content =>
        {
            var signIn = content.SignInOf(id) ?? throw SignedOut();
            var (hash, since) = (Secrets.HashOf(refresh), time.GetUtcNow() - signIn.RenewedAt);
            var isNewest = Secrets.AreSame(hash, signIn.Hash);
            var isRetry = Secrets.AreSame(hash, signIn.Before) && since >= TimeSpan.Zero && since <= AccountLimits.RetryWindow;
            reused = !isNewest && !isRetry;
            return reused ? content.WithoutSignIn(id) : content.With(signIn with
            {
                Hash = Secrets.HashOf(next),
                Before = hash,
                RenewedAt = isRetry ? signIn.RenewedAt : time.GetUtcNow(), // retrying does not prolong the minute
            });
        }, ct);
        if (reused)
        {
            throw new AccountRefusal(AccountError.NotSignedIn, "A token was used twice, so this sign-in was ended. Sign in again.");
        }

        _requests.GiveBack(proof.Caller);
        return new Tokens(_access.Give(id, id), next);
    }

    /// <summary>Who asks. Looked up anew for every request: what was revoked is gone at once.</summary>
    /// <param name="access">The access token; null: none came.</param>
    /// <exception cref="AccountRefusal">The token or the proof is no good.</exception>
    public Person Authenticate(Proof proof, string? access)
    {
        _requests.Take(proof.Caller);
        var content = store.Now;
        var signIn = _access.Find(access) is { } id ? content.SignInOf(id) : null;
        if (signIn is null || content.UserOf(signIn.UserId) is not { } user)
        {
            throw SignedOut();
        }

        _proofs.Require(proof, signIn.Key, access, isNew: false);
        _requests.GiveBack(proof.Caller);
        return new Person(user.Id, user.Name, user.Role, signIn.Id);
    }

    /// <summary>The person's sign-ins, newest first, and the machines that they may meet (null: all).</summary>
    /// <exception cref="AccountRefusal">The file can't be read, or they are gone.</exception>
    public (IReadOnlyList<SignInView> SignIns, IReadOnlyList<string>? Machines) View(Person person)
    {
        var content = store.Now;
        var user = content.UserOf(person.UserId) ?? throw SignedOut();
        return ([.. content.SignIns.Where(s => s.UserId == user.Id).OrderByDescending(s => s.RenewedAt)
            .Select(s => new SignInView(s.Id, s.Label, s.CreatedAt, s.RenewedAt, s.Id == person.SignInId))],
            Roles.MeetsAll(user.Role) ? null : user.Machines);
    }

    /// <summary>Ends one of the person's own sign-ins, this one too.</summary>
    /// <exception cref="AccountRefusal">They have none with this id.</exception>
    public Task EndAsync(Person person, string id, CancellationToken ct) => store.ChangeAsync(
        content => content.SignInOf(id) is { } signIn && signIn.UserId == person.UserId ? content.WithoutSignIn(id)
            : throw new AccountRefusal(AccountError.NotFound, "There is no such sign-in."), ct);

    /// <summary>Changes the person's password and ends all their other sign-ins.</summary>
    /// <exception cref="AccountRefusal">The old one is wrong, or the new one no good.</exception>
    public async Task ChangePasswordAsync(Person person, string old, string next, CancellationToken ct)
    {
        Passwords.Require(next, person.Name);
        var user = store.Now.UserOf(person.UserId) ?? throw SignedOut();
        _ofName.Take(person.Name);
        if (!await _passwords.IsAsync(old, user.Password, ct))
        {
            throw Wrong();
        }

        _ofName.GiveBack(person.Name);
        var hash = await _passwords.HashAsync(next, ct);
        await store.ChangeAsync(content =>
        {
            var now = content.SignInOf(person.SignInId) is null ? null : content.UserOf(person.UserId);
            return now?.Password == user.Password
                ? content.With(now with { Password = hash }).WithoutSignIns(now.Id, but: person.SignInId) : throw SignedOut();
        }, ct);
    }

    /// <summary>
    /// What the person's browser brings to its next connection to this machine, within 30 s, once. Machines that are not there and
    /// machines that they may not meet look the same.
    /// </summary>
    /// <param name="exists">Whether this gateway knows the machine.</param>
    /// <exception cref="AccountRefusal">There is no such machine for them.</exception>
    public string GiveTicket(Person person, string machine, bool exists)
        => MayMeet(person.SignInId, machine) && exists ? _tickets.Give(person.SignInId, new Ticket(person.SignInId, machine))
            : throw new AccountRefusal(AccountError.NotFound, "There is no such machine.");

    /// <summary>The sign-in that a ticket for this machine was given to; null: it is none. It is used up, whatever it was for.</summary>
    public string? UseTicket(string? ticket, string machine)
        => _tickets.Find(ticket, once: true) is { } given && given.Machine == machine ? given.SignInId : null;

    /// <summary>Whether this sign-in may be connected to this machine now.</summary>
    /// <exception cref="AccountRefusal">The file can't be read.</exception>
    public bool MayMeet(string signIn, string machine)
    {
        var content = store.Now;
        return content.SignInOf(signIn) is { } known && content.UserOf(known.UserId) is { } user && user.MayMeet(machine);
    }

    /// <summary>Anybody can make keys, so this counts until something better than a key was shown.</summary>
    internal void RequireNewKey(Proof proof, string key)
    {
        _requests.Take(proof.Caller);
        if (!ProofChecker.IsKey(key))
        {
            throw new AccountRefusal(AccountError.Malformed, "The key is no point of P-256, uncompressed, in base64url.");
        }

        _proofs.Require(proof, key, token: null, isNew: true);
    }

    /// <summary>A link that can be used, by its hash, and the name with which it is to be.</summary>
    /// <exception cref="AccountRefusal">One of them is no good, or there were too many tries.</exception>
    internal (string Hash, string Name) RequireLink(Proof proof, string token, string given)
    {
        _ofCaller.Take(proof.Caller);
        var hash = Secrets.HashOf(token);
        _ = LinkOf(store.Now, hash);
        _ofCaller.GiveBack(proof.Caller);
        var name = AccountNames.Read(given) ?? throw new AccountRefusal(
            AccountError.Malformed, "A name has 1 to 64 letters a to z, digits and . _ @ + - and begins with a letter or digit.");
        return (hash, name);
    }

    /// <summary>Counts a try to sign in, as a password is counted.</summary>
    /// <exception cref="AccountRefusal">There were too many.</exception>
    internal void TakeTry(Proof proof) => _ofCaller.Take(proof.Caller);

    /// <summary>It succeeded, with so many requests that began without a sign-in; <paramref name="tried"/>: one was a try.</summary>
    internal void GiveBack(Proof proof, int requests, bool tried)
    {
        for (; requests > 0; requests--)
        {
            _requests.GiveBack(proof.Caller);
        }

        if (tried)
        {
            _ofCaller.GiveBack(proof.Caller);
        }
    }

    /// <summary>Makes a sign-in for whom <paramref name="who"/> finds, in one change with what it changes.</summary>
    /// <param name="passkey">The id of the passkey that makes it; null: something else does.</param>
    /// <param name="service">Likewise of the account elsewhere.</param>
    internal async Task<Tokens> EnterAsync(
        string key, string? label, Func<AccountContent, (AccountContent Content, UserRecord User)> who, CancellationToken ct,
        string? passkey = null, string? service = null)
    {
        var id = Secrets.NewId();
        var refresh = NewRefresh(id);
        await store.ChangeAsync(before =>
        {
            var (content, user) = who(before);
            var own = content.SignIns.Where(s => s.UserId == user.Id).OrderBy(s => s.RenewedAt).ToList();
            if (own.Count >= AccountLimits.MostSignInsOfUser)
            {
                content = content.WithoutSignIn(own[0].Id);
            }

            if (content.SignIns.Count >= AccountLimits.MostSignIns)
            {
                throw new AccountRefusal(AccountError.TooMany, "Too many browsers are signed in at this gateway.");
            }

            var now = time.GetUtcNow();
            return content.With(new SignInRecord(
                id, user.Id, key, AccountNames.LabelOf(label), Secrets.HashOf(refresh), null, now, now, passkey, service));
        }, ct);
        return new Tokens(_access.Give(id, id), refresh);
    }

    /// <summary>Whom a link makes, or the owner that there is.</summary>
    /// <exception cref="AccountRefusal">Somebody else has the name, or there are as many people as there may be.</exception>
    internal UserRecord UserBy(LinkRecord link, AccountContent content, string name)
    {
        var known = content.UserNamed(name);
        if (link.Role == Role.Owner && content.Users.FirstOrDefault(u => u.Role == Role.Owner) is { } owner)
        {
            return known?.Id == owner.Id ? owner : throw new AccountRefusal(
                AccountError.NameTaken, "This gateway has an owner. With the owner's name the link makes a new way to sign in.");
        }

        if (known is not null)
        {
            throw new AccountRefusal(AccountError.NameTaken, "Somebody has this name. Choose another one.");
        }

        return content.Users.Count < AccountLimits.MostUsers
            ? new UserRecord(Secrets.NewId(), name, link.Role, "", link.Machines, time.GetUtcNow())
            : throw new AccountRefusal(AccountError.TooMany, "This gateway has as many people as it can have.");
    }

    internal static LinkRecord LinkOf(AccountContent content, string hash)
        => content.Links.FirstOrDefault(l => Secrets.AreSame(hash, l.Hash)) ?? throw new AccountRefusal(
            AccountError.BadLink, "This link is not valid, was used, or has ended. Ask for a new one.");

    /// <summary><c>SIGN-IN.SECRET</c>: which family it belongs to, and what shows it.</summary>
    private static string NewRefresh(string id) => $"{id}.{Secrets.New()}";

    private static string? IdOf(string refresh)
        => refresh.Length <= 100 && refresh.Split('.') is [var id, { Length: Secrets.Characters }] ? id : null;

    private static AccountRefusal Wrong() => new(AccountError.WrongNameOrPassword, "The name or the password is wrong.");

    /// <summary>The person as they are now, and the key of the browser that asks.</summary>
    /// <exception cref="AccountRefusal">They are gone, or signed out.</exception>
    internal static (UserRecord User, string Key) Require(AccountContent content, Person person)
        => content.SignInOf(person.SignInId) is { } signIn && content.UserOf(person.UserId) is { } user
            ? (user, signIn.Key) : throw SignedOut();

    internal static AccountRefusal SignedOut() => new(AccountError.NotSignedIn, "You are not signed in, or not any more.");

    private sealed record Ticket(string SignInId, string Machine);
}

/// <summary>What a browser gives to sign in.</summary>
/// <param name="Key">Its public key, with which it proves every use: a point of P-256, uncompressed, in base64url.</param>
/// <param name="Label">What to call it in the list of sign-ins.</param>
public sealed record Credentials(string Name, string Password, string Key, string? Label);
