using System.Net;
using Microsoft.Extensions.Logging;
using PocketCoder.Acme;

namespace PocketCoder.Gateway.Tls;

/// <summary>
/// A gateway's certificate from a certificate authority: there once this has started, and renewed from <see cref="BeginRenewing"/> until it
/// is disposed of.
/// </summary>
internal sealed class AcmeService : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ChallengeServer? _plain;
    private readonly CertificateKeeper _keeper;
    private Task _renewing = Task.CompletedTask;

    private AcmeService(CertificateKeeper keeper, ChallengeGate? gate, ChallengeServer? plain)
    {
        _keeper = keeper;
        _plain = plain;
        Gate = gate;
        Tls = new GatewayTls(keeper.File, keeper.File);
    }

    /// <summary>What answers on the gateway's own port; null: that is done on another one.</summary>
    public ChallengeGate? Gate { get; }

    public GatewayTls Tls { get; }

    /// <exception cref="GatewayRefusal"><see cref="RefusalReason.BadOption"/></exception>
    public static void Require(GatewayAcme acme)
    {
        try
        {
            acme.Order.Require();
        }
        catch (AcmeException e)
        {
            throw new GatewayRefusal(RefusalReason.BadOption, e.Message, e);
        }
    }

    /// <param name="listen">Where the gateway will listen.</param>
    /// <exception cref="GatewayRefusal">
    /// <see cref="RefusalReason.NoCertificate"/>, <see cref="RefusalReason.BadOption"/> or <see cref="RefusalReason.CannotListen"/>.
    /// </exception>
    public static async Task<AcmeService> StartAsync(
        GatewayAcme acme, IReadOnlyList<IPEndPoint> listen, ILoggerFactory logs, TimeProvider time, CancellationToken ct)
    {
        Require(acme);
        var answers = new ChallengeAnswers(http: !acme.OverTls, alpn: acme.OverTls, time);
        var keeper = new CertificateKeeper(acme.Order, answers, time, Random.Shared, logs.CreateLogger<CertificateKeeper>());
        var plain = acme.OverTls ? null
            : await ChallengeServer.StartPlainAsync(acme.Plain, answers, acme.Order.Names, listen[0].Port, logs, ct);
        try
        {
            // Before there is a certificate nothing but the authority's question can be answered on the gateway's port.
            await using var early = acme.OverTls && !keeper.HasCertificate
                ? await ChallengeServer.StartTlsAsync(listen, answers, logs, ct) : null;
            await keeper.EnsureAsync(ct);
            return new AcmeService(keeper, acme.OverTls ? new ChallengeGate(answers) : null, plain);
        }
        catch (Exception e)
        {
            if (plain is not null)
            {
                await plain.DisposeAsync();
            }

            if (e is AcmeException refused)
            {
                throw new GatewayRefusal(RefusalReason.NoCertificate, refused.Message, refused);
            }

            throw;
        }
    }

    /// <summary>
    /// Renews from now on. Called once, when the gateway listens: an authority that looked at its port before would find nobody, and the
    /// next try would be a minute later.
    /// </summary>
    public void BeginRenewing() => _renewing = RenewAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _renewing;
        if (_plain is not null)
        {
            await _plain.DisposeAsync();
        }

        _stop.Dispose();
    }

    private async Task RenewAsync()
    {
        try
        {
            await _keeper.RunAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }
}
