using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;
using PocketCoder.Protocol;
using PocketCoder.Push;

namespace PocketCoder.Machine.Notifications;

/// <summary>What a receiver of the owner's is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReceiverKind>))]
public enum ReceiverKind
{
    /// <summary>A topic of an ntfy server.</summary>
    [JsonStringEnumMemberName("ntfy")]
    Ntfy,

    /// <summary>An address that gets signed JSON.</summary>
    [JsonStringEnumMemberName("webhook")]
    Webhook,
}

/// <summary>A receiver as it is stored.</summary>
/// <param name="Name">The owner's word for it.</param>
/// <param name="Url">A secret but for its origin: who knows a topic reads it.</param>
/// <param name="Secret">ntfy: an access token, or null; webhook: the signing key.</param>
/// <param name="Details">With a line of what is asked for.</param>
/// <param name="Digest">One in fifteen minutes at most.</param>
internal sealed record Receiver(string Name, ReceiverKind Kind, string Url, string? Secret, bool Details, bool Digest)
{
    /// <summary>What it is told of; null: of everything that is usual. Left out of the file then, as by versions that had none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<PushKind>? Kinds { get; init; }

    /// <summary>When it is told nothing; null: never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public QuietHours? Quiet { get; init; }

    /// <summary>The end of a turn is told if it took so many seconds; null: the usual ones.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? AfterSeconds { get; init; }

    /// <exception cref="RequestFailure">INVALID_REQUEST: they can't be right.</exception>
    public PushSettings Settings() => NotificationSettings.Require(new PushSettings(
        Kinds ?? NotificationSettings.Usual.Kinds, Quiet, Digest, Details, AfterSeconds ?? NotificationSettings.Usual.AfterSeconds));

    /// <exception cref="PushException">It can't be sent to; the message says why.</exception>
    public PushTarget Target() => Kind == ReceiverKind.Ntfy ? NtfyTopic.Of(Url, Secret) : Webhook.Of(Url, Secret);
}

/// <summary>
/// Where the owner wants notifications besides devices, in a file of the home, each change with its row in the ledger. Thread-safe.
/// </summary>
internal sealed class ReceiverSettings
{
    public const int Most = 16;
    public const int NameLength = 32;

    private const string What = "notify";
    private const int MostBytes = 64 * 1024;

    private readonly RecordedFile _file;
    private volatile IReadOnlyList<Receiver> _all;

    private ReceiverSettings(string path, IReadOnlyList<Receiver> all) => (_file, _all) = (new RecordedFile(path), all);

    /// <summary>By name.</summary>
    public IReadOnlyList<Receiver> All => _all;

    /// <summary>Reads what the home has.</summary>
    /// <exception cref="HomeRefusal">The file is damaged.</exception>
    public static ReceiverSettings Load(Home home)
    {
        var path = home.Notify;
        if (!File.Exists(path))
        {
            return new ReceiverSettings(path, []);
        }

        try
        {
            if (new FileInfo(path).Length <= MostBytes
                && JsonSerializer.Deserialize(File.ReadAllBytes(path), ReceiverJson.Default.ReceiverFile) is { V: 1 } file
                && file.Receivers.Count <= Most && file.Receivers.All(r => IsName(r.Name))
                && file.Receivers.DistinctBy(r => r.Name, StringComparer.Ordinal).Count() == file.Receivers.Count)
            {
                foreach (var receiver in file.Receivers)
                {
                    _ = (receiver.Target(), receiver.Settings());
                }

                return new ReceiverSettings(path, [.. file.Receivers.OrderBy(r => r.Name, StringComparer.Ordinal)]);
            }
        }
        catch (Exception e) when (e is JsonException or PushException or RequestFailure)
        {
            // told below
        }

        throw new HomeRefusal($"{path} can't be read. Remove it, and set each receiver again: pocketcoder notify set");
    }

    public static bool IsName(string name)
        => name.Length is > 0 and <= NameLength && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>Sets one, or replaces the one of its name.</summary>
    /// <returns>Whether there was room.</returns>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public async Task<bool> SetAsync(Receiver receiver, Store store)
    {
        var before = Find(receiver.Name);
        if (before is null && _all.Count >= Most)
        {
            return false;
        }

        await ChangeAsync(
            [.. Others(receiver.Name), receiver],
            new SettingData(What, receiver.Name, "set", Text(receiver), before is null ? null : Text(before)), store);
        return true;
    }

    /// <returns>The one that was removed; null: there was none.</returns>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public async Task<Receiver?> RemoveAsync(string name, Store store)
    {
        if (Find(name) is not { } before)
        {
            return null;
        }

        await ChangeAsync([.. Others(name)], new SettingData(What, name, "removed", Old: Text(before)), store);
        return before;
    }

    public Receiver? Find(string name) => _all.FirstOrDefault(r => r.Name == name);

    private Task ChangeAsync(IReadOnlyList<Receiver> all, SettingData row, Store store)
    {
        all = [.. all.OrderBy(r => r.Name, StringComparer.Ordinal)];
        return _file.ChangeAsync(
            store,
            all.Count == 0 ? null : Content(all),
            change =>
            {
                SettingChange.Record(change, row, null);
                AsFound(all).Remember(change);
            },
            () => _all = all);
    }

    /// <summary>What the next start is compared with.</summary>
    public FileSetting AsFound() => AsFound(_all);

    private static FileSetting AsFound(IReadOnlyList<Receiver> all) => FileSetting.Of(
        FileSettings.Receivers, all.Count == 0 ? "none" : string.Join(", ", all.Select(r => $"{r.Name}: {Text(r)}")), Content(all));

    private static byte[] Content(IReadOnlyList<Receiver> all)
        => JsonSerializer.SerializeToUtf8Bytes(new ReceiverFile(1, all), ReceiverJson.Default.ReceiverFile);

    private IEnumerable<Receiver> Others(string name) => _all.Where(r => r.Name != name);

    /// <summary>What the ledger may have: the rest of the address, and the secret, are nobody's business.</summary>
    private static string Text(Receiver receiver)
    {
        var kind = receiver.Kind == ReceiverKind.Ntfy ? "ntfy" : "webhook";
        string?[] words =
        [
            $"{kind} {receiver.Target().Origin}{(receiver.Details ? " with details" : "")}",
            receiver.Kinds is { } kinds ? $"only {string.Join(' ', kinds.Select(Word))}" : null,
            receiver.Quiet is { } quiet ? $"not from {quiet.From} to {quiet.To} {quiet.TimeZone}" : null,
            receiver.AfterSeconds is { } seconds ? string.Create(CultureInfo.InvariantCulture, $"turns of {seconds} s") : null,
        ];
        return string.Join(", ", words.Where(w => w is not null));
    }

    private static string Word(PushKind kind) => JsonSerializer.Serialize(kind, ProtocolJson.Default.PushKind).Trim('"');
}

internal sealed record ReceiverFile(int V, IReadOnlyList<Receiver> Receivers);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ReceiverFile))]
internal sealed partial class ReceiverJson : JsonSerializerContext;
