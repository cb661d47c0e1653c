namespace PocketCoder.Protocol.Tests.Contracts;

/// <summary>Finds a message's records by the naming rule: <c>agent_queue_edit</c> → <c>AgentQueueEditRequest</c> and <c>…Response</c>.</summary>
internal static class MessageCatalog
{
    public static Type Request(string type) => Find(type, "Request");

    public static Type Response(string type) => Find(type, "Response");

    private static Type Find(string type, string suffix)
    {
        var name = string.Concat(type.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..])) + suffix;
        return typeof(MessageTypes).Assembly.GetType($"PocketCoder.Protocol.{name}")
            ?? throw new InvalidOperationException($"message {type} has no record {name}");
    }
}
