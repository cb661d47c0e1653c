using System.Text.Json;
using PocketCoder.Protocol;

namespace PocketCoder.Broker.Models;

/// <summary>What a server said when it was asked for its models.</summary>
/// <param name="Status">Of the answer; null: there was none.</param>
/// <param name="Models">Their ids as the server wrote them, so untrusted; null: the answer was no list of models.</param>
public sealed record ModelsAnswer(ProviderKeyVerdict Verdict, int? Status, IReadOnlyList<string>? Models);

/// <summary>
/// Asks a server for its models and reads their ids. The list may be long, as that of a service with many providers is; what is longer than
/// the bound is no list.
/// </summary>
internal static class ModelListing
{
    private const int MostBytes = 8 * 1024 * 1024;
    private const int MostModels = 10_000;
    private const int MostChars = 200;

    public static async Task<ModelsAnswer> AskAsync(ModelBroker broker, ModelUpstream upstream, CancellationToken ct)
    {
        var key = upstream.Key is { } give ? await give(ct) : "";
        if (key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return new ModelsAnswer(ProviderKeyVerdict.Refused, null, null); // no header carries it
        }

        // All of them: whether those that were named are there is what is asked.
        var path = KeyCheck.Models(upstream.Dialect).Split('?')[0] + upstream.Dialect switch
        {
            ModelDialect.Anthropic => "?limit=1000",
            ModelDialect.Gemini => "?pageSize=1000",
            _ => "",
        };
        using var request = new HttpRequestMessage(HttpMethod.Get, upstream.Target(path)) { Version = System.Net.HttpVersion.Version11 };
        if (key.Length > 0)
        {
            var (header, value) = upstream.Credential(key);
            request.Headers.TryAddWithoutValidation(header, value);
        }

        if (upstream.Dialect == ModelDialect.Anthropic)
        {
            request.Headers.TryAddWithoutValidation("anthropic-version", "2023-06-01");
        }

        using var limit = new CancellationTokenSource(KeyCheck.Limit, broker.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var response = await broker.SendAsync(request, either.Token);
            var status = (int)response.StatusCode;
            var verdict = KeyCheck.Verdict(upstream.Dialect, status);
            return new ModelsAnswer(
                verdict, status, verdict == ProviderKeyVerdict.Works ? Read(await BodyAsync(response, either.Token)) : null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return new ModelsAnswer(ProviderKeyVerdict.Unreachable, null, null);
        }
    }

    /// <summary>OpenAI's and Anthropic's lists hold <c>data[].id</c>, Gemini's <c>models[].name</c>.</summary>
    /// <returns>Null: it is neither.</returns>
    internal static IReadOnlyList<string>? Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            var (list, member) = document.RootElement.TryGetProperty("data", out var data) ? (data, "id")
                : document.RootElement.TryGetProperty("models", out var models) ? (models, "name") : (default, "");
            return list.ValueKind != JsonValueKind.Array ? null
                : [.. list.EnumerateArray().Select(m => Name(m, member)).OfType<string>().Take(MostModels)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // none, or half of a surrogate pair in a name
        }
    }

    private static string? Name(JsonElement model, string member)
        => model.ValueKind == JsonValueKind.Object && model.TryGetProperty(member, out var name)
            && name.ValueKind == JsonValueKind.String && name.GetString() is { Length: > 0 and <= MostChars } text
            ? text.StartsWith("models/", StringComparison.Ordinal) ? text[7..] : text
            : null;

    private static async Task<ReadOnlyMemory<byte>> BodyAsync(HttpResponseMessage response, CancellationToken ct)
    {
        await using var from = await response.Content.ReadAsStreamAsync(ct);
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, ct) is var read and > 0)
        {
            if (body.Length + read > MostBytes)
            {
                return default;
            }

            body.Write(buffer, 0, read);
        }

        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }
}
