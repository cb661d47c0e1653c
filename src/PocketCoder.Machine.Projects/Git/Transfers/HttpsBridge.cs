using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using PocketCoder.Broker.Egress;
using PocketCoder.Git;

namespace PocketCoder.Machine.Git.Transfers;

/// <summary>
/// The way by HTTPS. git inside talks as over ssh; the requests of git's HTTP protocol are made here, to exactly the address that was
/// allowed, with the owner's token. So the sandbox has neither the token nor a way to use it for anything else. Redirects are not followed.
/// Source: gitprotocol-http(5), gitprotocol-pack(5), version 0.
/// </summary>
/// <param name="token">Null: as nobody, for what everybody may fetch.</param>
internal sealed class HttpsBridge(string service, RemoteAddress address, string? token, HttpsSettings way, PushGate? gate)
    : TransferBridge(gate)
{
    private const int MostWanted = 16 * 1024 * 1024;
    private const int MostAnswer = 4 * 1024 * 1024;

    /// <summary>Whom a token is sent as where the address names nobody: GitHub, GitLab, Gitea and others look at the token alone.</summary>
    private const string AnyUser = "x-access-token";

    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(15);

    private string _path = address.Path.TrimEnd('/');

    protected override async Task CarryAsync(Socket client, CancellationToken stop)
    {
        try
        {
            using var handler = Handler();
            using var http = new HttpClient(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
            await using var inside = new NetworkStream(client, ownsSocket: false);
            await AdvertiseAsync(http, inside, stop);
            await (Gate is null ? FetchAsync(http, inside, stop) : PushAsync(http, Gate, inside, stop));
            client.Shutdown(SocketShutdown.Send);
        }
        catch (HttpRequestException e)
        {
            throw Failed(e);
        }
    }

    /// <summary>What the other side has. HTTP puts a line before it that git does not expect from ssh.</summary>
    private async Task AdvertiseAsync(HttpClient http, NetworkStream inside, CancellationToken stop)
    {
        using var response = await AskAsync(http, stop);
        Check(response, $"application/x-{service}-advertisement");
        await using var body = await response.Content.ReadAsStreamAsync(stop);
        var first = await LineAsync(body, stop) ?? throw Unreadable();
        if (first.Text.StartsWith("# service=", StringComparison.Ordinal))
        {
            if (await LineAsync(body, stop) is not { IsFlush: true })
            {
                throw Unreadable();
            }
        }
        else
        {
            await inside.WriteAsync(first.Bytes, stop);
        }

        await body.CopyToAsync(inside, stop);
    }

    /// <summary>Some hosts redirect to the same repository's other spelling, with <c>.git</c> at its end; that one is followed.</summary>
    private async Task<HttpResponseMessage> AskAsync(HttpClient http, CancellationToken stop)
    {
        var response = await http.SendAsync(
            Request(HttpMethod.Get, $"{_path}/info/refs?service={service}"), HttpCompletionOption.ResponseHeadersRead, stop);
        if (IsRedirect(response) && _path == address.Path.TrimEnd('/'))
        {
            var other = _path.EndsWith(".git", StringComparison.Ordinal) ? _path[..^4] : _path + ".git";
            if (Target(response) == Address($"{other}/info/refs?service={service}"))
            {
                response.Dispose();
                _path = other;
                return await http.SendAsync(
                    Request(HttpMethod.Get, $"{_path}/info/refs?service={service}"), HttpCompletionOption.ResponseHeadersRead, stop);
            }
        }

        return response;
    }

    /// <summary>
    /// A push is one request: what shall change, then the objects. It is sent when all of what shall change was seen and allowed.
    /// </summary>
    private async Task PushAsync(HttpClient http, PushGate gate, NetworkStream inside, CancellationToken stop)
    {
        var buffer = new byte[64 * 1024];
        var asked = ReadOnlyMemory<byte>.Empty;
        while (asked.IsEmpty)
        {
            var read = await inside.ReadAsync(buffer, stop);
            if (read == 0)
            {
                return; // git gave up, and says why itself
            }

            asked = gate.Pass(buffer.AsMemory(0, read)).ToArray();
        }

        if (gate.Asked == 0)
        {
            return;
        }

        // nothing follows a deletion
        using var request = Request(HttpMethod.Post, $"{_path}/{service}", new PushBody(asked, gate.OnlyDeletes ? null : inside));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        Check(response, $"application/x-{service}-result");
        await using var body = await response.Content.ReadAsStreamAsync(stop);
        await body.CopyToAsync(inside, stop);
    }

    /// <summary>
    /// Over ssh the other side remembers what was said; over HTTP each request says it again: what is wanted, what both are known to have,
    /// and the next commits that are here.
    /// </summary>
    private async Task FetchAsync(HttpClient http, NetworkStream inside, CancellationToken stop)
    {
        var wants = await UntilAsync(inside, stop);
        if (wants is null || wants.Count == 1)
        {
            return; // nothing is wanted
        }

        var common = new List<PacketLine>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        while (await UntilAsync(inside, stop) is { } haves)
        {
            var done = !haves[^1].IsFlush;
            using var request = Request(HttpMethod.Post, $"{_path}/{service}",
                new ByteArrayContent([.. wants.Concat(common).Concat(haves).SelectMany(p => p.Bytes.ToArray())]));
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            Check(response, $"application/x-{service}-result");
            await using var body = await response.Content.ReadAsStreamAsync(stop);
            if (done)
            {
                await body.CopyToAsync(inside, stop);
                return;
            }

            var answer = 0L;
            while (await LineAsync(body, stop) is { } line)
            {
                if ((answer += line.Bytes.Length) > MostAnswer)
                {
                    throw Unreadable();
                }

                if (line.Text.Split(' ') is ["ACK", var id, ..] && GitNames.IsId(id.TrimEnd('\n')) && known.Add(id.TrimEnd('\n')))
                {
                    common.Add(PacketLine.Of($"have {id.TrimEnd('\n')}\n"));
                }

                await inside.WriteAsync(line.Bytes, stop);
            }
        }
    }

    /// <summary>The lines up to a flush or <c>done</c>, with it. Null: git went away.</summary>
    private static async Task<List<PacketLine>?> UntilAsync(Stream from, CancellationToken stop)
    {
        var lines = new List<PacketLine>();
        var size = 0;
        while (await PacketLine.ReadAsync(from, stop) is { } line)
        {
            lines.Add(line);
            if ((size += line.Bytes.Length) > MostWanted)
            {
                throw new InvalidDataException("the request is too large");
            }

            if (line.IsFlush || line.Text.TrimEnd('\n') == "done")
            {
                return lines;
            }
        }

        return null;
    }

    /// <summary>A line of the other side's.</summary>
    private static async Task<PacketLine?> LineAsync(Stream body, CancellationToken stop)
    {
        try
        {
            return await PacketLine.ReadAsync(body, stop);
        }
        catch (InvalidDataException e)
        {
            throw new GitException(GitError.Unreadable, Unreadable().Message, e);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content = null)
    {
        var request = new HttpRequestMessage(method, Address(path)) { Content = content };
        request.Headers.UserAgent.ParseAdd("git/2.39 (PocketCoder)");
        request.Headers.Accept.ParseAdd(content is null ? "*/*" : $"application/x-{service}-result");
        request.Headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
        if (content is not null)
        {
            content.Headers.ContentType = new MediaTypeHeaderValue($"application/x-{service}-request");
        }

        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{address.User ?? AnyUser}:{token}")));
        }

        return request;
    }

    private Uri Address(string path) => new($"https://{address.Host}:{address.Port ?? 443}{path}");

    private SocketsHttpHandler Handler() => new()
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ConnectTimeout = s_connect,
        MaxResponseHeadersLength = 64,
        SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = way.Trust?.Invoke() },
        ConnectCallback = async (context, ct) =>
        {
            var (socket, at) = await PublicConnection.OpenAsync(
                context.DnsEndPoint.Host, context.DnsEndPoint.Port, way.Resolve, way.AllowedLoopback, ct);
            return socket is not null
                ? new NetworkStream(socket, ownsSocket: true)
                : throw new GitException(GitError.HostNotAllowed, $"{address.Host} resolves to {at}, which is not a public address.");
        },
    };

    /// <exception cref="GitException">It is not the answer to such a request.</exception>
    private void Check(HttpResponseMessage response, string type)
    {
        GitException? problem = response.StatusCode switch
        {
            HttpStatusCode.OK when response.Content.Headers.ContentType?.MediaType == type => null,
            HttpStatusCode.OK => new GitException(GitError.NotFound, "That address is not a git repository."),
            HttpStatusCode.Unauthorized when token is null =>
                new GitException(GitError.AuthRequired, $"{Place} requires a token. On the machine: pocketcoder git-token set {Place}"),
            HttpStatusCode.Unauthorized => new GitException(
                GitError.AuthRequired, $"{Place} does not accept the token. On the machine: pocketcoder git-token set {Place}"),
            HttpStatusCode.Forbidden => new GitException(GitError.AuthRequired,
                token is null ? $"{Place} does not allow that without a token." : $"{Place} does not allow that with this token."),
            HttpStatusCode.NotFound or HttpStatusCode.Gone =>
                new GitException(GitError.NotFound, "There is no repository at that address, or the token may not see it."),
            _ when IsRedirect(response) => new GitException(
                GitError.Unreachable,
                $"It leads to another address, {GitNames.Shown(RemoteAddress.WithoutPassword(Target(response)?.ToString() ?? "an unreadable one"))}. Nothing was sent there. If that is right, change the remote's address."),
            _ => new GitException(GitError.Unreachable, $"{Place} answers {(int)response.StatusCode}."),
        };
        if (problem is not null)
        {
            throw problem;
        }
    }

    private string Place => address.Port is { } port
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{address.Host}:{port}") : address.Host;

    private static bool IsRedirect(HttpResponseMessage response) => (int)response.StatusCode is >= 300 and < 400;

    private static Uri? Target(HttpResponseMessage response) => response.Headers.Location is not { } to ? null
        : to.IsAbsoluteUri ? to
        : Uri.TryCreate(response.RequestMessage!.RequestUri!, to, out var whole) ? whole : null;

    private static GitException Unreadable() => new(GitError.Unreadable, "The host's answer is not git's protocol.");

    private GitException Failed(HttpRequestException e)
    {
        for (Exception? inner = e; inner is not null; inner = inner.InnerException)
        {
            switch (inner)
            {
                case GitException known:
                    return known;
                case AuthenticationException:
                    return new GitException(
                        GitError.Unreachable, $"{Place} has no certificate that this machine trusts. Nothing was sent.", e);
                case SocketException:
                    return new GitException(GitError.Unreachable, $"{Place} does not answer.", e);
                default:
                    break;
            }
        }

        return new GitException(GitError.Unreachable, $"{Place} can't be reached: {e.Message}", e);
    }

    /// <summary>What was seen already, and then what git still writes.</summary>
    private sealed class PushBody(ReadOnlyMemory<byte> begin, Stream? rest) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context)
            => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(begin, cancellationToken);
            if (rest is not null)
            {
                await rest.CopyToAsync(stream, cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = begin.Length;
            return rest is null;
        }
    }
}

/// <summary>How HTTPS goes out.</summary>
public sealed record HttpsSettings
{
    public Func<string, CancellationToken, ValueTask<IReadOnlyList<IPAddress>>> Resolve { get; init; } = static async (
        host, ct) => await Dns.GetHostAddressesAsync(host, ct);

    /// <summary>For tests only: exact loopback destinations that are let through although they are not public.</summary>
    public IReadOnlyList<IPEndPoint> AllowedLoopback { get; init; } = [];

    /// <summary>For tests only: whose certificates are believed; null: those that the machine believes.</summary>
    public Func<System.Security.Cryptography.X509Certificates.X509ChainPolicy>? Trust { get; init; }
}
