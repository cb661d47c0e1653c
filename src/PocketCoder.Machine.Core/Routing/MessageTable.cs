using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>
/// Every operation there is, and who may ask it: the one place where that stands, for the wire, the control socket and every later way in.
/// Tests hold it against <see cref="MessageTypes.Requests"/> and the list of the owner's, so that a type without a row can't land.
/// </summary>
public sealed class MessageTable
{
    private readonly Dictionary<string, Route> _routes = new(StringComparer.Ordinal);

    public IReadOnlyCollection<Route> Routes => _routes.Values;

    public Route? Find(string type) => _routes.GetValueOrDefault(type);

    /// <summary>Finds the row of a type for somebody who asks.</summary>
    /// <param name="refusal">Why there is none for this caller.</param>
    public bool TryFind(string type, Caller caller, [NotNullWhen(true)] out Route? route, [NotNullWhen(false)] out WireError? refusal)
    {
        route = Find(type);
        refusal = route is null ? (caller is OwnerCaller ? Route.NoneForOwner : Route.NoneForDevices(type)) : route.Refusal(caller);
        return refusal is null;
    }

    /// <summary>The largest message, in bytes, that a device with these scopes can have a use for.</summary>
    public int MostBytes(IReadOnlyCollection<Scope> scopes)
        => _routes.Values.Where(r => r.Scope is { } scope && scopes.Contains(scope))
            .Select(r => r.MostBytes).DefaultIfEmpty(Limits.RequestBytes).Max();

    /// <summary>Adds a row for devices only: what belongs to a connection, such as following a stream.</summary>
    /// <exception cref="ArgumentException">The type has a row already.</exception>
    public MessageTable Map<TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, Scope scope, Func<DeviceCaller, TRequest, CancellationToken, Task<TResponse>> handle,
        bool concurrent = false, int mostBytes = Limits.RequestBytes)
        => Add(verb, scope, forOwner: false, handle, concurrent, mostBytes, ownerBytes: 0);

    /// <summary>Adds a row for devices with the scope and for the owner.</summary>
    /// <param name="ownerBytes">As <paramref name="mostBytes"/>, for the owner.</param>
    /// <inheritdoc cref="Map"/>
    public MessageTable MapShared<TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, Scope scope, Func<Caller, TRequest, CancellationToken, Task<TResponse>> handle,
        bool concurrent = false, int mostBytes = Limits.RequestBytes, int ownerBytes = Limits.RequestBytes)
        => Add(verb, scope, forOwner: true, handle, concurrent, mostBytes, ownerBytes);

    /// <summary>Adds a row that is the owner's alone: no device reaches it, whatever its scopes.</summary>
    /// <inheritdoc cref="Map"/>
    public MessageTable MapOwner<TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, Func<OwnerCaller, TRequest, CancellationToken, Task<TResponse>> handle,
        int ownerBytes = Limits.RequestBytes)
        => Add(verb, scope: null, forOwner: true, handle, concurrent: false, mostBytes: 0, ownerBytes);

    private MessageTable Add<TCaller, TRequest, TResponse>(
        Verb<TRequest, TResponse> verb, Scope? scope, bool forOwner, Func<TCaller, TRequest, CancellationToken, Task<TResponse>> handle,
        bool concurrent, int mostBytes, int ownerBytes)
        where TCaller : Caller
    {
        Route route = null!;
        route = new Route(verb.Type, scope, forOwner, typeof(TRequest), typeof(TResponse), AnswerAsync, concurrent, mostBytes, ownerBytes);
        _routes.Add(verb.Type, route);
        return this;

        async Task<Answer> AnswerAsync(Caller caller, JsonElement? payload, CancellationToken cancellationToken)
        {
            if (route.Refusal(caller) is { } refusal)
            {
                throw new RequestFailure(refusal.Code, refusal.Message);
            }

            TRequest? asked;
            try
            {
                asked = payload switch
                {
                    { ValueKind: JsonValueKind.Object } given => given.Deserialize(verb.Request()),
                    null or { ValueKind: JsonValueKind.Null } => JsonSerializer.Deserialize("{}"u8, verb.Request()),
                    _ => throw new JsonException(),
                };
            }
            catch (JsonException e)
            {
                var at = e.Path is null ? "" : $" at {e.Path}";
                throw new RequestFailure(ErrorCode.InvalidRequest, $"The payload of {verb.Type} is not what it must be{at}.");
            }

            var answer = await handle((TCaller)caller, asked!, cancellationToken);
            return new Answer(
                requestId => Message.Response(verb.Type, requestId, answer, verb.Response()),
                () => JsonSerializer.SerializeToUtf8Bytes(answer, verb.Response()));
        }
    }
}
