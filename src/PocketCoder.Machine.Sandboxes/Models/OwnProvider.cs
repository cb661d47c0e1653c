using System.Globalization;
using System.Text.Json.Serialization;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;

namespace PocketCoder.Machine.Models;

/// <summary>
/// A provider of models that the owner named: any server that speaks one of the dialects. Its key is none of it: that is the secret of
/// <see cref="Secret"/>, and a server without one gets no credential. Immutable.
/// </summary>
/// <param name="Name">What stands before the slash in its models' names.</param>
/// <param name="Url">As <see cref="ProviderAddress"/> takes it.</param>
/// <param name="Models">All that may be asked there.</param>
public sealed record OwnProvider(string Name, ProviderDialect Dialect, string Url, IReadOnlyList<OwnModel> Models)
{
    public const int NameLength = 32;
    public const int MostModels = 64;
    public const int IdLength = 128;
    public const int TitleLength = 80;
    public const int MostTokens = 100_000_000;
    public const decimal MostPrice = 100_000m;

    /// <summary>Providers that the machine or an agent has ways of its own for: another one of that name would be taken for it.</summary>
    private static readonly HashSet<string> s_taken = new(StringComparer.Ordinal)
    {
        "anthropic", "openai", "google", "gemini", "opencode", "amazon-bedrock", "azure", "azure-cognitive-services", "google-vertex",
        "google-vertex-anthropic", "github-copilot", "github-copilot-enterprise", "gitlab", "sap-ai-core", "cloudflare-ai-gateway",
        "cloudflare-workers-ai",
    };

    /// <summary>The name of the secret with its key.</summary>
    [JsonIgnore]
    public string Secret => SecretOf(Name);

    /// <summary>Where requests go.</summary>
    [JsonIgnore]
    internal Uri Address => ProviderAddress.Of(Url, Dialect) ?? throw new InvalidOperationException("it was checked when it came");

    /// <summary>The broker's word for what it speaks.</summary>
    [JsonIgnore]
    internal ModelDialect Speaks => Dialect switch
    {
        ProviderDialect.Anthropic => ModelDialect.Anthropic,
        ProviderDialect.Gemini => ModelDialect.Gemini,
        _ => ModelDialect.Openai,
    };

    public static string SecretOf(string name) => $"provider.{name}";

    public static bool IsName(string name) => name.Length is > 0 and <= NameLength && name[0] != '-' && name[^1] != '-'
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    /// <summary>Why it can't be, as one sentence for people that holds no more of it than names; null: it can.</summary>
    public string? Problem()
    {
        if (!IsName(Name))
        {
            return $"A provider's name has 1 to {NameLength} of a-z, 0-9 and -, and neither begins nor ends with -.";
        }

        if (s_taken.Contains(Name))
        {
            return $"'{Name}' is the name of a provider that is known already. Choose another one, such as my-{Name}.";
        }

        if (!Enum.IsDefined(Dialect))
        {
            return "There is no such dialect.";
        }

        if (ProviderAddress.Problem(Url, Dialect) is { } wrong)
        {
            return wrong;
        }

        if (Models.Count is 0 or > MostModels)
        {
            return $"A provider has 1 to {MostModels} models.";
        }

        if (Dialect == ProviderDialect.Gemini && Models.Any(m => m.Id.AsSpan().ContainsAny('/', ':')))
        {
            return "A model's id has no / and no : in the dialect gemini, which puts it into the address.";
        }

        return Models.Select(m => m.Problem()).FirstOrDefault(p => p is not null)
            ?? (Models.DistinctBy(m => m.Id, StringComparer.Ordinal).Count() == Models.Count ? null : "Each model is named once.");
    }

    /// <summary>For the ledger and for lists: what it speaks, where, and how many models.</summary>
    public string Words()
    {
        var priced = Models.Count(m => m.Price is not null);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{DialectWord} at {Url}, {Models.Count} model{(Models.Count == 1 ? "" : "s")}, {priced} with a price");
    }

    /// <summary>As it is typed.</summary>
    [JsonIgnore]
    public string DialectWord => WordOf(Dialect);

    /// <inheritdoc cref="DialectWord"/>
    public static string WordOf(ProviderDialect dialect) => dialect switch
    {
        ProviderDialect.Anthropic => "anthropic",
        ProviderDialect.OpenaiResponses => "openai-responses",
        ProviderDialect.Gemini => "gemini",
        _ => "openai-chat",
    };

    /// <summary>Its own prices; a model without one has none, whatever the price is elsewhere.</summary>
    internal PriceTable Prices() => new(
        "", [.. Models.Where(m => m.Price is not null).Select(m => new ModelPrice(
            m.Id, m.Price!.Input, m.Price.CacheRead ?? m.Price.Input, m.Price.CacheWrite ?? m.Price.Input, m.Price.Output))]);

    internal AgentProvider ForAgent() => new(
        Name, Dialect, [.. Models.Select(m => new AgentProviderModel(m.Id, m.Title, m.ContextTokens, m.OutputTokens)
        {
            Price = m.Price is { } p ? (p.Input, p.CacheRead ?? p.Input, p.CacheWrite ?? p.Input, p.Output) : null,
        })]);
}

/// <summary>A model of a provider of the owner's own.</summary>
/// <param name="Id">The provider's name of it.</param>
public sealed record OwnModel(string Id)
{
    /// <summary>What people call it; null: its id.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Title { get; init; }

    /// <summary>Prompt and answer together, as the server is set up; null: unknown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ContextTokens { get; init; }

    /// <summary>The longest answer; null: a quarter of the context.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? OutputTokens { get; init; }

    /// <summary>Null: unknown, which is not free.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OwnPrice? Price { get; init; }

    /// <inheritdoc cref="OwnProvider.Problem"/>
    internal string? Problem()
    {
        if (Id.Length is 0 or > OwnProvider.IdLength
            || Id.Any(c => !char.IsAsciiLetterOrDigit(c) && !"-_.:/@+".Contains(c, StringComparison.Ordinal)))
        {
            return $"A model's id has 1 to {OwnProvider.IdLength} letters, digits and - _ . : / @ +.";
        }

        if (Title is not null && (Title.Trim().Length == 0 || Title.Length > OwnProvider.TitleLength || Title.Any(char.IsControl)))
        {
            return $"The title of {Id} has 1 to {OwnProvider.TitleLength} characters.";
        }

        if (ContextTokens is < 1 or > OwnProvider.MostTokens || OutputTokens is < 1 or > OwnProvider.MostTokens
            || OutputTokens > ContextTokens)
        {
            return $"The context of {Id} has 1 to {OwnProvider.MostTokens} tokens, and the longest answer is no longer.";
        }

        return Price is null || ((decimal?[])[Price.Input, Price.Output, Price.CacheRead, Price.CacheWrite]).All(
            p => p is null or (>= 0 and <= OwnProvider.MostPrice))
            ? null : $"A price of {Id} is from 0 to {OwnProvider.MostPrice} dollars for a million tokens.";
    }
}

/// <summary>In US dollars for a million tokens; 0 is free. What stays away of the cache costs as input.</summary>
public sealed record OwnPrice(decimal Input, decimal Output)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? CacheRead { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public decimal? CacheWrite { get; init; }
}
