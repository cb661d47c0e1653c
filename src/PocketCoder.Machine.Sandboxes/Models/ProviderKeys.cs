using PocketCoder.Agents;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Models;

/// <summary>
/// The keys of model providers as devices see and change them: by the names of <see cref="ModelProviders"/> only, so that no other secret
/// of the owner's is reached from here. A key comes in and never goes out. Thread-safe.
/// </summary>
/// <param name="drivers">Whose own settings may lead to another address than the provider's.</param>
public sealed class ProviderKeys(SecretService secrets, ModelService models, IReadOnlyList<IAgentDriver> drivers)
{
    private readonly AsyncSemaphore _checking = new(); // a device can't make this machine ask a provider many times at once

    /// <summary>Every provider, in a fixed order.</summary>
    public IReadOnlyList<ProviderKeyInfo> List()
    {
        var known = secrets.List();
        return
        [
            .. ModelProviders.All.Select(
                p => known.FirstOrDefault(s => s.Name == p) is { } set
                    ? new ProviderKeyInfo(p, set.SetAt, set.SetBy)
                    : new ProviderKeyInfo(p, null, null)),
        ];
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: no such provider, or the value is no key.</exception>
    public async Task<ProviderKeySetResponse> SetAsync(Device device, ProviderKeySetRequest request)
    {
        var provider = Known(request.Provider);
        if (request.Value.Length is < ProviderKeyLimits.Shortest or > ProviderKeyLimits.Longest
            || request.Value.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                $"A key has {ProviderKeyLimits.Shortest} to {ProviderKeyLimits.Longest} letters, digits and signs, without spaces. "
                + $"The owner can set any other at the machine: pocketcoder secrets set {provider}");
        }

        await secrets.SetAsync(provider, request.Value, device);
        return new ProviderKeySetResponse(Of(provider));
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: no such provider; UNAUTHORIZED: there is a budget, which without a key does
    /// not hold everywhere.</exception>
    public async Task<ProviderKeyRemoveResponse> RemoveAsync(Device device, ProviderKeyRemoveRequest request)
    {
        var provider = Known(request.Provider);
        if (models.Budgets.List().Count > 0)
        {
            // Without a sandbox and a key an agent asks its models by itself, past every budget.
            throw new RequestFailure(
                ErrorCode.Unauthorized,
                "There is a budget, and without a key agents could ask their models past it. A device can replace the key; "
                + $"the owner can remove it at the machine: pocketcoder secrets remove {provider}");
        }

        var was = await secrets.RemoveAsync(provider, device);
        return new ProviderKeyRemoveResponse(Of(provider), was);
    }

    /// <exception cref="RequestFailure">INVALID_REQUEST: no such provider; CONFLICT: it has no key; RATE_LIMITED: another check
    /// runs.</exception>
    public async Task<ProviderKeyCheckResponse> CheckAsync(ProviderKeyCheckRequest request, CancellationToken cancellationToken)
    {
        var provider = Known(request.Provider);
        if (!await _checking.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            throw new RequestFailure(ErrorCode.RateLimited, "A key is being checked already. Try again when that is done.");
        }

        try
        {
            var own = drivers.Select(d => d.Models).FirstOrDefault(m => m?.Provider == provider && m.BaseUrl is not null)?.BaseUrl;
            return await models.CheckKeyAsync(provider, own, cancellationToken) is { } asked
                ? new ProviderKeyCheckResponse(asked.Answer.Verdict, asked.Host, asked.Answer.Status)
                : throw new RequestFailure(ErrorCode.Conflict, "No key is stored for this provider. Set one first.");
        }
        finally
        {
            _checking.Release();
        }
    }

    private ProviderKeyInfo Of(string provider) => List().First(k => k.Provider == provider);

    private static string Known(string provider) => ModelProviders.All.Contains(provider, StringComparer.Ordinal)
        ? provider
        : throw new RequestFailure(
            ErrorCode.InvalidRequest,
            $"There is no such provider. A device can set the keys of {string.Join(", ", ModelProviders.All)}; others are set at the machine.");
}
