using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Platform;

namespace PocketCoder.Machine.Linking;

/// <summary>
/// Which gateway elsewhere this machine connects to, in a file of the home, and how it stands with it. Thread-safe, except that one
/// change is made at a time.
/// </summary>
internal sealed class LinkSetting
{
    private const int MostBytes = 4096;

    private readonly string _path;
    private readonly TimeProvider _time;
    private LinkStatus _status;

    private LinkSetting(string path, TimeProvider time, Uri? gateway)
    {
        (_path, _time, Gateway) = (path, time, gateway);
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

    /// <exception cref="IOException">It can't be written; nothing changed.</exception>
    public void Set(Uri? gateway)
    {
        if (gateway is null)
        {
            File.Delete(_path);
        }
        else
        {
            var file = new LinkFile(1, GatewayAddress.Text(gateway));
            PrivateFile.Replace(_path, JsonSerializer.SerializeToUtf8Bytes(file, LinkFileJson.Default.LinkFile));
        }

        Gateway = gateway;
        Volatile.Write(ref _status, NewStatus());
        Changed?.Invoke();
    }

    /// <summary>Where devices find this machine: the gateway elsewhere first, since it is reached from everywhere.</summary>
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
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(LinkFile))]
internal sealed partial class LinkFileJson : JsonSerializerContext;
