using System.Net;
using PocketCoder.Protocol;

namespace PocketCoder.Broker.Models;

/// <summary>What a provider said to a key.</summary>
/// <param name="Status">Of the answer; null: there was none.</param>
public sealed record KeyAnswer(ProviderKeyVerdict Verdict, int? Status);

/// <summary>
/// Asks a provider for one page of its models: the call of every dialect that needs a key and costs nothing. Of the answer only the status
/// is looked at; its body is not read.
/// </summary>
internal static class KeyCheck
{
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static async Task<KeyAnswer> AskAsync(ModelBroker broker, ModelDialect dialect, Uri baseUrl, string key, CancellationToken ct)
    {
        if (key.Length == 0 || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return new KeyAnswer(ProviderKeyVerdict.Refused, null); // no header carries it
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, baseUrl.ToString().TrimEnd('/') + Models(dialect))
        { Version = HttpVersion.Version11 };
        var (header, value) = dialect.Credential(key);
        request.Headers.TryAddWithoutValidation(header, value);
        if (dialect == ModelDialect.Anthropic)
        {
            request.Headers.TryAddWithoutValidation("anthropic-version", "2023-06-01");
        }

        using var limit = new CancellationTokenSource(Limit, broker.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var response = await broker.SendAsync(request, either.Token);
            return new KeyAnswer(Verdict(dialect, (int)response.StatusCode), (int)response.StatusCode);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return new KeyAnswer(ProviderKeyVerdict.Unreachable, null);
        }
    }

    internal static string Models(ModelDialect dialect) => dialect switch
    {
        ModelDialect.Anthropic => "/v1/models?limit=1",
        ModelDialect.Openai => "/v1/models",
        _ => "/v1beta/models?pageSize=1",
    };

    /// <summary>A 403 is none: a key may be for some calls only, and listing models be none of them.</summary>
    internal static ProviderKeyVerdict Verdict(ModelDialect dialect, int status) => status switch
    {
        >= 200 and < 300 => ProviderKeyVerdict.Works,
        401 => ProviderKeyVerdict.Refused,
        400 when dialect == ModelDialect.Gemini => ProviderKeyVerdict.Refused, // what it says to an unknown key
        _ => ProviderKeyVerdict.Unclear,
    };
}
