using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Machine.Git.Transfers;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.Git;

/// <summary>
/// git's own <c>http-backend</c> behind TLS on loopback, with an authority of its own, that wants a token. The repository is
/// <c>/bare.git</c>; <c>/away.git</c> leads to another host, <c>/short</c> to <c>/short.git</c>, and <c>/open.git</c> wants no token.
/// </summary>
internal sealed class GitHttpServer : IAsyncDisposable
{
    public const string Token = "glpat-Zm9yLXRlc3RzLW9ubHk";
    public const string Host = "git.test";
    public const string OtherHost = "other.test";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("https-");
    private readonly X509Certificate2 _authority;
    private WebApplication? _web;
    private WebApplication? _other;

    private GitHttpServer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=git test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        _authority = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    /// <summary>Why there is none; null: there can be one.</summary>
    public static string? Missing { get; } = File.Exists("/usr/lib/git-core/git-http-backend") ? null
        : "git's http-backend is not installed";

    public int Port { get; private set; }

    public int OtherPort { get; private set; }

    public string Place => $"{Host}:{Port}";

    public string Repository => Path.Combine(_folder.FullName, "bare.git");

    /// <summary>Method and path of each request, with <c>+token</c> where one came.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>What came to the other host.</summary>
    public ConcurrentQueue<string> AskedElsewhere { get; } = new();

    /// <summary>Called while a request is answered.</summary>
    public Action? Meanwhile { get; set; }

    /// <summary>How the machine gets there: the names lead to loopback, and the authority is believed.</summary>
    public HttpsSettings Way => new()
    {
        Resolve = static (host, _) => new ValueTask<IReadOnlyList<IPAddress>>(
            host.EndsWith(".test", StringComparison.Ordinal) ? [IPAddress.Loopback] : []),
        AllowedLoopback = [new IPEndPoint(IPAddress.Loopback, Port), new IPEndPoint(IPAddress.Loopback, OtherPort)],
        Trust = () =>
        {
            var policy = new X509ChainPolicy
            { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.Add(_authority);
            return policy;
        },
    };

    public string Url(string repository = "bare.git") => $"https://{Place}/{repository}";

    public static async Task<GitHttpServer> StartAsync()
    {
        var server = new GitHttpServer();
        await GitBench.ShellAsync(server._folder.FullName, "for r in bare short open; do git init -q --bare -b main $r.git; done");
        server._web = await server.ListenAsync(Host, server.AnswerAsync);
        server.Port = new Uri(server._web.Urls.First()).Port;
        server._other = await server.ListenAsync(OtherHost, context =>
        {
            server.AskedElsewhere.Enqueue(Line(context));
            return Task.CompletedTask;
        });
        server.OtherPort = new Uri(server._other.Urls.First()).Port;
        return server;
    }

    /// <summary>Somebody else's work: a clone of the repository, and what is there pushed.</summary>
    public Task TheirsAsync(string commands) => GitBench.ShellAsync(
        _folder.FullName,
        $"rm -rf clone; git clone -q bare.git clone 2>/dev/null; cd clone; git checkout -q -B main; git config user.name B; git config user.email b@example.org\n{commands}\ngit push -q origin main");

    public async ValueTask DisposeAsync()
    {
        foreach (var web in (WebApplication?[])[_web, _other])
        {
            if (web is not null)
            {
                await web.DisposeAsync();
            }
        }

        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task<WebApplication> ListenAsync(string host, RequestDelegate answer)
    {
        var leaf = Leaf(host);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.Limits.MaxRequestBodySize = null;
            k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(leaf));
        });
        var web = builder.Build();
        web.Run(answer);
        await web.StartAsync();
        return web;
    }

    private X509Certificate2 Leaf(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(_authority, new DateTimeOffset(_authority.NotBefore), new DateTimeOffset(_authority.NotAfter),
            RandomNumberGenerator.GetBytes(12));
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Asked.Enqueue(Line(context));
        Meanwhile?.Invoke();
        var path = context.Request.Path.Value!;
        if (path.StartsWith("/away.git/", StringComparison.Ordinal))
        {
            context.Response.Redirect($"https://{OtherHost}:{OtherPort}/bare.git{path["/away.git".Length..]}{context.Request.QueryString}");
            return;
        }

        if (path.StartsWith("/short/", StringComparison.Ordinal))
        {
            context.Response.Redirect($"/short.git{path["/short".Length..]}{context.Request.QueryString}", permanent: true);
            return;
        }

        if (!path.StartsWith("/open.git/", StringComparison.Ordinal) && TokenOf(context) != Token)
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = "Basic realm=git";
            return;
        }

        await RunAsync(context);
    }

    /// <summary>The common gateway interface, as git's page about http-backend has it.</summary>
    private async Task RunAsync(HttpContext context)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = "/usr/bin:/bin",
            ["GIT_PROJECT_ROOT"] = _folder.FullName,
            ["GIT_HTTP_EXPORT_ALL"] = "1",
            ["REMOTE_USER"] = "tester",
            ["REMOTE_ADDR"] = "127.0.0.1",
            ["HOME"] = "/nonexistent",
            ["GIT_CONFIG_COUNT"] = "2",
            ["GIT_CONFIG_KEY_0"] = "http.receivepack",
            ["GIT_CONFIG_VALUE_0"] = "true",
            ["GIT_CONFIG_KEY_1"] = "safe.directory",
            ["GIT_CONFIG_VALUE_1"] = "*",
            ["PATH_INFO"] = context.Request.Path.Value!,
            ["REQUEST_METHOD"] = context.Request.Method,
            ["QUERY_STRING"] = context.Request.QueryString.Value!.TrimStart('?'),
            ["CONTENT_TYPE"] = context.Request.ContentType ?? "",
        };
        if (context.Request.ContentLength is { } length)
        {
            environment["CONTENT_LENGTH"] = length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        await using var backend = OwnedProcess.Start(
            new ProcessStart
            {
                Program = "/usr/lib/git-core/git-http-backend",
                WorkingDirectory = _folder.FullName,
                Environment = environment
            }, TimeProvider.System);
        var feeding = FeedAsync(context, backend.StandardInput);
        var line = new StringBuilder();
        while (true)
        {
            var one = new byte[1];
            await backend.StandardOutput.ReadExactlyAsync(one, context.RequestAborted);
            if (one[0] != '\n')
            {
                line.Append((char)one[0]);
                continue;
            }

            var header = line.ToString().TrimEnd('\r').Split(": ", 2);
            line.Clear();
            if (header is not [var name, var value])
            {
                break;
            }

            if (name == "Status")
            {
                context.Response.StatusCode = int.Parse(value[..3], System.Globalization.CultureInfo.InvariantCulture);
            }
            else
            {
                context.Response.Headers[name] = value;
            }
        }

        await backend.StandardOutput.CopyToAsync(context.Response.Body, context.RequestAborted);
        await feeding;
    }

    private static async Task FeedAsync(HttpContext context, Stream input)
    {
        await context.Request.Body.CopyToAsync(input, context.RequestAborted);
        input.Close();
    }

    private static string Line(HttpContext context)
        => $"{context.Request.Method} {context.Request.Path}{(TokenOf(context) is null ? "" : " +token")}";

    private static string? TokenOf(HttpContext context)
        => context.Request.Headers.Authorization.ToString() is ['B', 'a', 's', 'i', 'c', ' ', .. var words]
            ? Encoding.UTF8.GetString(Convert.FromBase64String(words)).Split(':', 2)[^1] : null;
}
