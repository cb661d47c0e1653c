using System.Buffers.Text;

namespace PocketCoder.Accounts;

/// <summary>
/// Signing in with a passkey in place of a password. Each question to a browser is for its key and its origin alone, good once and for
/// <see cref="AccountLimits.PasskeyChallengeLife"/>. Questions are in memory: beyond 10,000 of a kind the oldest ends. Thread-safe.
/// </summary>
public sealed class Passkeys(AccountStore store, SignIns signIns, IPasskeyCeremony ceremony, TimeProvider time)
{
    private const int MostQuestions = 10_000;
    private const int MostQuestionsOfBrowser = 4;

    /// <summary>What the standard allows a credential's id to have.</summary>
    private const int MostBytesOfId = 1023;

    /// <summary>A key of RSA with 4,096 bits, with what COSE writes around it.</summary>
    private const int MostBytesOfKey = 600;

    /// <summary>Of those who are signed in or have a link: strangers end none of them.</summary>
    private readonly TokenTable<Question> _registering = Questions(time);

    private readonly TokenTable<Question> _signingIn = Questions(time);

    /// <summary>The domain that passkeys of this origin belong to; null: it can have none, since an address is no domain.</summary>
    public static string? HostOf(string origin)
        => Uri.TryCreate(origin, UriKind.Absolute, out var uri) && uri.HostNameType == UriHostNameType.Dns
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Host == "localhost") ? uri.Host : null;

    /// <summary>The person's passkeys, oldest first, and whether they have a password.</summary>
    /// <exception cref="AccountRefusal">The file can't be read, or they are gone.</exception>
    public (IReadOnlyList<PasskeyView> Passkeys, bool HasPassword) View(Person person)
    {
        var user = store.Now.UserOf(person.UserId) ?? throw SignIns.SignedOut();
        return ([.. user.AllPasskeys.Select(p => new PasskeyView(p.Id, p.Name, p.CreatedAt, p.UsedAt))], user.Password.Length > 0);
    }

    /// <summary>Asks a browser that is signed in for one more passkey.</summary>
    /// <exception cref="AccountRefusal">There are as many as there may be, or this address can have none.</exception>
    public async Task<PasskeyQuestion> BeginRegisterAsync(Proof proof, Person person)
    {
        var site = SiteOf(proof);
        var (user, key) = SignIns.Require(store.Now, person);
        RequireRoom(user);
        var asked = await ceremony.BeginRegisterAsync(site, new PasskeyOwner(user.Id, user.Name, KeysOf(user)));
        return Ask(_registering, new Question(key, site, asked.State, user.Id), asked);
    }

    /// <summary>Takes the new passkey of a browser that is signed in.</summary>
    /// <param name="question">What <see cref="BeginRegisterAsync"/> gave.</param>
    /// <param name="credential">The browser's answer, as JSON.</param>
    /// <param name="name">What to call it.</param>
    /// <exception cref="AccountRefusal">The answer is no good; nothing has changed.</exception>
    public async Task RegisterAsync(
        Proof proof, Person person, string question, string credential, string? name, CancellationToken ct)
    {
        var (_, key) = SignIns.Require(store.Now, person);
        var asked = Take(_registering, question, key, SiteOf(proof));
        if (asked.UserId != person.UserId || asked.Link is not null)
        {
            throw Bad();
        }

        var made = await MadeAsync(asked, credential);
        await store.ChangeAsync(content =>
        {
            var (user, _) = SignIns.Require(content, person);
            RequireRoom(user);
            return content.With(user with { Passkeys = [.. user.AllPasskeys, NewRecord(content, made, name)] });
        }, ct);
    }

    /// <summary>Asks whoever opened a one-time link for the passkey with which they will sign in.</summary>
    /// <param name="key">The browser's, as in <see cref="Credentials"/>.</param>
    /// <exception cref="AccountRefusal">The link, the proof or the name is no good.</exception>
    public async Task<PasskeyQuestion> BeginWelcomeAsync(Proof proof, string token, string name, string key)
    {
        signIns.RequireNewKey(proof, key);
        var site = SiteOf(proof);
        var (hash, read) = signIns.RequireLink(proof, token, name);
        var content = store.Now;
        var user = signIns.UserBy(SignIns.LinkOf(content, hash), content, read);
        var asked = await ceremony.BeginRegisterAsync(site, new PasskeyOwner(user.Id, read, []));
        return Ask(_registering, new Question(key, site, asked.State, user.Id, hash, read), asked);
    }

    /// <summary>
    /// Uses a one-time link with a passkey in place of a password, and signs in. It is then the only one, for the owner too.
    /// </summary>
    /// <param name="given">The password in it is not looked at.</param>
    /// <exception cref="AccountRefusal">The link, the proof, the name or the answer is no good. The link stays what it was.</exception>
    public async Task<Tokens> WelcomeAsync(
        Proof proof, string token, Credentials given, string question, string credential, CancellationToken ct)
    {
        signIns.RequireNewKey(proof, given.Key);
        var (hash, name) = signIns.RequireLink(proof, token, given.Name);
        var asked = Take(_registering, question, given.Key, SiteOf(proof));
        if (asked.Link != hash || asked.Name != name || asked.UserId is not { } id)
        {
            throw Bad();
        }

        var made = await MadeAsync(asked, credential);
        var tokens = await signIns.EnterAsync(given.Key, given.Label, content =>
        {
            var isNew = content.UserNamed(name) is null;
            var user = signIns.UserBy(SignIns.LinkOf(content, hash), content, name);
            if (!isNew && user.Id != id)
            {
                throw Bad(); // the owner came meanwhile; the passkey is another one's
            }

            var rest = content.WithoutLink(hash).WithoutSignIns(user.Id);
            user = user with { Id = id, Password = "", Passkeys = null, Services = null };
            user = user with { Passkeys = [NewRecord(rest.With(user), made, given.Label)] };
            return (rest.With(user), user);
        }, ct);
        signIns.GiveBack(proof, requests: 2, tried: false);
        return tokens;
    }

    /// <summary>Asks a browser for any passkey of this gateway. Nobody is named, so nobody learns who there is.</summary>
    /// <exception cref="AccountRefusal">The proof is no good, or this address can have none.</exception>
    public async Task<PasskeyQuestion> BeginSignInAsync(Proof proof, string key)
    {
        signIns.RequireNewKey(proof, key);
        var site = SiteOf(proof);
        var asked = await ceremony.BeginSignInAsync(site);
        return Ask(_signingIn, new Question(key, site, asked.State, null), asked);
    }

    /// <summary>Signs in with a passkey.</summary>
    /// <returns>The tokens, and who it is.</returns>
    /// <exception cref="AccountRefusal">The answer or the proof is no good, or there were too many tries.</exception>
    public async Task<(Tokens Tokens, string Name)> SignInAsync(
        Proof proof, string key, string? label, string question, string credential, CancellationToken ct)
    {
        signIns.RequireNewKey(proof, key);
        signIns.TakeTry(proof);
        var asked = Take(_signingIn, question, key, SiteOf(proof));
        var known = store.Now;
        var used = await ceremony.SignInAsync(
            asked.Site, asked.State, credential, id => known.UserOf(id) is { } user ? KeysOf(user) : []) ?? throw Bad();
        var id = Base64Url.EncodeToString(used.CredentialId.Span);
        var passkey = known.UserOf(used.UserId)?.AllPasskeys.FirstOrDefault(p => p.CredentialId == id) ?? throw Bad();
        var name = "";
        var tokens = await signIns.EnterAsync(key, label, content =>
        {
            // Looked at again where it is kept, so that of two copies at the same moment one is found out.
            var user = content.UserOf(used.UserId);
            var now = user?.AllPasskeys.FirstOrDefault(p => p.Id == passkey.Id);
            if (user is null || now is null)
            {
                throw Bad();
            }

            if ((used.Counter != 0 || now.Counter != 0) && used.Counter <= now.Counter)
            {
                throw new AccountRefusal(
                    AccountError.CopiedPasskey, "This passkey may have been copied. Sign in another way, and remove it.",
                    inner: new InvalidDataException($"the counter of a passkey of {user.Name} went back: it may have been copied"));
            }

            var next = now with { Counter = used.Counter, UsedAt = time.GetUtcNow() };
            user = user with { Passkeys = [.. user.AllPasskeys.Select(p => p.Id == next.Id ? next : p)] };
            name = user.Name;
            return (content.With(user), user);
        }, ct, passkey.Id);
        signIns.GiveBack(proof, requests: 2, tried: true);
        return (tokens, name);
    }

    /// <summary>Gives one of the person's passkeys another name. It signs in as before.</summary>
    /// <param name="name">1 to 60 UTF-16 units that can be seen, in any script.</param>
    /// <exception cref="AccountRefusal">There is none with this id, or it can't have this name.</exception>
    public Task RenameAsync(Person person, string id, string name, CancellationToken ct)
    {
        var read = AccountNames.ReadOwn(name) ?? throw new AccountRefusal(
            AccountError.Malformed, $"The name of a passkey has 1 to {AccountNames.MostOfLabel} characters that can be seen.");
        return store.ChangeAsync(content =>
        {
            var (user, _) = SignIns.Require(content, person);
            var passkey = user.AllPasskeys.FirstOrDefault(p => p.Id == id) ?? throw NoSuch();
            return passkey.Name == read ? content
                : content.With(user with { Passkeys = [.. user.AllPasskeys.Select(p => p.Id == id ? p with { Name = read } : p)] });
        }, ct);
    }

    /// <summary>Removes one of the person's passkeys and ends what signed in with it, except where they ask from.</summary>
    /// <exception cref="AccountRefusal">There is none with this id, or without it they could not sign in any more.</exception>
    public Task RemoveAsync(Person person, string id, CancellationToken ct) => store.ChangeAsync(content =>
    {
        var (user, _) = SignIns.Require(content, person);
        var rest = user.AllPasskeys.Where(p => p.Id != id).ToList();
        if (rest.Count == user.AllPasskeys.Count)
        {
            throw NoSuch();
        }

        if (!(user with { Passkeys = rest }).CanSignIn)
        {
            throw new AccountRefusal(AccountError.LastWayIn, "Without this passkey you could not sign in any more. Add another one first.");
        }

        return content.With(user with { Passkeys = rest }) with
        {
            SignIns = [.. content.SignIns.Where(s => s.UserId != user.Id || s.Passkey != id || s.Id == person.SignInId)],
        };
    }, ct);

    private static TokenTable<Question> Questions(TimeProvider time)
        => new(time, AccountLimits.PasskeyChallengeLife, MostQuestionsOfBrowser, MostQuestions);

    private static PasskeyQuestion Ask(TokenTable<Question> questions, Question question, PasskeyAsked asked)
        => new(questions.Give(question.Key, question), asked.Options);

    /// <summary>The question that this browser was asked here. It is used up, whoever brings it.</summary>
    private static Question Take(TokenTable<Question> questions, string id, string key, PasskeySite site)
        => questions.Find(id, once: true) is { } question && question.Key == key && question.Site == site ? question : throw Bad();

    private async Task<PasskeyMade> MadeAsync(Question asked, string credential)
        => await ceremony.RegisterAsync(asked.Site, asked.State, credential) is { } made
            && made.Key.CredentialId.Length is > 0 and <= MostBytesOfId && made.Key.PublicKey.Length <= MostBytesOfKey ? made : throw Bad();

    private PasskeyRecord NewRecord(AccountContent content, PasskeyMade made, string? name)
    {
        var id = Base64Url.EncodeToString(made.Key.CredentialId.Span);
        return content.Users.Any(u => u.AllPasskeys.Any(p => p.CredentialId == id)) ? throw Bad()
            : new PasskeyRecord(
                Secrets.NewId(), id, Base64Url.EncodeToString(made.Key.PublicKey.Span), made.Counter, made.Key.MayBeSynced,
                AccountNames.LabelOf(name), time.GetUtcNow(), null);
    }

    private static IReadOnlyList<PasskeyKey> KeysOf(UserRecord user) => [.. user.AllPasskeys.Select(p => new PasskeyKey(
        Base64Url.DecodeFromChars(p.CredentialId), Base64Url.DecodeFromChars(p.PublicKey), p.MayBeSynced))];

    private static PasskeySite SiteOf(Proof proof) => HostOf(proof.Origin) is { } host ? new PasskeySite(host, proof.Origin)
        : throw new AccountRefusal(AccountError.NotFound, "This gateway has no passkeys under this address: open it by its name.");

    private static void RequireRoom(UserRecord user)
    {
        if (user.AllPasskeys.Count >= AccountLimits.MostPasskeysOfUser)
        {
            throw new AccountRefusal(
                AccountError.TooMany, $"You have {AccountLimits.MostPasskeysOfUser} passkeys. Remove one first.");
        }
    }

    private static AccountRefusal NoSuch() => new(AccountError.NotFound, "There is no such passkey.");

    /// <summary>One answer for all, so that it tells nobody what was nearly right.</summary>
    private static AccountRefusal Bad() => new(AccountError.BadPasskey, "The passkey was not accepted. Try again, or sign in another way.");

    /// <param name="Key">The browser's that was asked.</param>
    /// <param name="State">Of the ceremony.</param>
    /// <param name="UserId">Whom the passkey is for; null: whoever it brings.</param>
    /// <param name="Link">The hash of the link that it is made for; null: they are signed in.</param>
    /// <param name="Name">The name that goes with the link.</param>
    private sealed record Question(string Key, PasskeySite Site, string State, string? UserId, string? Link = null, string? Name = null);
}

/// <summary>What a browser is to do with a passkey.</summary>
/// <param name="Id">Goes back with the answer, once.</param>
/// <param name="Options">For <c>navigator.credentials</c>, as JSON.</param>
public sealed record PasskeyQuestion(string Id, string Options);
