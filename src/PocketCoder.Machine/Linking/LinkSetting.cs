using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Machine.Settings;
using PocketCoder.Machine.Storage;

namespace PocketCoder.Machine.Linking;

/// <summary>
/// Which remote gateway this machine connects to, in a file of the home, and how it stands with it. Thread-safe.
/// </summary>
internal sealed class LinkSetting
{
    private const int MostBytes = 4096;

    private readonly RecordedFile _file;
    private readonly TimeProvider _time;
    private LinkStatus _status;

    private LinkSetting(string path, TimeProvider time, Uri? gateway)
    {
        (_file, _time, Gateway) = (new RecordedFile(path), time, gateway);
        _status = NewStatus();
    }

    /// <summary>Null: none.</summary>
    public Uri? Gateway { get; private set; }

    /// <summary>As it was told last.</summary>
    public LinkStatus Status => Volatile.Read(ref _status);

    /// <summary>Another gateway was set, or none.</summary>
    public event Action? Changed;

    /// <summary>Reads what the home has.</summary>
    /// <exception cref="HomeRefusal">The file is damaged.</exception>
    public static LinkSetting Load(Home home, TimeProvider time)
    {
        var path = home.Link;
        if (!File.Exists(path))
        {
            return new LinkSetting(path, time, null);
        }

        try
        {
            if (new FileInfo(path).Length <= MostBytes
                && JsonSerializer.Deserialize(File.ReadAllBytes(path), LinkFileJson.Default.LinkFile) is { V: 1 } file
                && GatewayAddress.TryParse(file.Gateway, out var gateway))
            {
                return new LinkSetting(path, time, gateway);
            }
        }
        catch (JsonException)
        {
            // told below
        }

        throw new HomeRefusal($"{path} can't be read. Remove it, and link again: pocketcoder link URL");
    }

    /// <summary>
    /// Sets another gateway, or none, together with the rows that tell it. It holds when both are durable, and else neither.
    /// </summary>
    /// <param name="record">Writes the rows; it is given the gateway before.</param>
    /// <returns>The gateway before.</returns>
    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public async Task<Uri?> SetAsync(Uri? gateway, Store store, Action<Change, Uri?> record)
    {
        var content = gateway is null ? null
            : JsonSerializer.SerializeToUtf8Bytes(new LinkFile(1, GatewayAddress.Text(gateway)), LinkFileJson.Default.LinkFile);
        Uri? before = null;
        await _file.ChangeAsync(
            store,
            content,
            change => record(change, before = Gateway),
            () =>
            {
                Gateway = gateway;
                Volatile.Write(ref _status, NewStatus());
                Changed?.Invoke();
            });
        return before;
    }

    /// <summary>Where devices find this machine: the remote gateway first, since it is reached from everywhere.</summary>
    public IReadOnlyList<string> WithGateway(IReadOnlyList<string> own) => Gateway is { } set ? [GatewayAddress.Text(set), .. own] : own;

    /// <summary>How it stands now. What is said of a gateway that is not set any more is dropped.</summary>
    public void Tell(LinkStatus status)
    {
        if (status.Gateway == Gateway)
        {
            var connected = status.State == LinkState.Connected ? status.Since : status.LastConnectedAt ?? Status.LastConnectedAt;
            Volatile.Write(ref _status, status with { LastConnectedAt = connected });
        }
    }

    private LinkStatus NewStatus() => new(Gateway is null ? LinkState.Off : LinkState.Connecting, Gateway, _time.GetUtcNow());
}

internal sealed record LinkFile(int V, string Gateway);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(LinkFile))]
internal sealed partial class LinkFileJson : JsonSerializerContext;
