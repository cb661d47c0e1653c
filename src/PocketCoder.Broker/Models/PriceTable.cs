using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace PocketCoder.Broker.Models;

/// <summary>A model's price in US dollars for a million tokens.</summary>
/// <param name="Model">The model's name without the date of a snapshot.</param>
/// <param name="LongPrompt">The price of a whole request whose prompt is longer, where there is another one.</param>
public sealed record ModelPrice(
    string Model, decimal Input, decimal CacheRead, decimal CacheWrite, decimal Output, LongPromptPrice? LongPrompt = null);

/// <param name="Above">Tokens of the prompt, those of the cache included, above which it holds.</param>
public sealed record LongPromptPrice(long Above, decimal Input, decimal CacheRead, decimal CacheWrite, decimal Output);

/// <summary>
/// Prices as data: <c>{"asOf":"2026-10-24","models":[{"model":"…","input":3,"cacheRead":0.3,"cacheWrite":3.75,"output":15}]}</c>.
/// </summary>
/// <param name="AsOf">When somebody looked; shown beside every sum, since providers change prices without notice.</param>
/// <param name="Source">Where.</param>
public sealed partial record PriceTable(string AsOf, IReadOnlyList<ModelPrice> Models, string? Source = null)
{
    /// <summary>
    /// List prices as known when this was built, without batch, priority or hour-long-cache rates. Meant to be replaced by the owner's own
    /// file.
    /// </summary>
    public static PriceTable BuiltIn { get; } = Load();

    /// <exception cref="JsonException">Not a table.</exception>
    public static PriceTable Parse(ReadOnlySpan<byte> json)
    {
        var table = JsonSerializer.Deserialize(json, PriceJson.Default.PriceTable) ?? throw new JsonException("a price table is an object");
        return table.Models.All(m => m.Model.Length > 0 && m.Input >= 0 && m.CacheRead >= 0 && m.CacheWrite >= 0 && m.Output >= 0
            && m.LongPrompt is null or { Above: > 0, Input: >= 0, CacheRead: >= 0, CacheWrite: >= 0, Output: >= 0 }) ? table
            : throw new JsonException("a price is missing or negative");
    }

    /// <summary>
    /// Whether there is a price. A relative of a model that has one is another model: <c>claude-opus-4-9</c> is not <c>claude-opus-4</c>.
    /// </summary>
    public bool Knows(string model) => Find(model) is not null;

    /// <summary>What an answer cost; null for a model without a price, never zero.</summary>
    public decimal? Cost(string model, TokenCount tokens)
    {
        if (Find(model) is not { } price)
        {
            return null;
        }

        var (input, read, write, output) = price.LongPrompt is { } l && tokens.Input + tokens.CacheRead + tokens.CacheWrite > l.Above
            ? (l.Input, l.CacheRead, l.CacheWrite, l.Output)
            : (price.Input, price.CacheRead, price.CacheWrite, price.Output);
        return ((tokens.Input * input) + (tokens.CacheRead * read) + (tokens.CacheWrite * write) + (tokens.Output * output)) / 1_000_000m;
    }

    private ModelPrice? Find(string model)
    {
        var name = Snapshot().Replace(model, "");
        return Models.FirstOrDefault(m => string.Equals(m.Model, name, StringComparison.Ordinal))
            ?? Models.FirstOrDefault(m => string.Equals(m.Model, model, StringComparison.Ordinal));
    }

    private static PriceTable Load()
    {
        using var stream = typeof(PriceTable).Assembly.GetManifestResourceStream("prices.json")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return Parse(bytes);
    }

    /// <summary>
    /// What providers put behind a name for one state of the same model: a date, a revision, "latest", the size of its window.
    /// </summary>
    [GeneratedRegex(@"(-latest|[-@]\d{8}|-\d{4}(-\d{2}-\d{2})?|-\d{3})?(\[1m\])?\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Snapshot();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PriceTable))]
internal sealed partial class PriceJson : JsonSerializerContext;
