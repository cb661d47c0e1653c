using System.Reflection;
using PocketCoder.Protocol;

namespace PocketCoder.Testing.Contracts;

/// <summary>
/// Finds a message's records by the naming rule: <c>agent_queue_edit</c> → <c>AgentQueueEditRequest</c> and <c>…Response</c>; or by
/// <see cref="MessageTypeAttribute"/>.
/// </summary>
public static class MessageCatalog
{
    public static Type Request(string type) => Find(type, "Request");

    public static Type Response(string type) => Find(type, "Response");

    private static Type Find(string type, string suffix)
    {
        var named = typeof(MessageTypes).Assembly.GetExportedTypes().SingleOrDefault(
            t => t.Name.EndsWith(suffix, StringComparison.Ordinal) && t.GetCustomAttribute<MessageTypeAttribute>()?.Type == type);
        if (named is not null)
        {
            return named;
        }

        var name = string.Concat(type.Split('_').Select(word => char.ToUpperInvariant(word[0]) + word[1..])) + suffix;
        return typeof(MessageTypes).Assembly.GetType($"PocketCoder.Protocol.{name}")
            ?? throw new InvalidOperationException($"message {type} has no record {name}");
    }
}
