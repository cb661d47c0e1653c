using System.Text.Json.Serialization;
using PocketCoder.Agents;
using PocketCoder.Broker.Models;
using PocketCoder.Machine.Models;
using PocketCoder.Machine.Providers;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>The owner's own providers of models (docs/models.md). A key comes in and never goes out.</summary>
internal static class OwnerProviders
{
    private const int MostOthers = 20;

    private static OwnerProvidersJson Json => OwnerProvidersJson.Default;

    public static Verb<ProvidersListRequest, ProvidersListResponse> List { get; } =
        new("providers_list", static () => Json.ProvidersListRequest, static () => Json.ProvidersListResponse);

    public static Verb<ProviderSetRequest, ProviderSetResponse> Set { get; } =
        new("provider_set", static () => Json.ProviderSetRequest, static () => Json.ProviderSetResponse);

    public static Verb<ProviderRemoveRequest, ProviderRemoveResponse> Remove { get; } =
        new("provider_remove", static () => Json.ProviderRemoveRequest, static () => Json.ProviderRemoveResponse);

    public static Verb<ProviderTestRequest, ProviderTestResponse> Test { get; } =
        new("provider_test", static () => Json.ProviderTestRequest, static () => Json.ProviderTestResponse);

    public static MessageTable MapOwnerProviders(this MessageTable table, ProviderService service) => table
        .MapOwner(List, (_, _, _) => Task.FromResult(new ProvidersListResponse([.. service.All.Select(p => Shown(p, service))])))
        .MapOwner(
            Set,
            async (_, request, _) =>
            {
                if (request.Models.Any(m => m is null))
                {
                    throw new RequestFailure(ErrorCode.InvalidRequest, "A model is missing.");
                }

                var provider = new OwnProvider(request.Name, request.Dialect, request.Url, request.Models);
                await service.SetAsync(provider, request.Key, request.DropKey);
                return new ProviderSetResponse(Shown(provider, service));
            })
        .MapOwner(
            Remove,
            async (_, request, _) => await service.RemoveAsync(request.Name) is { } removed
                ? new ProviderRemoveResponse(Shown(removed, service)) : throw ProviderService.NoSuch())
        .MapOwner(
            Test,
            async (_, request, ct) =>
            {
                var (provider, answer) = await service.TestAsync(request.Name, ct);
                return Told(provider, answer);
            });

    private static ProviderShown Shown(OwnProvider provider, ProviderService service)
        => new(provider.Name, provider.Dialect, provider.Url, service.HasKey(provider), provider.Models);

    private static ProviderTestResponse Told(OwnProvider provider, ModelsAnswer answer)
    {
        var there = answer.Models;
        var named = provider.Models.Select(m => m.Id).ToHashSet(StringComparer.Ordinal);
        return new ProviderTestResponse(
            answer.Verdict, answer.Status, there?.Count,
            there is null ? [] : [.. named.Except(there, StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            there is null ? [] : [.. there.Where(m => !named.Contains(m)).Take(MostOthers)]);
    }
}

/// <summary>A provider of the owner's own, without its key.</summary>
/// <param name="HasKey">A key is stored for it; else requests go out without one.</param>
public sealed record ProviderShown(
    string Name, ProviderDialect Dialect, string Url, bool HasKey, IReadOnlyList<OwnModel> Models);

internal sealed record ProvidersListRequest;

internal sealed record ProvidersListResponse(IReadOnlyList<ProviderShown> Providers);

/// <param name="Key">Stored for it; null: the one of before stays, unless scheme, host or port are others.</param>
/// <param name="DropKey">It has no key from now on.</param>
public sealed record ProviderSetRequest(
    string Name, ProviderDialect Dialect, string Url, IReadOnlyList<OwnModel> Models, string? Key = null, bool DropKey = false);

public sealed record ProviderSetResponse(ProviderShown Provider);

internal sealed record ProviderRemoveRequest(string Name);

internal sealed record ProviderRemoveResponse(ProviderShown Provider);

internal sealed record ProviderTestRequest(string Name);

/// <summary>What the server said when it was asked for its models.</summary>
/// <param name="Status">Null: it could not be reached.</param>
/// <param name="Models">How many it lists; null: its answer is no list of models.</param>
/// <param name="Missing">Those that were named and that it does not list.</param>
/// <param name="Others">Some of those that it lists besides, as it wrote them: untrusted.</param>
public sealed record ProviderTestResponse(
    ProviderKeyVerdict Verdict, int? Status, int? Models, IReadOnlyList<string> Missing, IReadOnlyList<string> Others);

[JsonSourceGenerationOptions(
    GenerationMode = JsonSourceGenerationMode.Metadata,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    AllowDuplicateProperties = false,
    MaxDepth = 32)]
[JsonSerializable(typeof(ProvidersListRequest))]
[JsonSerializable(typeof(ProvidersListResponse))]
[JsonSerializable(typeof(ProviderSetRequest))]
[JsonSerializable(typeof(ProviderSetResponse))]
[JsonSerializable(typeof(ProviderRemoveRequest))]
[JsonSerializable(typeof(ProviderRemoveResponse))]
[JsonSerializable(typeof(ProviderTestRequest))]
[JsonSerializable(typeof(ProviderTestResponse))]
internal sealed partial class OwnerProvidersJson : JsonSerializerContext;
