using Microsoft.Extensions.Logging;

namespace PocketCoder.Acme;

/// <summary>How things stand with the certificate.</summary>
/// <param name="Until">Until when the one on the disk is valid; null: there is none for all names.</param>
/// <param name="NextTry">When the next order begins.</param>
/// <param name="LastError">Why the last order failed; null: it did not.</param>
public sealed record CertificateStatus(DateTimeOffset? Until, DateTimeOffset? NextTry, string? LastError);

/// <summary>
/// Keeps a certificate for a gateway's names: orders one when there is none for all of them, and a new one when a third of its life is
/// left.
/// After a failure it waits 1 minute, then twice as long each time, up to 6 hours, or as long as the authority asks (at most a day); this
/// survives a restart. <see cref="Status"/> is thread-safe; the rest is for one caller.
/// </summary>
public sealed partial class CertificateKeeper(
    AcmeOptions options, ChallengeAnswers answers, TimeProvider time, Random random, ILogger<CertificateKeeper> log)
{
    /// <summary>How long it sleeps at most: clocks jump, and machines sleep.</summary>
    private static readonly TimeSpan s_look = TimeSpan.FromHours(1);

    private static readonly TimeSpan s_firstWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(6);
    private static readonly TimeSpan s_longestAsked = TimeSpan.FromDays(1);

    private readonly CertificateFolder _folder = new(options.Folder);
    private CertificateStatus _status = new(null, null, null);

    /// <summary>
    /// A PEM file with the chain and the key: there once <see cref="EnsureAsync"/> has returned, replaced whole at each renewal.
    /// </summary>
    public string File => _folder.Certificate;

    public CertificateStatus Status => Volatile.Read(ref _status);

    /// <summary>Whether there is a certificate that can be served, so that <see cref="EnsureAsync"/> asks nobody.</summary>
    /// <exception cref="AcmeException"><see cref="AcmeError.Files"/></exception>
    public bool HasCertificate => _folder.Life(options.Names) is { } life && life.NotAfter > time.GetUtcNow();

    /// <summary>Orders a certificate if there is none that can be served, once.</summary>
    /// <exception cref="AcmeException">
    /// There is none. Before <see cref="CertificateStatus.NextTry"/> the authority is not asked again, and the reason is the last one.
    /// </exception>
    public async Task EnsureAsync(CancellationToken ct)
    {
        options.Require();
        if (HasCertificate)
        {
            Tell(_folder.ReadState());
            return;
        }

        var state = _folder.ReadState();
        if (Usable(state) && state.NextTry is { } next && next > time.GetUtcNow())
        {
            Tell(state);
            throw new AcmeException(AcmeError.RateLimited, $"{state.LastError} It is asked again from {next:u}; start again then.")
            {
                RetryAfter = next - time.GetUtcNow(),
            };
        }

        if (await TryAsync(ct) is { } error)
        {
            throw error;
        }
    }

    /// <summary>Renews until it is cancelled. Failures are logged and shown in <see cref="Status"/>.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var early = random.NextDouble() / 100; // not all gateways of the world at once
        while (true)
        {
            var wait = s_look;
            try
            {
                var state = _folder.ReadState();
                Tell(state);
                var due = DueAt(_folder.Life(options.Names), early);
                var at = Usable(state) && state.NextTry is { } next && next > due ? next : due;
                wait = at - time.GetUtcNow();
                if (wait <= TimeSpan.Zero)
                {
                    await TryAsync(ct);
                    continue;
                }
            }
            catch (AcmeException e) when (e.Error == AcmeError.Files)
            {
                LogFailed(log, e.Message, time.GetUtcNow() + s_look); // what was issued last goes on being served
            }

            await Task.Delay(wait < s_look ? wait : s_look, time, ct);
        }
    }

    private DateTimeOffset DueAt(CertificateLife? life, double early)
        => life is null ? DateTimeOffset.MinValue : life.NotBefore + ((life.NotAfter - life.NotBefore) * ((2.0 / 3) - early));

    /// <summary>What was noted for another authority says nothing about this one.</summary>
    private bool Usable(CertificateState state) => state.Directory == options.Directory;

    private async Task<AcmeException?> TryAsync(CancellationToken ct)
    {
        var before = _folder.ReadState();
        if (!Usable(before))
        {
            before = CertificateState.None with { Directory = options.Directory };
        }

        using var key = _folder.OpenAccountKey();
        using var transport = new AcmeTransport(options, time);
        var order = new AcmeOrder(options, transport, key, answers, time);
        try
        {
            _folder.Write(await order.RunAsync(before.Account, ct));
            Note(new CertificateState(options.Directory, order.Account, 0, null, null));
            LogObtained(log, options.Names[0], Status.Until);
            return null;
        }
        catch (AcmeException e) when (e.Error != AcmeError.Files)
        {
            var failures = Math.Min(before.Failures + 1, 20);
            var wait = s_firstWait * Math.Pow(2, failures - 1);
            wait = wait < s_longestWait ? wait : s_longestWait;
            wait *= 1 + (random.NextDouble() / 4);
            if (e.RetryAfter is { } asked && asked > wait)
            {
                wait = asked < s_longestAsked ? asked : s_longestAsked;
            }

            Note(new CertificateState(options.Directory, order.Account ?? before.Account, failures, time.GetUtcNow() + wait, e.Message));
            LogFailed(log, e.Message, Status.NextTry!.Value);
            return e;
        }
    }

    private void Note(CertificateState state)
    {
        _folder.Write(state);
        Tell(state);
    }

    private void Tell(CertificateState state)
        => Volatile.Write(ref _status, new CertificateStatus(_folder.Life(options.Names)?.NotAfter, state.NextTry, state.LastError));

    [LoggerMessage(EventId = 2040, Level = LogLevel.Information, Message = "Obtained a certificate for {Name}, valid until {Until:u}")]
    private static partial void LogObtained(ILogger log, string name, DateTimeOffset? until);

    [LoggerMessage(EventId = 2041, Level = LogLevel.Warning, Message = "No certificate: {Why} Next try at {Next:u}")]
    private static partial void LogFailed(ILogger log, string why, DateTimeOffset next);
}
