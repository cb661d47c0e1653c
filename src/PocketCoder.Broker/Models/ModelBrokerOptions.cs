using PocketCoder.Protocol;

namespace PocketCoder.Broker.Models;

/// <summary>What every endpoint of a broker shares. Immutable.</summary>
public sealed record ModelBrokerOptions
{
    /// <summary>At most one upstream a dialect, for endpoints that name none themselves; a dialect without one is refused.</summary>
    public IReadOnlyList<ModelUpstream> Upstreams { get; init; } = [];

    /// <summary>A dollar budget can't hold a model that is not in it, so a request for one counts as above such a budget.</summary>
    public PriceTable Prices { get; init; } = PriceTable.BuiltIn;

    /// <summary>Told once for each request that reached the upstream, when its answer ended. Must not throw and not block.</summary>
    public Action<ModelUsage>? Used { get; init; }

    /// <summary>Checked before each request, in order; the first that is spent decides.</summary>
    public IReadOnlyList<ModelBudget> Budgets { get; init; } = [];

    /// <summary>
    /// Instead of <see cref="Budgets"/>: those of a session and its project, asked for at each request. Thread-safe, and must not block.
    /// </summary>
    public Func<Guid, Guid, IReadOnlyList<ModelBudget>>? BudgetsOf { get; init; }

    /// <summary>
    /// Asked when a budget with <see cref="BudgetAction.Ask"/> is spent; true lets this one request through. Null refuses.
    /// </summary>
    public Func<BudgetSpent, CancellationToken, ValueTask<bool>>? AskBudget { get; init; }

    /// <summary>
    /// Told when a provider refuses the key that the broker gave: session, status. Before the answer goes on to the agent, so that it can
    /// be stopped before it tries again. For 401 at once, for 403 when it comes again without an answer in between: one model may be
    /// forbidden and the next one not. Must not throw and not block.
    /// </summary>
    public Action<Guid, int>? KeyRefused { get; init; }

    /// <summary>Bytes of a request's body; more is answered with 413.</summary>
    public int MaxRequestBytes { get; init; } = 64 << 20;

    /// <summary>Requests of one session at one time; more are answered with 429.</summary>
    public int MaxConcurrent { get; init; } = 128;

    /// <summary>Without a byte from the upstream.</summary>
    public TimeSpan IdleLimit { get; init; } = TimeSpan.FromMinutes(10);
}

/// <summary>Where requests of one dialect go, and with which key.</summary>
/// <param name="BaseUrl">Without a final slash; what stands behind the dialect in the endpoint's path is appended.</param>
/// <param name="Key">Gives the provider key for each request; the broker keeps no copy. Ignored with
/// <paramref name="PassThrough"/>.</param>
/// <param name="PassThrough">
/// The agent's own login goes through as it is (subscriptions). The agent then holds a credential that everything in its sandbox can read;
/// the usage says so (<see cref="ModelUsage.PassedThrough"/>), and so must every screen.
/// </param>
/// <param name="AllowProviderTools">Tools that the provider runs itself (web search, fetching, remote MCP, code) reach the network past the
/// sandbox; without this a request that asks for them is refused.</param>
/// <param name="Bearer">The key goes as <c>Authorization: Bearer</c>, where that is not the dialect's own way.</param>
public sealed record ModelUpstream(
    ModelDialect Dialect, Uri BaseUrl, Func<CancellationToken, ValueTask<string>>? Key, bool PassThrough = false,
    bool AllowProviderTools = false, bool Bearer = false)
{
    /// <summary>Its models are counted, and told of, as <c>NAME/MODEL</c>; null: by their own names.</summary>
    public string? Name { get; init; }

    /// <summary>Instead of the broker's own, by the models' own names; null: those.</summary>
    public PriceTable? Prices { get; init; }

    /// <summary>Without a key a request goes out without a credential, instead of being refused.</summary>
    public bool KeyOptional { get; init; }

    /// <summary>The version of OpenAI's calls stands in <see cref="BaseUrl"/>, as its libraries take it, and is not appended. For other
    /// dialects it means nothing: their libraries append it.</summary>
    public bool Versioned { get; init; }

    /// <summary>Whether requests may still go there; asked before each. Thread-safe, and must not block.</summary>
    public Func<bool> IsCurrent { get; init; } = static () => true;

    internal string Counted(string model) => Name is null ? model : $"{Name}/{model}";

    /// <param name="path">As the provider's own API has it.</param>
    internal string Target(string path)
        => BaseUrl.ToString().TrimEnd('/') + (Versioned && Dialect == ModelDialect.Openai ? path["/v1".Length..] : path);

    /// <summary>The header that carries a key.</summary>
    internal (string Header, string Value) Credential(string key) => Bearer ? ("Authorization", $"Bearer {key}") : Dialect.Credential(key);
}

/// <summary>For whom an endpoint is.</summary>
/// <param name="SocketPath">A Unix socket: who reaches it is the session. Null: a loopback port, and every request needs the token.</param>
public sealed record ModelEndpointOptions(Guid SessionId, Guid ProjectId, string? SocketPath = null)
{
    /// <summary>The socket's mode; see <see cref="Egress.EgressOptions.SocketMode"/>.</summary>
    public UnixFileMode SocketMode { get; init; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Instead of the broker's own; null: those.</summary>
    public IReadOnlyList<ModelUpstream>? Upstreams { get; init; }

    /// <summary>The only models that may be asked for; empty: all.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];
}
