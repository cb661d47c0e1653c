using System.Net.Http.Headers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace PocketCoder.Push;

/// <summary>
/// A topic of an ntfy server (https://docs.ntfy.sh/publish), which reads what is sent there, and so does everybody who knows the topic.
/// Immutable.
/// </summary>
public sealed class NtfyTopic : PushTarget
{
    private const int TokenLength = 512;
    private const int Urgent = 4;
    private const int Usual = 3;

    // A body may hold any language: readable for whoever looks, and no longer than it must be.
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Uri _server;
    private readonly string _topic;
    private readonly string? _token;

    private NtfyTopic(Uri server, string topic, string? token) => (_server, _topic, _token) = (server, topic, token);

    public override string Origin => _server.GetLeftPart(UriPartial.Authority);

    /// <param name="address">Like <c>https://ntfy.example.org/TOPIC</c>.</param>
    /// <param name="token">An access token; null: none is needed.</param>
    /// <exception cref="PushException">One of the two has not the form that it must have.</exception>
    public static NtfyTopic Of(string? address, string? token)
    {
        var uri = HookAddress.Of(address);
        var topic = uri.Segments[^1];
        if (uri.Query.Length > 0 || topic.Length is 0 or > 64 || !topic.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'))
        {
            throw new PushException("The address must end with a topic: https://HOST/TOPIC (letters, digits, - and _; at most 64).");
        }

        if (token is not null && (token.Length is 0 or > TokenLength || token.Any(c => c is <= ' ' or > '~')))
        {
            throw new PushException($"A token is one word of at most {TokenLength} printable characters.");
        }

        return new NtfyTopic(new Uri(uri.AbsoluteUri[..^topic.Length]), topic, token);
    }

    /// <summary>As JSON to the server's root: a header could not carry every language.</summary>
    internal HttpRequestMessage Request(PushMessage message)
    {
        var text = message.Text ?? throw new ArgumentException("There are no words for it.", nameof(message));
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body, s_json))
        {
            json.WriteStartObject();
            json.WriteString("topic", _topic);
            json.WriteString("title", text.Title);
            json.WriteString("message", text.Body);
            json.WriteNumber("priority", message.Urgency == PushUrgency.High ? Urgent : Usual);
            if (text.Link is { } link)
            {
                json.WriteString("click", link.AbsoluteUri);
            }

            json.WriteEndObject();
        }

        var request = new HttpRequestMessage(HttpMethod.Post, _server) { Content = new ByteArrayContent(body.ToArray()) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (_token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _token);
        }

        return request;
    }
}
