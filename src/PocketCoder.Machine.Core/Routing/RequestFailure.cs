using PocketCoder.Protocol;

namespace PocketCoder.Machine.Routing;

/// <summary>
/// A request that can't be served, with its code on the wire and words for people. Thrown by handlers, turned into an <c>error</c> message
/// in one place.
/// </summary>
public sealed class RequestFailure(ErrorCode code, string message, IReadOnlyDictionary<string, string>? details = null) : Exception(message)
{
    public WireError Error { get; } = new(code, message, details);
}
