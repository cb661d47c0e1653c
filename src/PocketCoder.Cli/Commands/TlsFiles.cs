using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Tls;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary>Where <c>tls init</c> keeps what it makes; all 0600.</summary>
internal static class TlsFiles
{
    public static string AuthorityCertificate(Home home) => Path.Combine(home.Tls, "ca.crt");

    public static string AuthorityKey(Home home) => Path.Combine(home.Tls, "ca.key");

    public static string Certificate(Home home) => Path.Combine(home.Tls, "server.crt");

    public static string Key(Home home) => Path.Combine(home.Tls, "server.key");

    public static bool Exist(Home home) => File.Exists(Certificate(home)) && File.Exists(Key(home));

    public static GatewayTls Of(Home home)
        => new(Certificate(home), Key(home), File.Exists(AuthorityCertificate(home)) ? AuthorityCertificate(home) : null);

    /// <exception cref="CommandFailure">It can't be read.</exception>
    public static X509Certificate2 Load(string file)
    {
        try
        {
            return X509CertificateLoader.LoadCertificateFromFile(file);
        }
        catch (CryptographicException e)
        {
            throw new CommandFailure($"{file} is not a valid certificate ({e.Message}). Create a new one: pocketcoder tls renew");
        }
    }

    public static PemPair ReadAuthority(Home home)
        => File.Exists(AuthorityCertificate(home)) && File.Exists(AuthorityKey(home))
            ? new PemPair(File.ReadAllText(AuthorityCertificate(home)), File.ReadAllText(AuthorityKey(home)))
            : throw new CommandFailure("No CA yet. Create one: pocketcoder tls init", code: OwnCodes.NotSetUp);
}
