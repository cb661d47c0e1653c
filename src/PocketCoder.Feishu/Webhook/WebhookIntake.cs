using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Feishu.Events;

namespace PocketCoder.Feishu.Webhooks;

/// <summary>What a webhook's request is.</summary>
public abstract record WebhookRequest
{
    /// <summary>The platform asks whether the address is ours: answer 200 with <c>{"challenge": …}</c>.</summary>
    public sealed record Challenge(string Text) : WebhookRequest;

    /// <summary>Take it, then answer 200.</summary>
    /// <param name="Nonce">Of a signed request.</param>
    public sealed record Event(FeishuDelivery Delivery, string? Nonce = null) : WebhookRequest;

    /// <summary>Answer <paramref name="Status"/> with nothing that says more: who asks may be anybody.</summary>
    /// <param name="Reason">For the log.</param>
    public sealed record Refused(int Status, string Reason) : WebhookRequest;
}

/// <summary>
/// Reads what is sent to a webhook: (headers, the body's bytes, the time) → what it is, with no memory but the nonces of the last minutes.
/// It opens no route. Thread-safe.
/// </summary>
public sealed class WebhookIntake
{
    /// <summary>The longest body, in bytes: an event, encrypted and in base64.</summary>
    public const int LongestBody = 2 * 1024 * 1024;

    /// <summary>How far the time of a request may be from ours, either way.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(5);

    private const int LongestSecret = 256;
    private const int LongestChallenge = 1024;
    private const int LongestHeader = 128;

    private readonly FeishuApp _app;
    private readonly byte[]? _encryptKey;
    private readonly byte[]? _token;
    private readonly NonceStore _nonces = new(Window * 2);
    private long _unknown;

    /// <param name="encryptKey">The app's Encrypt Key; with it bodies are encrypted and requests signed. Null: the token alone counts.</param>
    /// <param name="verificationToken">The app's Verification Token.</param>
    /// <exception cref="FeishuException">Neither is given: anybody could send events.</exception>
    public WebhookIntake(FeishuApp app, string? encryptKey, string? verificationToken)
    {
        _app = app;
        _encryptKey = Secret(encryptKey);
        _token = Secret(verificationToken);
        if (_encryptKey is null && _token is null)
        {
            throw new FeishuException(
                FeishuError.Invalid, "A webhook needs the app's Encrypt Key or its Verification Token: without one, anybody could send events.");
        }
    }

    /// <summary>Events of kinds that nothing here knows.</summary>
    public long Unknown => Interlocked.Read(ref _unknown);

    /// <param name="header">Gives a header's value whatever the case of its name, or null.</param>
    /// <param name="body">As it arrived: the signature is over these bytes.</param>
    public WebhookRequest Read(Func<string, string?> header, ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        if (body.Length > LongestBody)
        {
            return new WebhookRequest.Refused(413, $"a body of {body.Length} bytes");
        }

        try
        {
            return _encryptKey is { } key ? Encrypted(key, header, body, now) : Plain(WireJson.Object(body, "the body"));
        }
        catch (FeishuException e)
        {
            return Refused(e.Message);
        }
    }

    /// <summary>An event could not be taken: the same request may come once more.</summary>
    public void GiveBack(WebhookRequest.Event untaken)
    {
        if (untaken.Nonce is { } nonce)
        {
            _nonces.GiveBack(nonce);
        }
    }

    private static byte[]? Secret(string? text)
        => string.IsNullOrEmpty(text) ? null : text.Length <= LongestSecret ? Encoding.UTF8.GetBytes(text)
            : throw new FeishuException(FeishuError.Invalid, $"The secrets of a webhook have at most {LongestSecret} characters.");

    private static WebhookRequest.Refused Refused(string reason) => new(401, reason);

    private WebhookRequest Plain(JsonElement body)
        => !HasToken(body) ? Refused("the verification token is missing or wrong")
            : WireJson.TextOrNull(body, "type", LongestHeader) == "url_verification" ? Challenge(body)
            : Event(body);

    /// <summary>
    /// A request with a signature is not even decrypted before that is proved. One without can only be the question about the address,
    /// which the platform does not sign; all its failures look the same, so that nobody learns from them what a changed ciphertext means.
    /// </summary>
    private WebhookRequest Encrypted(byte[] key, Func<string, string?> header, ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        if (header("X-Lark-Signature") is not { Length: > 0 } signature)
        {
            return Opened(key, body) is { } question && IsVerification(question) && (_token is null || HasToken(question))
                ? Challenge(question) : Refused("it has no signature");
        }

        var (timestamp, nonce) = (header("X-Lark-Request-Timestamp") ?? "", header("X-Lark-Request-Nonce") ?? "");
        if (timestamp.Length is 0 or > LongestHeader || nonce.Length is 0 or > LongestHeader
            || !IsSigned(key, timestamp, nonce, body, signature))
        {
            return Refused("its signature is wrong");
        }

        if (!long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs(seconds - now.ToUnixTimeSeconds()) > Window.TotalSeconds)
        {
            return Refused("its time is not now: an old request, or a clock that is wrong");
        }

        switch (_nonces.Take(nonce, now))
        {
            case NonceTaken.Before: return Refused("it was sent before");
            case NonceTaken.NoRoom: return new WebhookRequest.Refused(503, "too many requests within the window");
        }

        return Opened(key, body) is not { } opened ? Refused("its body can't be decrypted")
            : IsVerification(opened) ? (_token is null || HasToken(opened) ? Challenge(opened) : Refused("the verification token is wrong"))
            : _token is null || HasToken(opened) ? Event(opened) with { Nonce = nonce }
            : Refused("the verification token is missing or wrong");
    }

    private WebhookRequest.Event Event(JsonElement body)
    {
        var delivery = EventParser.Read(body, _app);
        if (delivery.Event is UnknownEvent)
        {
            Interlocked.Increment(ref _unknown);
        }

        return new WebhookRequest.Event(delivery);
    }

    private static WebhookRequest.Challenge Challenge(JsonElement body) => new(WireJson.Text(body, "challenge", LongestChallenge));

    private static bool IsVerification(JsonElement body) => WireJson.TextOrNull(body, "type", LongestHeader) == "url_verification";

    /// <summary>Version 2 has it in its header, version 1 and the question about the address at the top.</summary>
    private bool HasToken(JsonElement body)
    {
        var owner = WireJson.ObjectOrNull(body, "header") ?? body;
        return WireJson.TextOrNull(owner, "token", LongestSecret) is { } given && _token is { } token
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), token);
    }

    private static bool IsSigned(byte[] key, string timestamp, string nonce, ReadOnlyMemory<byte> body, string signature)
    {
        Span<byte> wanted = stackalloc byte[SHA256.HashSizeInBytes];
        Span<byte> given = stackalloc byte[SHA256.HashSizeInBytes];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(timestamp + nonce));
        hash.AppendData(key);
        hash.AppendData(body.Span);
        hash.GetHashAndReset(wanted);
        return signature.Length == given.Length * 2
            && Convert.FromHexString(signature, given, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == given.Length && CryptographicOperations.FixedTimeEquals(given, wanted);
    }

    /// <summary>The object inside an encrypted body, or null when it is none of ours.</summary>
    private static JsonElement? Opened(byte[] key, ReadOnlyMemory<byte> body)
    {
        try
        {
            return WireJson.Object(WebhookCipher.Open(key, WireJson.Text(WireJson.Object(body, "the body"), "encrypt", LongestBody)), "the event");
        }
        catch (FeishuException)
        {
            return null;
        }
    }
}
