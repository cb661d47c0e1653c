using System.Text.Json.Serialization;

namespace PocketCoder.Agents;

/// <summary>The API that a provider of models speaks.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ProviderDialect>))]
public enum ProviderDialect
{
    /// <summary>Anthropic's Messages.</summary>
    [JsonStringEnumMemberName("anthropic")]
    Anthropic,

    /// <summary>OpenAI's Chat Completions: what most compatible servers have.</summary>
    [JsonStringEnumMemberName("openai-chat")]
    OpenaiChat,

    /// <summary>OpenAI's Responses.</summary>
    [JsonStringEnumMemberName("openai-responses")]
    OpenaiResponses,

    /// <summary>Google's generateContent.</summary>
    [JsonStringEnumMemberName("gemini")]
    Gemini,
}

/// <summary>
/// A provider that the machine's owner named, as an agent is told of it: where it is and its key stay with the machine. Immutable.
/// </summary>
/// <param name="Name">What stands before the slash in its models' names: <c>a-z</c>, <c>0-9</c> and <c>-</c>.</param>
/// <param name="Models">All that may be asked there, at least one.</param>
public sealed record AgentProvider(string Name, ProviderDialect Dialect, IReadOnlyList<AgentProviderModel> Models)
{
    /// <summary>What is known of a model, by the provider's own name of it.</summary>
    /// <exception cref="AgentException">It has none of that name.</exception>
    public AgentProviderModel Model(string? id) => Models.FirstOrDefault(m => m.Id == id)
        ?? throw new AgentException(AgentError.Refused, $"{Name} has no such model on this machine.");
}

/// <param name="Id">The provider's own name of it.</param>
/// <param name="Title">What people call it; null: its id.</param>
/// <param name="ContextTokens">How much it takes, prompt and answer together; null: nobody said.</param>
/// <param name="OutputTokens">The longest answer to ask for; null: nobody said.</param>
public sealed record AgentProviderModel(string Id, string? Title, int? ContextTokens, int? OutputTokens)
{
    /// <summary>
    /// The longest answer to ask for: a server refuses what prompt and longest answer together don't fit into, so a small one gets short
    /// answers. Null: nobody said how much it takes.
    /// </summary>
    /// <param name="usual">What the agent asks for of a large model.</param>
    public int? LongestAnswer(int usual) => ContextTokens is { } context ? Math.Min(OutputTokens ?? Math.Max(1, context / 4), usual) : null;

    /// <summary>In US dollars for a million tokens: input, cache read, cache write, output; null: nobody said.</summary>
    public (decimal Input, decimal CacheRead, decimal CacheWrite, decimal Output)? Price { get; init; }
}
