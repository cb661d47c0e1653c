using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace PocketCoder.Testing.Feishu;

/// <summary>Sends events to a webhook as the platform does: encrypted, signed, with the time and a nonce. Thread-safe.</summary>
public sealed class FakeWebhook(IPEndPoint endpoint)
{
    /// <summary>The app's Encrypt Key.</summary>
    public const string Key = "encrypt-key-of-the-app";

    private static readonly HttpClient s_http = new();

    /// <param name="kind"><c>event</c> or <c>card</c>.</param>
    /// <param name="nonce">Null: a new one.</param>
    public async Task<FakeAck> DeliverAsync(string payload, string kind = "event", string? nonce = null, DateTimeOffset? at = null)
    {
        using var request = Signed(payload, kind, nonce ?? Guid.CreateVersion7().ToString("N"), at ?? TimeProvider.System.GetUtcNow());
        return await SendAsync(request);
    }

    public static async Task<FakeAck> SendAsync(HttpRequestMessage request)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var answer = await s_http.SendAsync(request, limit.Token);
        var body = await answer.Content.ReadAsStringAsync(limit.Token);
        return new FakeAck((int)answer.StatusCode, body.Length == 0 ? null : JsonNode.Parse(body), null);
    }

    public HttpRequestMessage Signed(string payload, string kind, string nonce, DateTimeOffset at)
    {
        var body = new JsonObject { ["encrypt"] = Encrypted(payload) }.ToJsonString();
        var timestamp = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = Plain(body, kind);
        request.Headers.Add("X-Lark-Request-Timestamp", timestamp);
        request.Headers.Add("X-Lark-Request-Nonce", nonce);
        request.Headers.Add("X-Lark-Signature", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(timestamp + nonce + Key + body))));
        return request;
    }

    /// <summary>A request without a signature.</summary>
    public HttpRequestMessage Plain(string body, string kind = "event") => new(
        HttpMethod.Post, $"http://{endpoint}/feishu/{(kind == "card" ? "cards" : "events")}")
    {
        Content = new StringContent(body, Encoding.UTF8, "application/json"),
    };

    /// <summary>AES-256-CBC under the key's SHA-256, the vector before it, in base64.</summary>
    public static string Encrypted(string payload)
    {
        using var aes = Aes.Create();
        aes.Key = SHA256.HashData(Encoding.UTF8.GetBytes(Key));
        return Convert.ToBase64String([.. aes.IV, .. aes.EncryptCbc(Encoding.UTF8.GetBytes(payload), aes.IV)]);
    }
}
