namespace PocketCoder.Feishu;

/// <summary>A custom app of Feishu or Lark: its id, its secret and the domain that knows it. Immutable; its text shows no secret.</summary>
public sealed class FeishuApp
{
    private const int LongestPart = 256;

    /// <param name="domain">Like <c>https://open.feishu.cn</c> or <c>https://open.larksuite.com</c>: gets the secret, so it must be HTTPS (or this computer).</param>
    /// <exception cref="FeishuException">One of them can't be right.</exception>
    public FeishuApp(string id, string secret, Uri domain)
    {
        if (!Ids.IsId(id))
        {
            throw new FeishuException(FeishuError.Invalid, "The app id must be letters, digits, '_' and '-' only, like cli_a1b2c3.");
        }

        if (secret.Length is 0 or > LongestPart || secret.Any(c => c is <= ' ' or > '~'))
        {
            throw new FeishuException(FeishuError.Invalid, $"The app secret must be 1 to {LongestPart} printable ASCII characters.");
        }

        if (!domain.IsAbsoluteUri || !IsSafe(domain, "https", "http") || domain.PathAndQuery != "/")
        {
            throw new FeishuException(FeishuError.Invalid, "The domain must be an https address without path, like https://open.feishu.cn.");
        }

        (Id, Secret, Domain) = (id, secret, domain);
    }

    public string Id { get; }

    public Uri Domain { get; }

    internal string Secret { get; }

    public override string ToString() => $"{Id} at {Domain.Host}";

    /// <summary>Whether an address is encrypted, or leads to this computer; without user, password and fragment.</summary>
    internal static bool IsSafe(Uri address, string encrypted, string plain)
        => address.UserInfo.Length == 0 && address.Fragment.Length == 0
        && (address.Scheme == encrypted || (address.Scheme == plain && address.IsLoopback));
}
