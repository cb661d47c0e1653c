using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// What the owner set for an entry point: which app of the platform it is, and whether it is on. The app's secret is among the machine's
/// secrets and not here. Immutable.
/// </summary>
/// <param name="AppId">The platform's id of the app: 1 to 64 letters, digits, <c>_</c> and <c>-</c>.</param>
/// <param name="Domain">Scheme, host and port of the platform, which gets the secret: https, or http on loopback.</param>
/// <param name="Language">What the bot speaks: <c>en</c> or <c>zh</c>.</param>
/// <param name="Webhook">Address and port at which the platform's requests arrive; null: over a connection that the bot opens.</param>
/// <param name="LocalHttp">Address of this computer and port at which programs on it may ask, whether the bot is on or not; null:
/// none.</param>
public sealed record EntrySetting(
    string AppId, string Domain, string Language, bool Enabled, string? Webhook = null, string? LocalHttp = null)
{
    /// <summary>The platform whose setting it is. It has a file of the home: <c>feishu.json</c>.</summary>
    public const string Platform = "feishu";

    private const int MostId = 64;
    private const int MostDomain = 200;
    private const int MostEndpoint = 64;
    private const int MostBytes = 4096;

    public static IReadOnlyList<string> Languages { get; } = ["en", "zh"];

    /// <summary>The webhook's address; null: there is none.</summary>
    [JsonIgnore]
    public IPEndPoint? Endpoint => EndpointOf(Webhook);

    /// <summary>The local port's address; null: there is none.</summary>
    [JsonIgnore]
    public IPEndPoint? LocalEndpoint
        => EndpointOf(LocalHttp) is { } endpoint
            && (endpoint.Address.Equals(IPAddress.Loopback) || endpoint.Address.Equals(IPAddress.IPv6Loopback)) ? endpoint : null;

    /// <summary>Why it can't be right, in a sentence for people that quotes nothing; null: it can.</summary>
    public string? Problem()
        => AppId.Length is 0 or > MostId || !AppId.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')
                ? $"An app's id has 1 to {MostId} letters, digits, _ and -, like cli_a1b2c3."
            : Origin(Domain) is null ? "The domain must be an https address without user name and path, like https://open.feishu.cn."
            : Webhook is not null && Endpoint is null ? "The webhook's address is an IP address and a port, like 127.0.0.1:17340."
            : LocalHttp is not null && LocalEndpoint is null ? "The local port is on this computer alone, like 127.0.0.1:17341."
            : LocalHttp is not null && LocalEndpoint!.Equals(Endpoint) ? "The webhook and the local port can't share an address."
            : !Languages.Contains(Language, StringComparer.Ordinal) ? $"The language is one of: {string.Join(", ", Languages)}."
            : null;

    /// <summary>The same with its domain as it is kept: without a slash at its end.</summary>
    public EntrySetting Plain() => Origin(Domain) is { } origin ? this with { Domain = origin } : this;

    /// <summary>In words for the ledger.</summary>
    public string Words()
        => $"{AppId} at {Domain}, {Language}, {(Enabled ? "on" : "off")}{(Webhook is null ? "" : $", webhook at {Webhook}")}"
            + (LocalHttp is null ? "" : $", local HTTP at {LocalHttp}");

    /// <summary>Reads what the home has.</summary>
    /// <returns>Null: nothing is set.</returns>
    /// <exception cref="HomeRefusal">The file is damaged or can't be read; the message says what to do.</exception>
    public static EntrySetting? Read(Home home)
    {
        var path = home.Feishu;
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            if (new FileInfo(path).Length <= MostBytes
                && JsonSerializer.Deserialize(File.ReadAllBytes(path), EntrySettingJson.Default.EntrySettingFile) is { V: 1 } file
                && new EntrySetting(file.AppId, file.Domain, file.Language, file.Enabled, file.Webhook, file.LocalHttp) is var read
                && read.Problem() is null)
            {
                return read.Plain();
            }
        }
        catch (JsonException)
        {
            // told below
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HomeRefusal($"{path} can't be read: {e.Message}", e);
        }

        throw new HomeRefusal(
            $"{path} is damaged. Remove it, start again, and set the app up anew: pocketcoder feishu config --app-id ID");
    }

    /// <summary>As it stands in the file.</summary>
    internal byte[] Content() => JsonSerializer.SerializeToUtf8Bytes(
        new EntrySettingFile(1, AppId, Domain, Language, Enabled, Webhook, LocalHttp), EntrySettingJson.Default.EntrySettingFile);

    private static IPEndPoint? EndpointOf(string? text)
        => text is { Length: <= MostEndpoint } && text.Contains(':', StringComparison.Ordinal)
            && IPEndPoint.TryParse(text, out var endpoint) && endpoint.Port > 0 ? endpoint : null;

    private static string? Origin(string text)
        => text.Length <= MostDomain && text.All(c => c is > ' ' and <= '~' and not '\\')
            && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Host.Length > 0
            && (url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback))
            && (url.UserInfo, url.PathAndQuery, url.Fragment) == ("", "/", "") ? url.GetLeftPart(UriPartial.Authority) : null;
}

internal sealed record EntrySettingFile(
    int V, string AppId, string Domain, string Language, bool Enabled, string? Webhook = null, string? LocalHttp = null);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(EntrySettingFile))]
internal sealed partial class EntrySettingJson : JsonSerializerContext;
