using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PocketCoder.Feishu.Api;

namespace PocketCoder.Feishu.LongConnections;

/// <summary>Where the long connection is, and what the server wishes. The address holds a ticket: it is never shown.</summary>
internal sealed record Endpoint(Uri Address, int Service, ServerPolicy Policy)
{
    public override string ToString() => $"service {Service} at {Address.Host}";
}

/// <summary>What the server wishes; null: it did not say. Values that can't be meant are as if they were not said.</summary>
internal sealed record ServerPolicy(int? MostTries, TimeSpan? Interval, TimeSpan? Spread, TimeSpan? Ping)
{
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    public static readonly ServerPolicy None = new(null, null, null, null);

    public static ServerPolicy Of(JsonElement config) => new(
        WireJson.NumberOrNull(config, "ReconnectCount") is > 0 and <= int.MaxValue and var count ? (int)count : null,
        Seconds(config, "ReconnectInterval"), Seconds(config, "ReconnectNonce"), Seconds(config, "PingInterval"));

    /// <summary>These wishes, where nothing new is said.</summary>
    public ServerPolicy With(ServerPolicy later)
        => new(later.MostTries ?? MostTries, later.Interval ?? Interval, later.Spread ?? Spread, later.Ping ?? Ping);

    private static TimeSpan? Seconds(JsonElement config, string name)
        => WireJson.NumberOrNull(config, name) is > 0 and var seconds && seconds <= s_longest.TotalSeconds
            ? TimeSpan.FromSeconds(seconds) : null;
}

/// <summary>Asks the platform where to connect.</summary>
internal sealed class Discovery(FeishuApp app, FeishuHttp http)
{
    private const int LongestAddress = 4096;
    private const long Busy = 1;
    private const long InternalError = 1000040343;

    /// <exception cref="FeishuException">It does not say; not retryable: asking again is of no use.</exception>
    public async Task<Endpoint> AskAsync(CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new EndpointRequest(app.Id, app.Secret), DiscoveryJson.Default.EndpointRequest);
        JsonElement answer;
        try
        {
            answer = await http.SendAsync(HttpMethod.Post, "/callback/ws/endpoint", body, null, cancellationToken);
        }
        catch (FeishuException e)
        {
            // Whatever is not a decision of the platform may be another tomorrow.
            var again = e.Retryable || e.Error is FeishuError.Malformed or FeishuError.TooLarge || e.Code is Busy or InternalError
                || e.HttpStatus is not (null or 200);
            throw again == e.Retryable ? e : new FeishuException(e.Error, e.Message)
            {
                Code = e.Code,
                LogId = e.LogId,
                HttpStatus = e.HttpStatus,
                Retryable = again,
            };
        }

        try
        {
            var data = WireJson.NeededObject(answer, "data");
            return new Endpoint(Address(WireJson.Text(data, "URL", LongestAddress), out var service), service,
                WireJson.ObjectOrNull(data, "ClientConfig") is { } config ? ServerPolicy.Of(config) : ServerPolicy.None);
        }
        catch (FeishuException e)
        {
            throw new FeishuException(e.Error, e.Message) { Retryable = true };
        }
    }

    private static Uri Address(string text, out int service)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || !FeishuApp.IsSafe(address, "wss", "ws"))
        {
            throw WireJson.Wrong("the address of the long connection is none that may be used");
        }

        var number = address.Query.TrimStart('?').Split('&').FirstOrDefault(p => p.StartsWith("service_id=", StringComparison.Ordinal));
        return int.TryParse(number?["service_id=".Length..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out service)
            ? address : throw WireJson.Wrong("the address of the long connection has no service");
    }
}

internal sealed record EndpointRequest([property: JsonPropertyName("AppID")] string AppId, [property: JsonPropertyName("AppSecret")] string Secret);

[JsonSerializable(typeof(EndpointRequest))]
internal sealed partial class DiscoveryJson : JsonSerializerContext;
