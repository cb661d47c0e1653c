namespace PocketCoder.Acme;

/// <summary>Where a certificate comes from, and for which names.</summary>
public sealed record AcmeOptions
{
    /// <summary>Names in one certificate.</summary>
    public const int MaxNames = 20;

    /// <summary>The authority's directory: https, or plain http on loopback (tests).</summary>
    public required Uri Directory { get; init; }

    /// <summary>
    /// Host names in lower case, without wildcards: the first one is the gateway's main name. 1 to <see cref="MaxNames"/>.
    /// </summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>A folder of ours alone (made with mode 0700): the account's key, the certificate with its key, when to try again.</summary>
    public required string Folder { get; init; }

    /// <summary>An address for the authority's notices; null gives none.</summary>
    public string? Email { get; init; }

    /// <summary>Whether the operator agreed to the authority's terms. Without it nothing is asked for.</summary>
    public bool TermsAgreed { get; init; }

    /// <summary>A PEM file of roots to trust for the authority's own https, in the place of the system's; null: the system's.</summary>
    public string? RootsFile { get; init; }

    /// <exception cref="AcmeException"><see cref="AcmeError.Refused"/>: an option that no authority would take.</exception>
    public void Require()
    {
        if (!IsAllowed(Directory))
        {
            throw new AcmeException(AcmeError.Refused, $"The ACME directory {Directory} is no https address.");
        }

        if (Names.Count is 0 or > MaxNames)
        {
            throw new AcmeException(AcmeError.Refused, $"A certificate is for 1 to {MaxNames} names.");
        }

        foreach (var name in Names)
        {
            if (Uri.CheckHostName(name) != UriHostNameType.Dns || !name.Contains('.', StringComparison.Ordinal) || name.Length > 253
                || name.StartsWith('.') || name.EndsWith('.') || !name.All(IsHostCharacter))
            {
                throw new AcmeException(AcmeError.Refused,
                    $"'{name}' is no public host name. An ACME certificate needs one, such as gateway.example.org.");
            }
        }

        if (Email is { } email && !IsEmail(email))
        {
            throw new AcmeException(AcmeError.Refused, $"'{email}' is no e-mail address.");
        }

        if (!TermsAgreed)
        {
            throw new AcmeException(AcmeError.Refused,
                "The certificate authority has terms of service. Read them, then agree with --acme-agree.");
        }
    }

    /// <summary>Whether an authority could write to it: one address in printable ASCII, of at most 254 characters.</summary>
    public static bool IsEmail(string text) => text.Length is > 2 and <= 254 && text.Count(c => c == '@') == 1
        && text.All(c => c is > ' ' and <= '~' and not (',' or '?'));

    /// <summary>Whether it is https without a user, or http on loopback. Every address that the authority names is held to this.</summary>
    public static bool IsAllowed(Uri address)
        => address.IsAbsoluteUri && address.UserInfo.Length == 0
            && (address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback));

    private static bool IsHostCharacter(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.';
}
