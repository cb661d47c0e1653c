using System.Text.Json;
using System.Text.Json.Serialization;

namespace PocketCoder.Broker.Models;

/// <summary>A model's price in US dollars for a million tokens.</summary>
/// <param name="Model">The beginning of the model's name; the longest that fits counts.</param>
public sealed record ModelPrice(string Model, decimal Input, decimal CacheRead, decimal CacheWrite, decimal Output);

/// <summary>Prices as data: <c>{"asOf":"2026-11","models":[{"model":"…","input":3,"cacheRead":0.3,"cacheWrite":3.75,"output":15}]}</c>.</summary>
/// <param name="AsOf">When somebody looked; shown beside every sum, since providers change prices without notice.</param>
public sealed record PriceTable(string AsOf, IReadOnlyList<ModelPrice> Models)
{
    /// <summary>List prices as known when this was built, without long-context or batch rates. Meant to be replaced by the owner's own file.</summary>
    public static PriceTable BuiltIn { get; } = Load();

    /// <exception cref="JsonException">Not a table.</exception>
    public static PriceTable Parse(ReadOnlySpan<byte> json)
    {
        var table = JsonSerializer.Deserialize(json, PriceJson.Default.PriceTable) ?? throw new JsonException("a price table is an object");
        return table.Models.All(m => m.Model.Length > 0 && m.Input >= 0 && m.CacheRead >= 0 && m.CacheWrite >= 0 && m.Output >= 0) ? table : throw new JsonException("a price is missing or negative");
    }

    /// <summary>What an answer cost; null for a model without a price.</summary>
    public decimal? Cost(string model, TokenCount tokens)
        => Models.Where(m => model.StartsWith(m.Model, StringComparison.Ordinal)).MaxBy(m => m.Model.Length) is { } price
            ? ((tokens.Input * price.Input) + (tokens.CacheRead * price.CacheRead) + (tokens.CacheWrite * price.CacheWrite) + (tokens.Output * price.Output)) / 1_000_000m
            : null;

    private static PriceTable Load()
    {
        using var stream = typeof(PriceTable).Assembly.GetManifestResourceStream("prices.json")!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return Parse(bytes);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PriceTable))]
internal sealed partial class PriceJson : JsonSerializerContext;
