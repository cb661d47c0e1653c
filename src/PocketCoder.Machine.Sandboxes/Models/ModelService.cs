using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Broker.Secrets;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.SessionLinks;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>
/// The machine's way to model providers: decides whose credential a session's models are asked with, keeps that outside of the session, and
/// counts and limits what is used. Thread-safe.
/// </summary>
public sealed class ModelService : IAsyncDisposable
{
    private readonly ModelBroker _broker;
    private readonly UsageWriter _writer;
    private readonly SecretService _secrets;
    private readonly LiveSessions _live;
    private readonly Store _store;
    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, Uri> _upstreams;
    private readonly OwnProviders _own;
    private readonly ConcurrentDictionary<Guid, UsageInfo> _sessions = new();
    private readonly ConcurrentDictionary<(Guid, string, bool), bool> _unpricedAllowed = new();
    // one question a session at a time: requests that run at once ask the same
    private readonly ConcurrentDictionary<Guid, AsyncSemaphore> _asking = new();

    /// <param name="live">Asked whether they may go on beyond a budget, and told when a provider refuses their key.</param>
    public ModelService(PriceTable prices, IReadOnlyDictionary<string, Uri> upstreams, OwnProviders own, Store store,
        SecretService secrets, LiveSessions live, TimeProvider time, ILogger log)
    {
        (_upstreams, _own, _store, _secrets, _live, _time) = (upstreams, own, store, secrets, live, time);
        Budgets = new BudgetBook(store);
        Prices = prices;
        _writer = new UsageWriter(store, time, log);
        _broker = new ModelBroker(
            new ModelBrokerOptions
            {
                Prices = Prices,
                Used = Take,
                BudgetsOf = Budgets.Of,
                AskBudget = AskAsync,
                KeyRefused = (session, status) => _live.Find(session)?.KeyRefused(status),
            },
            time);
    }

    public BudgetBook Budgets { get; }

    public PriceTable Prices { get; }

    /// <summary>Brings back what was used before.</summary>
    public async Task LoadAsync(CancellationToken ct)
    {
        await Budgets.LoadAsync(ct);
        var (sessions, projects, days) = await _store.ReadAsync(
            reader => (UsageRows.BySession(reader), UsageRows.ByProject(reader), UsageRows.ByDay(reader, 1)), ct);
        foreach (var (session, sum) in sessions)
        {
            _sessions[session] = new UsageInfo(sum.InputTokens, sum.OutputTokens, sum.CacheReadTokens, sum.CacheWriteTokens, sum.CostUsd);
            _broker.Spendings.Restore(BudgetScope.Session, session, default, Spent(sum));
        }

        foreach (var (project, sum) in projects)
        {
            _broker.Spendings.Restore(BudgetScope.Project, project, default, Spent(sum));
        }

        foreach (var (day, sum) in days)
        {
            _broker.Spendings.Restore(BudgetScope.Day, default,
                DateTimeOffset.Parse(day + "T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture), Spent(sum));
        }

        static ModelSpending Spent(UsageSum sum) => new(
            sum.CostUsd ?? 0, sum.InputTokens + sum.OutputTokens + sum.CacheReadTokens + sum.CacheWriteTokens, sum.Requests, sum.Unpriced);
    }

    /// <summary>What a session used through the broker; null when nothing.</summary>
    public UsageInfo? UsageOf(Guid session) => _sessions.GetValueOrDefault(session);

    /// <summary>What counts for a budget now.</summary>
    /// <param name="id">The session or the project; for the day anything.</param>
    public ModelSpending SpentOf(BudgetScope scope, Guid id) => _broker.Spendings.Of(scope, id, id, _time.GetUtcNow());

    /// <summary>Whose credential this agent's models would be asked with now; null when there is none at all.</summary>
    /// <exception cref="SecretException">The key can't be read.</exception>
    public ModelAccess? AccessFor(AgentModels models)
        => _secrets.Get(models.Provider) is not null ? ModelAccess.Key
            : models.Key is not null ? ModelAccess.OwnKey
            : models.Login() is not null ? ModelAccess.OwnLogin
            : null;

    /// <summary>Opens a session's own endpoint. Dispose it when the agent ends.</summary>
    /// <param name="socket">A path for a Unix socket; null: a loopback port with a token.</param>
    /// <exception cref="IOException">The socket or port can't be had.</exception>
    public Task<ModelEndpoint> OpenAsync(Guid session, Guid project, AgentModels models, ModelAccess access, string? socket,
        UnixFileMode mode, bool providerTools, CancellationToken ct)
    {
        var upstream = new ModelUpstream(
            ModelProviders.Dialect(models.Provider),
            Upstream(models.Provider, models.BaseUrl),
            access == ModelAccess.Key ? _ => ValueTask.FromResult(_secrets.Get(models.Provider) ?? "")
                : _ => ValueTask.FromResult(models.Key ?? ""),
            PassThrough: access == ModelAccess.OwnLogin,
            AllowProviderTools: providerTools,
            Bearer: access == ModelAccess.OwnKey && models.KeyIsBearer);
        return _broker.OpenAsync(new ModelEndpointOptions(session, project, socket) { SocketMode = mode, Upstreams = [upstream] }, ct);
    }

    /// <summary>The owner's own provider that an agent's model is of; null: none.</summary>
    /// <exception cref="AgentException">The provider has no such model, the agent can't ask it, or it is gone.</exception>
    internal OwnProvider? OwnFor(IAgentDriver driver, string? model)
    {
        var own = _own.Of(driver, model);
        // Else a conversation that was meant for it would go to another provider, which does not know the model.
        return own is null && !driver.NamesProviders && _own.Lost(model) is { } gone
            ? throw new AgentException(AgentError.Refused, $"{gone} was a provider of your own and was removed. Choose another model.")
            : own;
    }

    /// <summary>Whether nothing of it was changed since.</summary>
    internal bool IsCurrent(OwnProvider provider) => _own.IsCurrent(provider);

    /// <summary>As <see cref="OpenAsync"/>, to a provider of the owner's own: closed to further requests once that is changed.</summary>
    /// <exception cref="IOException">The socket can't be had.</exception>
    internal Task<ModelEndpoint> OpenOwnAsync(
        Guid session, Guid project, OwnProvider provider, string? socket, UnixFileMode mode, CancellationToken ct)
        => _broker.OpenAsync(
            new ModelEndpointOptions(session, project, socket)
            { SocketMode = mode, Upstreams = [UpstreamOf(provider)], Models = [.. provider.Models.Select(m => m.Id)] }, ct);

    /// <summary>Asks a provider of the owner's own for its models, with its key if it has one.</summary>
    /// <exception cref="SecretException">The key can't be read.</exception>
    public Task<ModelsAnswer> ListModelsAsync(OwnProvider provider, CancellationToken ct)
        => _broker.ListModelsAsync(UpstreamOf(provider), ct);

    private ModelUpstream UpstreamOf(OwnProvider provider) => new(
        provider.Speaks,
        provider.Address,
        _ =>
        {
            // In this order: the key of another address is stored after that address is.
            var key = _secrets.Get(provider.Secret);
            return ValueTask.FromResult(_own.IsCurrent(provider) ? key ?? "" : "");
        })
    {
        Name = provider.Name,
        Prices = provider.Prices(),
        KeyOptional = true,
        Versioned = true,
        IsCurrent = () => _own.IsCurrent(provider),
    };

    /// <summary>Asks a provider whether it takes the key that is stored for it, where its agents' requests go.</summary>
    /// <param name="own">As <see cref="AgentModels.BaseUrl"/>.</param>
    /// <returns>The host that was asked, and what it said; null: no key is stored.</returns>
    /// <exception cref="SecretException">The key can't be read.</exception>
    public async Task<(string Host, KeyAnswer Answer)?> CheckKeyAsync(string provider, Uri? own, CancellationToken ct)
    {
        if (_secrets.Get(provider) is not { } key)
        {
            return null;
        }

        var upstream = Upstream(provider, own);
        return (upstream.Authority, await _broker.CheckKeyAsync(ModelProviders.Dialect(provider), upstream, key, ct));
    }

    private Uri Upstream(string provider, Uri? own) => _upstreams.GetValueOrDefault(provider) ?? own ?? ModelProviders.Address(provider);

    /// <summary>
    /// The base URL of an endpoint that is reached through a port. OpenAI's has no token in it: it would stand in arguments, and such
    /// agents show their credential with each request.
    /// </summary>
    public static string BaseUrl(AgentModels models, int port, string? token = null)
        => BaseUrl(ModelProviders.Dialect(models.Provider), port, token);

    /// <inheritdoc cref="BaseUrl(AgentModels, int, string?)"/>
    internal static string BaseUrl(ModelDialect dialect, int port, string? token = null)
        => $"http://127.0.0.1:{port}{(token is null || dialect == ModelDialect.Openai ? "" : $"/s/{token}")}/{dialect.ToString().ToLowerInvariant()}{(dialect == ModelDialect.Openai ? "/v1" : "")}";

    public async ValueTask DisposeAsync()
    {
        await _broker.DisposeAsync();
        await _writer.DisposeAsync();
    }

    private void Take(ModelUsage usage)
    {
        var own = new UsageInfo(usage.Tokens.Input, usage.Tokens.Output, usage.Tokens.CacheRead, usage.Tokens.CacheWrite, usage.Cost);
        _sessions.AddOrUpdate(usage.SessionId, static (_, u) => u, static (_, sum, u) => UsageRows.Add(sum, u), own);
        _writer.Add(usage);
    }

    private async ValueTask<bool> AskAsync(BudgetSpent spent, CancellationToken ct)
    {
        var asking = _asking.GetOrAdd(spent.SessionId, static _ => new AsyncSemaphore());
        await asking.WaitAsync(ct);
        try
        {
            if (spent.UnpricedModel is { } model && _unpricedAllowed.ContainsKey((spent.SessionId, model, spent.Budget.OfDevice)))
            {
                return true;
            }

            // Another request of the session asked meanwhile, and there is more room now.
            var now = Budgets.Of(spent.SessionId, spent.ProjectId).FirstOrDefault(
                b => b.Scope == spent.Budget.Scope && b.OfDevice == spent.Budget.OfDevice);
            if (spent.UnpricedModel is null
                && (now is null || ((now.Dollars > spent.Budget.Dollars || now.Tokens > spent.Budget.Tokens) && HasRoom(now, spent))))
            {
                return true;
            }

            if (_live.Find(spent.SessionId) is not { } live || !await live.AskBudgetAsync(spent, ct))
            {
                return false;
            }

            if (spent.UnpricedModel is { } allowed)
            {
                _unpricedAllowed[(spent.SessionId, allowed, spent.Budget.OfDevice)] = true;
            }
            else
            {
                Budgets.Extend(spent.SessionId, spent.Budget);
            }

            return true;
        }
        finally
        {
            asking.Release();
        }
    }

    /// <summary>A yes to one request is none to a larger one: what was allowed on top must hold this one too.</summary>
    private bool HasRoom(ModelBudget budget, BudgetSpent asked)
    {
        var spent = _broker.Spendings.Of(budget.Scope, asked.SessionId, asked.ProjectId, _time.GetUtcNow());
        return !(spent.Dollars + (asked.Needs?.Dollars ?? 0) > budget.Dollars)
            && !(spent.Tokens + (asked.Needs?.Tokens ?? 0) > budget.Tokens);
    }

    /// <exception cref="HomeRefusal">The owner's own prices can't be read.</exception>
    public static PriceTable ReadPrices(Home home)
    {
        if (!File.Exists(home.Prices))
        {
            return PriceTable.BuiltIn;
        }

        try
        {
            return PriceTable.Parse(File.ReadAllBytes(home.Prices));
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new HomeRefusal(
                $"{home.Prices} is not a price table: {(e is JsonException json ? JsonFault.Of(json) : e.Message)} Fix it, or move it away to use the built-in prices.", e);
        }
    }
}
