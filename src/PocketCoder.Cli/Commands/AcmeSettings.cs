using System.CommandLine;
using System.Net;
using PocketCoder.Acme;
using PocketCoder.Gateway;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary>The options of a gateway that orders its own certificate (RFC 8555).</summary>
internal static class AcmeSettings
{
    /// <summary>Let's Encrypt.</summary>
    private const string UsualDirectory = "https://acme-v02.api.letsencrypt.org/directory";

    private const string OverHttp = "http-01";
    private const string OverTls = "tls-alpn-01";
    private const string UsualListen = "0.0.0.0:80";

    private static readonly Option<bool> s_acme = new("--acme")
    { Description = "Get a certificate for the names from a certificate authority (ACME; Let's Encrypt by default), and agree to its terms" };

    private static readonly Option<Uri?> s_directory = new("--acme-directory")
    {
        Description = "With --acme: the authority's directory",
        HelpName = "URL",
        CustomParser = result =>
        {
            if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && AcmeOptions.IsAllowed(url))
            {
                return url;
            }

            result.AddError($"'{result.Tokens[0].Value}' is not the https address of a certificate authority's directory.");
            return null;
        },
    };

    private static readonly Option<string?> s_email = new("--acme-email")
    {
        Description = "With --acme: where the authority may write to",
        HelpName = "ADDRESS",
        CustomParser = result =>
        {
            if (AcmeOptions.IsEmail(result.Tokens[0].Value))
            {
                return result.Tokens[0].Value;
            }

            result.AddError($"'{result.Tokens[0].Value}' is not an e-mail address.");
            return null;
        },
    };

    private static readonly Option<string?> s_challenge = new("--acme-challenge")
    {
        Description = "With --acme: how the authority sees that the names lead here: http-01 (port 80) or tls-alpn-01 (the gateway's own port, as 443)",
        HelpName = "KIND",
        CustomParser = result =>
        {
            if (result.Tokens[0].Value is OverHttp or OverTls)
            {
                return result.Tokens[0].Value;
            }

            result.AddError($"'{result.Tokens[0].Value}' is not a challenge. Use {OverHttp} or {OverTls}.");
            return null;
        },
    };

    private static readonly Option<IPEndPoint?> s_listen = new("--acme-listen")
    {
        Description = "With --acme: where the authority's question is answered over plain HTTP (default 0.0.0.0:80)",
        HelpName = "ADDR:PORT",
        CustomParser = result => StartCommand.Endpoint(result.Tokens[0].Value, result),
    };

    public static IReadOnlyList<Option> Options { get; } = [s_acme, s_directory, s_email, s_challenge, s_listen];

    /// <summary>What an option is when nobody says otherwise, as it is typed; null: it is none of these.</summary>
    public static string? DefaultOf(string name) => name switch
    {
        "--acme" => "false",
        "--acme-directory" => UsualDirectory,
        "--acme-email" => "",
        "--acme-challenge" => OverHttp,
        "--acme-listen" => UsualListen,
        _ => null,
    };

    /// <summary>Null: another certificate, or none.</summary>
    /// <param name="names">As given with --name, with or without a port.</param>
    /// <exception cref="CommandFailure">The options don't fit together.</exception>
    public static GatewayAcme? From(ParseResult parsed, Home home, IReadOnlyList<string> names, bool behindProxy, bool noTls)
    {
        if (!parsed.GetValue(s_acme))
        {
            return parsed.GetValue(s_directory) is null && (parsed.GetValue(s_email) ?? parsed.GetValue(s_challenge)) is null
                && parsed.GetValue(s_listen) is null ? null
                : throw new CommandFailure("--acme-… has no effect without --acme. Add --acme, or remove the others.", ExitCode.Usage);
        }

        if (behindProxy || noTls)
        {
            throw new CommandFailure("--acme gets a certificate for this gateway's own TLS. Remove --behind-proxy and --no-tls, or --acme.",
                ExitCode.Usage);
        }

        if (names.Count == 0)
        {
            throw new CommandFailure("--acme needs the public host name of this computer: add --name gateway.example.org", ExitCode.Usage);
        }

        var order = new AcmeOptions
        {
            Directory = parsed.GetValue(s_directory) ?? new Uri(UsualDirectory),
            Names = [.. names.Select(n => n.Split(':')[0].ToLowerInvariant()).Distinct(StringComparer.Ordinal)],
            Folder = Path.Combine(home.Tls, "acme"),
            Email = parsed.GetValue(s_email),
            TermsAgreed = true,
        };
        return new GatewayAcme(
            order, parsed.GetValue(s_challenge) == OverTls, [parsed.GetValue(s_listen) ?? IPEndPoint.Parse(UsualListen)]);
    }
}
