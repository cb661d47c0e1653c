using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace PocketCoder.Acme;

/// <summary>One certificate from one authority, from the account to the chain (RFC 8555 §7). For one use by one caller.</summary>
internal sealed class AcmeOrder(AcmeOptions options, AcmeTransport transport, AccountKey key, ChallengeAnswers answers, TimeProvider time)
{
    /// <summary>For everything together. A daemon whose start is at one step for a minute is given up.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(50);

    private const int MaxChain = 10;
    private const int MaxToken = 256;
    private static readonly TimeSpan s_firstPoll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_slowestPoll = TimeSpan.FromSeconds(15);

    private DirectoryResource _directory = null!;
    private Uri? _account;

    /// <summary>The account's address, once it is known.</summary>
    public Uri? Account => _account;

    /// <param name="account">The account's address from an earlier order, or null.</param>
    /// <returns>PEM: the chain, leaf first, then its private key.</returns>
    /// <exception cref="AcmeException">Any of its reasons.</exception>
    public async Task<string> RunAsync(Uri? account, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            _directory = (await transport.GetAsync(options.Directory, both.Token)).Read(AcmeJson.Default.DirectoryResource, "directory");
            var (url, order) = await BeginAsync(account, both.Token);
            foreach (var authorization in order.Authorizations.Take(AcmeOptions.MaxNames))
            {
                await ProveAsync(authorization, both.Token);
            }

            using var certificateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            order = await FinishAsync(url, order, certificateKey, both.Token);
            var issued = order.Certificate
                ?? throw new AcmeException(AcmeError.Malformed, "The certificate authority did not say where the certificate is.");
            var chain = await PostAsync(issued, "", both.Token);
            return Checked(chain.Body, certificateKey);
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new AcmeException(AcmeError.TooSlow, $"The certificate authority was not done within {Limit.TotalSeconds} s.", e);
        }
    }

    private async Task<(Uri Url, OrderResource Order)> BeginAsync(Uri? account, CancellationToken ct)
    {
        _account = account ?? await RegisterAsync(ct);
        var payload = JsonSerializer.Serialize(
            new NewOrder([.. options.Names.Select(n => new Identifier("dns", n))]), AcmeJson.Default.NewOrder);
        AcmeAnswer made;
        try
        {
            made = await PostAsync(_directory.NewOrder, payload, ct);
        }
        catch (AcmeException e) when (e.Problem == "accountDoesNotExist" && account is not null)
        {
            _account = await RegisterAsync(ct); // the authority forgot it
            made = await PostAsync(_directory.NewOrder, payload, ct);
        }

        return (made.RequireLocation("order"), made.Read(AcmeJson.Default.OrderResource, "order"));
    }

    private async Task<Uri> RegisterAsync(CancellationToken ct)
    {
        if (_directory.Meta?.ExternalAccountRequired == true)
        {
            throw new AcmeException(AcmeError.Refused,
                "This certificate authority wants an account made elsewhere (external account binding), which is not supported. Choose another one.");
        }

        IReadOnlyList<string>? contact = options.Email is { } email ? [$"mailto:{email}"] : null;
        var account = JsonSerializer.Serialize(new NewAccount(TermsOfServiceAgreed: true, contact), AcmeJson.Default.NewAccount);
        var made = await transport.PostAsync(_directory.NewNonce, _directory.NewAccount, key, account: null, account, ct);
        return made.RequireLocation("account");
    }

    private async Task ProveAsync(Uri url, CancellationToken ct)
    {
        var authorization = await ReadAsync(url, ct);
        if (authorization.Status == "valid")
        {
            return;
        }

        var name = authorization.Identifier.Value;
        var kind = answers.Choose(authorization.Challenges.Select(c => c.Type))
            ?? throw new AcmeException(AcmeError.Refused, $"The certificate authority offers no way to prove {name} that works here.");
        var challenge = authorization.Challenges.First(c => c.Type == kind);
        if (authorization.Identifier.Type != "dns" || !options.Names.Contains(name, StringComparer.Ordinal)
            || challenge.Token is not { Length: > 0 and <= MaxToken } token
            || !token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw new AcmeException(AcmeError.Malformed, "The certificate authority's challenge is not for a name that was asked for.");
        }

        using var answered = answers.Answer(kind, name, token, key.KeyAuthorization(token));
        await PostAsync(challenge.Url, "{}", ct);
        await PollAsync(
            () => PostAsync(url, "", ct),
            answer =>
            {
                var now = answer.Read(AcmeJson.Default.AuthorizationResource, "authorization");
                if (now.Status is "pending" or "processing")
                {
                    return false;
                }

                if (now.Status == "valid")
                {
                    return true;
                }

                var error = now.Challenges.FirstOrDefault(c => c.Type == kind)?.Error;
                var said = AcmeTransport.Problem(error, retryAfter: null, now.Status, AcmeError.NotValidated);
                var message = $"The certificate authority could not see that {name} leads here ({kind}). {said.Message}";
                throw new AcmeException(AcmeError.NotValidated, message) { Problem = said.Problem };
            }, ct);
    }

    private async Task<AuthorizationResource> ReadAsync(Uri url, CancellationToken ct)
        => (await PostAsync(url, "", ct)).Read(AcmeJson.Default.AuthorizationResource, "authorization");

    private async Task<OrderResource> FinishAsync(Uri url, OrderResource order, ECDsa certificateKey, CancellationToken ct)
    {
        var request = new CertificateRequest($"CN={options.Names[0]}", certificateKey, HashAlgorithmName.SHA256);
        if (options.Names[0].Length > 64)
        {
            request = new CertificateRequest(new X500DistinguishedName(""), certificateKey, HashAlgorithmName.SHA256); // X.520's limit
        }

        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in options.Names)
        {
            names.AddDnsName(name);
        }

        request.CertificateExtensions.Add(names.Build());
        var csr = new FinalizeRequest(Base64Url.EncodeToString(request.CreateSigningRequest()));
        await PollAsync(
            () => PostAsync(url, "", ct),
            answer => (order = answer.Read(AcmeJson.Default.OrderResource, "order")).Status != "pending", // ready, or what comes next tells
            ct);
        if (order.Status == "ready")
        {
            await PostAsync(order.Finalize, JsonSerializer.Serialize(csr, AcmeJson.Default.FinalizeRequest), ct);
        }

        await PollAsync(
            () => PostAsync(url, "", ct),
            answer =>
            {
                order = answer.Read(AcmeJson.Default.OrderResource, "order");
                return order.Status switch
                {
                    "valid" => true,
                    "ready" or "processing" => false,
                    _ => throw AcmeTransport.Problem(order.Error, retryAfter: null, order.Status),
                };
            }, ct);
        return order;
    }

    private async Task PollAsync(Func<Task<AcmeAnswer>> ask, Func<AcmeAnswer, bool> done, CancellationToken ct)
    {
        for (var wait = s_firstPoll; ; wait = wait * 2 < s_slowestPoll ? wait * 2 : s_slowestPoll)
        {
            var answer = await ask();
            if (done(answer))
            {
                return;
            }

            var asked = answer.RetryAfter is { } after && after > TimeSpan.Zero ? after : wait;
            await Task.Delay(asked < s_slowestPoll ? asked : s_slowestPoll, time, ct);
        }
    }

    private Task<AcmeAnswer> PostAsync(Uri url, string payload, CancellationToken ct)
        => transport.PostAsync(_directory.NewNonce, url, key, _account, payload, ct);

    /// <summary>The chain as PEM with the key behind it, if the leaf is for this key, these names and this time.</summary>
    private string Checked(byte[] body, ECDsa certificateKey)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(Encoding.ASCII.GetString(body));
            if (chain.Count is 0 or > MaxChain)
            {
                throw new AcmeException(AcmeError.BadCertificate, $"The certificate authority sent {chain.Count} certificates.");
            }

            using var publicKey = chain[0].GetECDsaPublicKey();
            var ours = certificateKey.ExportSubjectPublicKeyInfo();
            var isOurs = publicKey?.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(ours) == true;
            if (!isOurs || chain[0].NotAfter.ToUniversalTime() <= time.GetUtcNow().UtcDateTime
                || options.Names.Any(n => !chain[0].MatchesHostname(n, allowCommonName: false)))
            {
                throw new AcmeException(
                    AcmeError.BadCertificate, "The certificate authority issued a certificate for another key, name or time.");
            }

            return $"{chain.ExportCertificatePems()}\n{certificateKey.ExportPkcs8PrivateKeyPem()}\n";
        }
        catch (CryptographicException e)
        {
            throw new AcmeException(AcmeError.BadCertificate, $"What the certificate authority sent is no certificate: {e.Message}", e);
        }
        finally
        {
            foreach (var certificate in chain)
            {
                certificate.Dispose();
            }
        }
    }
}
