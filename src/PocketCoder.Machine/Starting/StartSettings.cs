using System.Globalization;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Executions;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Starting;

/// <summary>
/// What the owner started the daemon with, as far as it bears on protection. It stands in the row of each start; what differs from the
/// start before is a row of its own with the old and the new value.
/// </summary>
internal static class StartSettings
{
    /// <summary>Options that say nothing about protection. A test holds that every other one is in <see cref="Of"/>.</summary>
    public static IReadOnlyList<string> Others { get; } =
    [
        nameof(DaemonOptions.Home),
        nameof(DaemonOptions.Warm),
        nameof(DaemonOptions.Rests),
        nameof(DaemonOptions.LoggerFactory),
        nameof(DaemonOptions.TimeProvider),
    ];

    /// <summary>
    /// Beside the options: the gateway that the machine is linked to. Its file may have been changed by hand, or restored, while no
    /// daemon ran.
    /// </summary>
    public const string RemoteGateway = "RemoteGateway";

    private const string None = "none";

    /// <summary>By the name of the option, in a fixed order. Addresses are without what may be a credential in them.</summary>
    public static IReadOnlyDictionary<string, string> Of(DaemonOptions options, string? remoteGateway)
        => new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [nameof(DaemonOptions.Demo)] = Text(options.Demo),
            [nameof(DaemonOptions.Sandbox)] = options.Sandbox is { } kind ? SandboxName.Of(kind) : "best",
            [nameof(DaemonOptions.Gateway)] = string.Join(
            ' ',
            [
                .. options.Gateway.Listen.Select(e => $"listen={e}"),
                .. options.Gateway.Names.Select(n => $"name={n}"),
                .. options.Gateway.Origins.Select(o => $"origin={o}"),
                .. options.Gateway.Proxies.Select(p => $"proxy={p}"),
                $"behind-proxy={Text(options.Gateway.BehindProxy)}",
                $"tls={Text(options.Gateway.Tls is not null)}",
            ]),
            [nameof(DaemonOptions.ModelUpstreams)] = string.Join(
            ' ', options.ModelUpstreams.OrderBy(u => u.Key, StringComparer.Ordinal).Select(u => $"{u.Key}={Text(u.Value)}")),
            [nameof(DaemonOptions.ApprovalTimeout)] = Text(options.ApprovalTimeout),
            [nameof(DaemonOptions.Limits)] = string.Create(
            CultureInfo.InvariantCulture,
            $"silence={Text(options.Limits.Silence)} turn={Text(options.Limits.Turn)} retries={options.Limits.Retries} retry-time={Text(options.Limits.RetryTime)}"),
            [nameof(DaemonOptions.OutputLimit)] = options.OutputLimit.ToString(CultureInfo.InvariantCulture),
            [RemoteGateway] = remoteGateway ?? None,
            [nameof(DaemonOptions.EntryPoints)] = options.EntryPoints is [] ? None
                : string.Join(' ', options.EntryPoints.Select(e => e.Platform).Order(StringComparer.Ordinal)),
            [nameof(DaemonOptions.ControlPort)] = options.ControlPort?.ToString(CultureInfo.InvariantCulture) ?? None,
        };

    /// <summary>
    /// Records what differs from the start before, and remembers what holds now. The first start has nothing to compare with; neither has
    /// a file that no start before compared.
    /// </summary>
    /// <param name="files">What files of the home set: by hand, or restored, while no daemon ran.</param>
    public static void Record(Change change, IReadOnlyDictionary<string, string> now, IReadOnlyList<FileSetting> files)
    {
        var before = change.Query("SELECT name, value FROM start_settings", row => (Name: row.GetString(0), Value: row.GetString(1)))
            .ToDictionary(s => s.Name, s => s.Value, StringComparer.Ordinal);
        foreach (var (name, value) in now)
        {
            var old = before.GetValueOrDefault(name);
            if (old == value || (name is RemoteGateway or nameof(DaemonOptions.EntryPoints) && old is null && value == None))
            {
                continue;
            }

            if (before.Count > 0)
            {
                SettingChange.Record(change, new SettingData("start", name, "set", value, old), null);
            }

            Remember(change, name, value);
        }

        foreach (var file in files)
        {
            if (!before.TryGetValue(file.Name, out var remembered))
            {
                file.Remember(change);
            }
            else if (!file.Is(remembered, out var old))
            {
                var words = file.Words == old ? $"{old} (changed within)" : file.Words;
                SettingChange.Record(change, new SettingData("start", file.Name, "set", words, old), null);
                file.Remember(change);
            }
        }
    }

    /// <summary>What the next start is compared with, once the change of now has a row of its own.</summary>
    /// <param name="value">Null: none.</param>
    public static void Remember(Change change, string name, string? value) => FileSetting.Remember(change, name, value ?? None);

    private static string Text(bool value) => value ? "yes" : "no";

    private static string Text(TimeSpan? value) => value?.ToString("c", CultureInfo.InvariantCulture) ?? None;

    private static string Text(Uri address)
        => address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);
}
