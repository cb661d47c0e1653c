using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Cli.Configuration;
using PocketCoder.Cli.Output;
using PocketCoder.Machine;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// <c>pocketcoder update --check</c>: asks a manifest that the owner named; nothing is fetched unasked, nothing is installed.
/// </summary>
internal static class UpdateCommand
{
    private const int ManifestBytes = 64 * 1024;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(15);

    public static Command Create(Terminal terminal)
    {
        var check = new Option<bool>("--check") { Description = "Check the manifest at the setting update-url for a newer version" };
        return new Command("update", "Check for a newer version") { check }.Does(terminal, async (context, parsed, ct) =>
        {
            if (!parsed.GetValue(check))
            {
                throw new CommandFailure(
                    "This program does not update itself. Use --check to look for a newer version; docs/operations.md says how to upgrade.",
                    ExitCode.Usage);
            }

            if (Settings.OfDaemon.Find(Settings.OfDaemon.Get(Settings.UpdateUrl), context.Home, context.Terminal).Value is not { } url)
            {
                throw new CommandFailure(
                    "No update-url is set. Set one: pocketcoder config set update-url https://… (a JSON object with version, and optionally url and notes)",
                    ExitCode.NotSetUp);
            }

            var latest = await AskAsync(new Uri(url), ct);
            var newer = VersionOrder.Compare(latest.Version, DaemonOptions.ProductVersion) > 0;
            if (context.Json)
            {
                CliJson.Write(context.Terminal, new UpdateShown(DaemonOptions.ProductVersion, latest.Version, newer, latest.Url),
                    CliJson.Default.UpdateShown);
                return ExitCode.Ok;
            }

            context.Say(newer
                ? $"A newer version is available: {Untrusted.Show(latest.Version)} (this is {DaemonOptions.ProductVersion})"
                : $"This is the latest version: {DaemonOptions.ProductVersion}");
            foreach (var line in newer ? ((string?[])[latest.Url, latest.Notes]).OfType<string>() : [])
            {
                context.Say($"  {Untrusted.Show(line)}");
            }

            return ExitCode.Ok;
        });
    }

    private static async Task<UpdateManifest> AskAsync(Uri url, CancellationToken ct)
    {
        using var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false };
        using var http = new HttpClient(handler) { Timeout = s_limit, MaxResponseContentBufferSize = ManifestBytes };
        try
        {
            using var answer = await http.GetAsync(url, ct);
            if (!answer.IsSuccessStatusCode)
            {
                throw new CommandFailure($"{url} answered {(int)answer.StatusCode}.", code: OwnCodes.IoError);
            }

            return JsonSerializer.Deserialize(await answer.Content.ReadAsByteArrayAsync(ct),
                UpdateJson.Default.UpdateManifest) is { } manifest && VersionOrder.IsVersion(manifest.Version)
                ? manifest
                : throw new CommandFailure($"{url} does not name a version.", code: OwnCodes.IoError);
        }
        catch (JsonException)
        {
            throw new CommandFailure($"{url} did not return a version manifest.", code: OwnCodes.IoError);
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !ct.IsCancellationRequested))
        {
            throw new CommandFailure(
                $"Can't read {url}: {(e is HttpRequestException ? e.Message : "it did not answer in time.")}", code: OwnCodes.IoError);
        }
    }
}

internal sealed record UpdateManifest(string Version, string? Url = null, string? Notes = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(UpdateManifest))]
internal sealed partial class UpdateJson : JsonSerializerContext;

/// <summary>Order of versions (semver.org §11, build data left out).</summary>
internal static class VersionOrder
{
    private const int LongestVersion = 64;

    public static bool IsVersion(string text)
        => text.Length is > 0 and <= LongestVersion && Numbers(text) is { Length: 3 } numbers && numbers.All(n => n >= 0);

    /// <returns>Above 0: the first is newer.</returns>
    public static int Compare(string one, string other)
    {
        var (a, b) = (Numbers(one), Numbers(other));
        for (var i = 0; i < Math.Max(a.Length, b.Length); i++)
        {
            if (a.ElementAtOrDefault(i).CompareTo(b.ElementAtOrDefault(i)) is not 0 and var order)
            {
                return order;
            }
        }

        var (x, y) = (Pre(one), Pre(other));
        if (x.Length == 0 || y.Length == 0)
        {
            return y.Length.CompareTo(x.Length); // what has none is the release, and comes after
        }

        for (var i = 0; i < Math.Min(x.Length, y.Length); i++)
        {
            var order = (Whole(x[i], out var m), Whole(y[i], out var n)) switch
            {
                (true, true) => m.CompareTo(n),
                (true, false) => -1,
                (false, true) => 1,
                _ => string.CompareOrdinal(x[i], y[i]),
            };
            if (order != 0)
            {
                return order;
            }
        }

        return x.Length.CompareTo(y.Length);
    }

    private static bool Whole(string text, out int number)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static int[] Numbers(string version)
        => [.. Core(version).Split('-', 2)[0].Split('.').Select(n => Whole(n, out var number) ? number : -1)];

    private static string[] Pre(string version) => Core(version).Split('-', 2) is [_, var pre] ? pre.Split('.') : [];

    private static string Core(string version) => version.Split('+', 2)[0].TrimStart('v');
}
