using Microsoft.Extensions.Logging;
using PocketCoder.Entry;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Entries;

/// <summary>The ways in beside the app and the command line: which there are, who is let in, and their work. Thread-safe.</summary>
/// <exception cref="ArgumentException">Two are of the same platform.</exception>
internal sealed class EntryParts(
    IReadOnlyList<IEntryPoint> points, EntrySettings settings, DeviceStore devices, ConnectionRegistry connections, SecretService secrets,
    Store store, TimeProvider time, ILogger logger)
{
    private readonly LocalHttpAccess _localHttp = new(devices, connections, secrets);
    private readonly Lock _gate = new(); // guards _changing
    private Task _changing = Task.CompletedTask; // a secret and what it belongs to are set together, one change after the other
    private volatile IReadOnlyList<EntryRun> _runs = [];
    private IReadOnlyDictionary<string, SecretsSet> _secretsAtStart = new Dictionary<string, SecretsSet>(StringComparer.Ordinal);

    public IReadOnlyList<string> Platforms { get; } = [.. points.ToDictionary(p => p.Platform, StringComparer.Ordinal).Keys];

    public ChatPairing Pairing { get; } = new(devices, store, time);

    /// <summary>Starts them, when sessions are recovered. What is returned ends them.</summary>
    public EntryService Begin(MessageTable table)
    {
        _secretsAtStart = Platforms.ToDictionary(p => p, SecretsOf, StringComparer.Ordinal);
        _runs = [.. points.Select(p => new EntryRun(
            p,
            new EntryMachine(p.Platform, Pairing, devices, connections, table, kind => SecretOf(p.Platform, kind), store, time, logger),
            text => secrets.Redactor.Redact(text),
            time,
            logger))];
        return new EntryService(_runs, time, logger);
    }

    /// <returns>Null: the daemon was started without an entry point of this platform.</returns>
    public EntryRun? Find(string platform) => _runs.FirstOrDefault(r => r.Platform == platform);

    /// <returns>Null: nothing is set.</returns>
    public EntrySetting? SettingOf(string platform) => SettingsOf(platform).Now;

    /// <summary>When the platform's secret was given last; null: there is none.</summary>
    public DateTimeOffset? SecretSetAt(string platform) => SecretsOf(platform).App;

    /// <summary>Whether the next start would begin with something else than this one.</summary>
    public bool NeedsRestart(string platform)
    {
        var (now, found) = SettingsOf(platform);
        return Find(platform) is null ? now is { Enabled: true } || now?.LocalHttp != found?.LocalHttp
            : now != found || SecretsOf(platform) != _secretsAtStart.GetValueOrDefault(platform);
    }

    /// <summary>
    /// Sets a platform's app up, from the next start on. A secret belongs to an app at a domain: for another one it is given anew, so that
    /// none is sent to where it was not meant for.
    /// </summary>
    /// <param name="secret">Null: it stays as it is.</param>
    /// <param name="localScopes">What a new token of the local port is worth; null: the token stays as it is. Without that port it
    /// ends.</param>
    /// <returns>The new token, which is shown once; null: none was made.</returns>
    /// <exception cref="RequestFailure">INVALID_REQUEST; the message says what. Nothing changed.</exception>
    /// <exception cref="IOException">It can't be written; the secret of another app may be removed already.</exception>
    public async Task<string?> SetAsync(
        string platform, EntrySetting setting, string? secret, IReadOnlyList<Scope>? localScopes)
    {
        RequireKnown(platform, EntrySettings.Platforms);
        if (setting.Problem() is { } problem)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, problem);
        }

        if (secret is not null && EntrySecret.Problem(secret) is { } wrong)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, wrong);
        }

        if (localScopes is not null && (setting.LocalHttp is null || localScopes.Count == 0))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "A token is for a local port, and worth at least one scope.");
        }

        Task<string?> mine;
        lock (_gate)
        {
            _changing = mine = ChangeAsync(_changing, platform, setting.Plain(), secret, localScopes);
        }

        return await mine;
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: it can't be set up, and the daemon was not started with it either.</exception>
    public void RequireKnown(string platform)
        => RequireKnown(platform, [.. EntrySettings.Platforms.Union(Platforms, StringComparer.Ordinal)]);

    private async Task<string?> ChangeAsync(
        Task before, string platform, EntrySetting setting, string? secret, IReadOnlyList<Scope>? localScopes)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (!IsOneApp(settings.Now, setting))
        {
            if (secret is null)
            {
                throw new RequestFailure(
                    ErrorCode.InvalidRequest, "A secret belongs to one app at one domain. Give it together with them.");
            }

            // So that no crash leaves an app with another one's.
            await secrets.RemoveAsync(EntrySecret.NameOf(platform));
            await secrets.RemoveAsync(EntrySecret.NameOf(platform, EntrySecretKind.Webhook));
        }

        await settings.SetAsync(setting, store);
        if (secret is not null)
        {
            await secrets.SetAsync(EntrySecret.NameOf(platform), secret);
        }

        if (setting.LocalHttp is null)
        {
            await _localHttp.EndAsync();
        }

        return localScopes is null ? null : await _localHttp.GrantAsync(localScopes);
    }

    private SecretsSet SecretsOf(string platform)
    {
        var all = secrets.List().ToDictionary(s => s.Name, s => s.SetAt, StringComparer.Ordinal);
        DateTimeOffset? At(EntrySecretKind kind)
            => all.TryGetValue(EntrySecret.NameOf(platform, kind), out var at) ? at : null;
        return new SecretsSet(At(EntrySecretKind.App), At(EntrySecretKind.Webhook));
    }

    /// <summary>A secret, for the app that the entry point was started as.</summary>
    /// <exception cref="RequestFailure">UNAVAILABLE: it is another app's by now.</exception>
    private string? SecretOf(string platform, EntrySecretKind kind)
    {
        var secret = secrets.Get(EntrySecret.NameOf(platform, kind)); // before what it belongs to is looked at: it is changed after that
        var (now, found) = SettingsOf(platform);
        return now is null || IsOneApp(now, found) ? secret : throw new RequestFailure(
            ErrorCode.Unavailable, "Another app was set since the daemon started. Start it anew: pocketcoder restart");
    }

    private (EntrySetting? Now, EntrySetting? Found) SettingsOf(string platform)
        => platform == EntrySetting.Platform ? (settings.Now, settings.Found) : (null, null);

    private static bool IsOneApp(EntrySetting? one, EntrySetting? other)
        => one is not null && other is not null && (one.AppId, one.Domain) == (other.AppId, other.Domain);

    private static void RequireKnown(string platform, IReadOnlyList<string> known)
    {
        if (!known.Contains(platform, StringComparer.Ordinal))
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, $"There is no such chat platform. Known: {string.Join(", ", known)}.");
        }
    }

    /// <summary>When a platform's secrets were given last; null: there is none.</summary>
    private sealed record SecretsSet(DateTimeOffset? App, DateTimeOffset? Webhook);
}
