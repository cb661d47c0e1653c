using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using PocketCoder.Cli.Output;
using PocketCoder.Gateway.Tls;
using PocketCoder.Machine;
using PocketCoder.Platform;

namespace PocketCoder.Cli.Commands;

/// <summary><c>pocketcoder tls init|show|renew</c>: TLS for a gateway at home, without anybody else's help.</summary>
internal static class TlsCommands
{
    public static Command Create(Terminal terminal)
    {
        var names = new Option<string[]>("--name")
        { Description = "Additional host name or address that phones will use; repeatable", HelpName = "HOST" };
        var force = new Option<bool>("--force") { Description = "Replace the CA; every phone must then trust the new one" };
        return new Command("tls", "Manage certificates for this machine's own names")
        {
            new Command("init", "Create a CA for this machine and a certificate from it") { names, force }.Does(
                terminal, (context, parsed, _) => Task.FromResult(Init(context, parsed.GetValue(names) ?? [], parsed.GetValue(force)))),
            new Command("renew", "Create a new certificate from the same CA; a running daemon uses it within a minute") { names }.Does(
                terminal, (context, parsed, _) => Task.FromResult(Renew(context, parsed.GetValue(names) ?? []))),
            new Command("show", "Show the certificate and how to trust the CA").Does(
                terminal, (context, _, _) => Task.FromResult(Show(context))),
        };
    }

    private static int Init(CommandContext context, string[] names, bool force)
    {
        var home = context.Home;
        home.Prepare();
        if (File.Exists(TlsFiles.AuthorityKey(home)) && !force)
        {
            throw new CommandFailure(
                "A CA already exists. To renew its certificate: pocketcoder tls renew. To replace the CA, which every phone must then trust: pocketcoder tls init --force");
        }

        var now = TimeProvider.System.GetUtcNow();
        var all = All(names, []);
        var authority = LocalAuthority.CreateAuthority(Environment.MachineName, all, now);
        var leaf = LocalAuthority.Issue(authority, all, now);
        Write(TlsFiles.AuthorityKey(home), authority.Key);
        Write(TlsFiles.AuthorityCertificate(home), authority.Certificate);
        Save(home, leaf);
        return Show(context);
    }

    private static int Renew(CommandContext context, string[] names)
    {
        var home = context.Home;
        home.Prepare();
        var authority = TlsFiles.ReadAuthority(home);
        Save(home, LocalAuthority.Issue(authority, All(names, Known(home)), TimeProvider.System.GetUtcNow()));
        return Show(context);
    }

    /// <summary>
    /// The names of the present certificate. A broken one has none: renewing is how it is repaired, and the names can be given again.
    /// </summary>
    private static IReadOnlyList<string> Known(Home home)
    {
        if (!TlsFiles.Exist(home))
        {
            return [];
        }

        try
        {
            using var old = X509CertificateLoader.LoadCertificateFromFile(TlsFiles.Certificate(home));
            return LocalAuthority.NamesOf(old);
        }
        catch (CryptographicException)
        {
            return [];
        }
    }

    private static int Show(CommandContext context)
    {
        var home = context.Home;
        _ = TlsFiles.ReadAuthority(home);
        using var authority = TlsFiles.Load(TlsFiles.AuthorityCertificate(home));
        using var leaf = TlsFiles.Load(TlsFiles.Certificate(home));
        var names = LocalAuthority.NamesOf(leaf);
        var fingerprint = Convert.ToHexString(SHA256.HashData(authority.RawData));
        if (context.Json)
        {
            CliJson.Write(
                context.Terminal,
                new TlsShown(names, new(leaf.NotAfter.ToUniversalTime()), new(authority.NotAfter.ToUniversalTime()), fingerprint,
                    TlsFiles.AuthorityCertificate(home)),
                CliJson.Default.TlsShown);
            return ExitCode.Ok;
        }

        var host = names.FirstOrDefault(n => n.Contains('.', StringComparison.Ordinal) && n is not "127.0.0.1") ?? names[0];
        context.Say(
            $"""
            Certificate  {string.Join(" ", names)}
                         until {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd}; then: pocketcoder tls renew
            CA           {TlsFiles.AuthorityCertificate(home)}
                         until {authority.NotAfter.ToUniversalTime():yyyy-MM-dd}, SHA-256 {fingerprint}

            Start so that phones can reach it:
              pocketcoder stop; pocketcoder start --listen 0.0.0.0:8090

            Trust the CA once on each device. Compare the SHA-256 above with what the device shows.
              iPhone, iPad   open https://{host}:8090/ca.crt in Safari, allow the profile; then Settings > General > VPN & Device
                             Management > install; then Settings > General > About > Certificate Trust Settings > switch it on
              Android        open https://{host}:8090/ca.crt; then Settings > Security > Encryption & credentials > Install a certificate
                             > CA certificate > pocketcoder-ca.crt (a screen lock is needed)
              macOS          security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ca.crt
              Linux          sudo cp ca.crt /usr/local/share/ca-certificates/pocketcoder.crt && sudo update-ca-certificates
                             (Firefox and Chromium have lists of their own: Settings > Certificates > Authorities > Import)
              Windows        certutil -addstore -user Root ca.crt
            The CA can only speak for this machine's names and private addresses.
            """);
        return ExitCode.Ok;
    }

    private static List<string> All(string[] given, IReadOnlyList<string> known)
        => [.. given.Concat(known).Concat(LocalAuthority.OwnNames()).Concat(["127.0.0.1", "[::1]"]).Select(n => n.ToLowerInvariant())
            .Distinct(StringComparer.Ordinal)];

    private static void Save(Home home, PemPair leaf)
    {
        Write(TlsFiles.Key(home), leaf.Key);
        Write(TlsFiles.Certificate(home), leaf.Certificate);
    }

    private static void Write(string file, string pem) => PrivateFile.Replace(file, Encoding.ASCII.GetBytes(pem));
}
