using PocketCoder.Broker.Models;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Secrets;
using PocketCoder.Machine.Storage;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Providers;

/// <summary>
/// The owner's own providers of models and their keys. A key belongs to the address (scheme, host, port) that it was given for: it is never
/// sent to another one, in whichever step a change of both breaks off. Thread-safe; one change is made at a time.
/// </summary>
internal sealed class ProviderService(ProviderSettings settings, SecretService secrets, ModelService models, Store store)
{
    private readonly AsyncSemaphore _changing = new();

    /// <summary>One was set or removed. Must not throw and not block.</summary>
    public event Action? Changed;

    public IReadOnlyList<OwnProvider> All => settings.Known.All;

    public bool HasKey(OwnProvider provider) => secrets.List().Any(s => s.Name == provider.Secret);

    /// <summary>Sets one, or replaces all of the one of its name.</summary>
    /// <param name="key">Null: the key of before stays if the address has the same origin, and goes if not.</param>
    /// <param name="dropKey">It has none from now on.</param>
    /// <exception cref="RequestFailure">INVALID_REQUEST; CONFLICT: there are too many.</exception>
    public async Task SetAsync(OwnProvider provider, string? key, bool dropKey)
    {
        if (provider.Problem() is { } problem)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, problem);
        }

        if (key is not null && (dropKey || key.Length is < ProviderKeyLimits.Shortest or > ProviderKeyLimits.Longest
            || key.AsSpan().ContainsAnyExceptInRange('!', '~')))
        {
            throw new RequestFailure(
                ErrorCode.InvalidRequest,
                dropKey ? "There is either a key or none."
                    : $"A key has {ProviderKeyLimits.Shortest} to {ProviderKeyLimits.Longest} letters, digits and signs, without spaces. A server that asks for no key needs none.");
        }

        await _changing.WaitAsync();
        try
        {
            if (settings.Known.Find(provider.Name) is null && settings.Known.All.Count >= ProviderSettings.Most)
            {
                throw new RequestFailure(
                    ErrorCode.Conflict,
                    $"There are {ProviderSettings.Most} providers. Remove one first: pocketcoder provider remove NAME");
            }

            // The old key goes before the address changes, and the new one comes after.
            var before = settings.Known.Find(provider.Name);
            if (dropKey || before is null || !ProviderAddress.IsSameOrigin(before.Url, provider.Url))
            {
                await secrets.RemoveAsync(provider.Secret);
            }

            await settings.SetAsync(provider, store);
            if (key is not null)
            {
                await secrets.SetAsync(provider.Secret, key);
            }
        }
        finally
        {
            _changing.Release();
        }

        Changed?.Invoke();
    }

    /// <summary>Removes one and its key.</summary>
    /// <returns>Null: there was none.</returns>
    public async Task<OwnProvider?> RemoveAsync(string name)
    {
        OwnProvider? removed;
        await _changing.WaitAsync();
        try
        {
            if (settings.Known.Find(name) is { } known)
            {
                await secrets.RemoveAsync(known.Secret);
            }

            removed = await settings.RemoveAsync(name, store);
        }
        finally
        {
            _changing.Release();
        }

        if (removed is not null)
        {
            Changed?.Invoke();
        }

        return removed;
    }

    /// <summary>Asks it for its models, in at most 10 s.</summary>
    /// <exception cref="RequestFailure">CONFLICT: there is none of this name.</exception>
    public async Task<(OwnProvider Provider, ModelsAnswer Answer)> TestAsync(string name, CancellationToken ct)
        => settings.Known.Find(name) is { } provider ? (provider, await models.ListModelsAsync(provider, ct)) : throw NoSuch();

    public static RequestFailure NoSuch()
        => new(ErrorCode.Conflict, "There is no provider of this name. See: pocketcoder provider list");
}
