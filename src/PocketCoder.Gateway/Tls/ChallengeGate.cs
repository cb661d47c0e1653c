using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Connections;
using PocketCoder.Acme;

namespace PocketCoder.Gateway.Tls;

/// <summary>
/// Answers a certificate authority that looks at the TLS port whether a name leads here (TLS-ALPN-01): such a connection gets the
/// challenge's certificate and ends. All others go on untouched; while nothing is asked for, nobody's first bytes are looked at.
/// </summary>
internal sealed class ChallengeGate(ChallengeAnswers answers)
{
    /// <summary>For the first bytes, and for the handshake that follows.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private static readonly List<SslApplicationProtocol> s_protocols = [new(ChallengeAnswers.AlpnProtocol)];

    public async Task InvokeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (!answers.ExpectsTls || !await IsAcmeAsync(connection))
        {
            await next(connection);
            return;
        }

        await AnswerAsync(connection);
    }

    /// <summary>Every connection is taken for an authority's: where nothing else listens yet.</summary>
    public async Task AnswerAsync(ConnectionContext connection)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(s_limit);
        await using var tls = new SslStream(new PipeStream(connection.Transport), leaveInnerStreamOpen: true);
        try
        {
            await tls.AuthenticateAsServerAsync(
                (_, hello, _, _) => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificate = answers.ForName(hello.ServerName)
                        ?? throw new AuthenticationException("Nothing is asked for of that name."),
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13, // RFC 8737 §3: at least 1.2
                    ApplicationProtocols = s_protocols,
                }), null, limit.Token);
            await tls.ShutdownAsync();
        }
        catch (Exception e) when (e is AuthenticationException or IOException or OperationCanceledException or InvalidOperationException)
        {
            // Whoever asked is told by the end of the connection; the order's own answer says what the authority saw.
        }
    }

    private static async Task<bool> IsAcmeAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(s_limit);
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(limit.Token);
                var what = ClientHello.Look(read.Buffer);
                if (what != FirstBytes.Unfinished || read.IsCompleted || read.Buffer.Length >= ClientHello.MaxBytes)
                {
                    input.AdvanceTo(read.Buffer.Start); // who comes next reads the same bytes
                    return what == FirstBytes.Acme;
                }

                input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            }
        }
        catch (OperationCanceledException)
        {
            return false; // the next one has its own limit for a hello
        }
    }
}
