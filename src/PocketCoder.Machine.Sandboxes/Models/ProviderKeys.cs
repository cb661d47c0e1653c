using PocketCoder.Agents;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>
/// The keys of model providers as devices see and change them: by the names of <see cref="ModelProviders"/> and of the owner's own
/// providers only, so that no other secret of the owner's is reached from here. Where an own provider is, is the owner's word alone. A key
/// comes in and never goes out. Thread-safe.
/// </summary>
/// <param name="own">The owner's own providers.</param>
/// <param name="drivers">Whose own settings may lead to another address than the provider's.</param>
public sealed class ProviderKeys(SecretService secrets, ModelService models, OwnProviders own, IReadOnlyList<IAgentDriver> drivers)
{
    private readonly AsyncSemaphore _checking = new(); // a device can't make this machine ask a provider many times at once

    private IEnumerable<(string Provider, string Secret)> Known
        => [.. ModelProviders.All.Select(p => (p, p)), .. own.All.Select(p => (p.Name, p.Secret))];

    /// <summary>Every provider, in a fixed order: the built-in ones, then the owner's own.</summary>
    public IReadOnlyList<ProviderKeyInfo> List()
    {
        var known = secrets.List();
        return
        [
            .. Known.Select(
                p => known.FirstOrDefault(s => s.Name == p.Secret) is { } set
                    ? new ProviderKeyInfo(p.Provider, set.SetAt, set.SetBy)
                    : new ProviderKeyInfo(p.Provider, null, null)),
        ];
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: no such provider, or the value is no key.</exception>
    public async Task<ProviderKeySetResponse> SetAsync(Device device, ProviderKeySetRequest request)
    {
        var (provider, secret) = Find(request.Provider);
        if (request.Value.Length is < ProviderKeyLimits.Shortest or > ProviderKeyLimits.Longest
            || request.Value.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"A key has {ProviderKeyLimits.Shortest} to {ProviderKeyLimits.Longest} letters, digits and signs, without spaces. "
                + $"The owner can set any other at the machine: pocketcoder secrets set {secret}");
        }

        await secrets.SetAsync(secret, request.Value, device);
        return new ProviderKeySetResponse(Of(provider));
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: no such provider; UNAUTHORIZED: there is a budget, which without a key does
    /// not hold everywhere.</exception>
    public async Task<ProviderKeyRemoveResponse> RemoveAsync(Device device, ProviderKeyRemoveRequest request)
    {
        var (provider, secret) = Find(request.Provider);
        if (models.Budgets.List().Count > 0)
        {
            // Without a sandbox and a key an agent asks its models by itself, past every budget.
            throw new RequestFailure(
                ErrorCode.Unauthorized,
                "There is a budget, and without a key agents could ask their models past it. A device can replace the key; "
                + $"the owner can remove it at the machine: pocketcoder secrets remove {secret}");
        }

        var was = await secrets.RemoveAsync(secret, device);
        return new ProviderKeyRemoveResponse(Of(provider), was);
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: no such provider; CONFLICT: it has no key; RATE_LIMITED: another check
    /// runs.</exception>
    public async Task<ProviderKeyCheckResponse> CheckAsync(ProviderKeyCheckRequest request, CancellationToken cancellationToken)
    {
        var (provider, secret) = Find(request.Provider);
        if (!await _checking.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            throw new RequestFailure(ErrorCode.RateLimited, "A key is being checked already. Try again when that is done.");
        }

        try
        {
            if (own.Find(provider) is { } mine && secrets.Get(secret) is not null)
            {
                var told = await models.ListModelsAsync(mine, cancellationToken);
                return new ProviderKeyCheckResponse(told.Verdict, new Uri(mine.Url).Authority, told.Status);
            }

            var theirs = drivers.Select(d => d.Models).FirstOrDefault(m => m?.Provider == provider && m.BaseUrl is not null)?.BaseUrl;
            return ModelProviders.All.Contains(provider, StringComparer.Ordinal)
                && await models.CheckKeyAsync(provider, theirs, cancellationToken) is { } asked
                ? new ProviderKeyCheckResponse(asked.Answer.Verdict, asked.Host, asked.Answer.Status)
                : throw new RequestFailure(ErrorCode.Conflict, "No key is stored for this provider. Set one first.");
        }
        finally
        {
            _checking.Release();
        }
    }

    private ProviderKeyInfo Of(string provider) => List().First(k => k.Provider == provider);

    private (string Provider, string Secret) Find(string provider)
        => Known.FirstOrDefault(p => p.Provider == provider) is { Secret: not null } known ? known
        : throw new RequestFailure(
            ErrorCode.InvalidRequest,
            $"There is no such provider. A device can set the keys of {string.Join(", ", Known.Select(p => p.Provider))}; others are set at the machine.");
}
