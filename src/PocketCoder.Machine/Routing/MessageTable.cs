using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Devices;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>Who asks, and over what.</summary>
internal sealed record Caller(Device Device, DeviceConnection Connection);

/// <summary>One row of the table: a message type, the scope it needs, and who answers it.</summary>
/// <param name="Answer">Turns the payload into the whole response message.</param>
/// <param name="Concurrent">May take long and runs beside later requests; everything else is answered in the order it came.</param>
internal sealed record Route(string Type, Scope Scope, Func<Caller, string?, JsonElement?, CancellationToken, Task<byte[]>> Answer, bool Concurrent);

/// <summary>
/// Every message a device can send, with the scope it needs: the one place where that stands. A test holds it against
/// <see cref="MessageTypes.Requests"/>, so that a type without a row can't land.
/// </summary>
internal sealed class MessageTable
{
    private readonly Dictionary<string, Route> _routes = new(StringComparer.Ordinal);

    public IReadOnlyCollection<Route> Routes => _routes.Values;

    public Route? Find(string type) => _routes.GetValueOrDefault(type);

    /// <exception cref="ArgumentException">The type has a row already.</exception>
    public MessageTable Map<TRequest, TResponse>(
        string type,
        Scope scope,
        JsonTypeInfo<TRequest> request,
        JsonTypeInfo<TResponse> response,
        Func<Caller, TRequest, CancellationToken, Task<TResponse>> handle,
        bool concurrent = false)
    {
        _routes.Add(type, new Route(type, scope, AnswerAsync, concurrent));
        return this;

        async Task<byte[]> AnswerAsync(Caller caller, string? requestId, JsonElement? payload, CancellationToken cancellationToken)
        {
            TRequest? asked;
            try
            {
                asked = payload is { ValueKind: JsonValueKind.Object } given ? given.Deserialize(request) : JsonSerializer.Deserialize("{}"u8, request);
            }
            catch (JsonException e)
            {
                throw new RequestFailure(ErrorCode.InvalidRequest, $"The payload of {type} is not what it must be{(e.Path is null ? "" : $" at {e.Path}")}.");
            }

            return Message.Response(type, requestId, await handle(caller, asked!, cancellationToken), response);
        }
    }
}
