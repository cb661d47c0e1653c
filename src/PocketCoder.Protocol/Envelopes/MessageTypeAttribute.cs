namespace PocketCoder.Protocol;

/// <summary>
/// The type on the wire of a request or response whose name does not follow from it: the wire keeps its older word. Without it
/// <c>agent_queue_edit</c> is <c>AgentQueueEditRequest</c> and <c>AgentQueueEditResponse</c>.
/// </summary>
/// <param name="type">One of <see cref="MessageTypes"/>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class MessageTypeAttribute(string type) : Attribute
{
    public string Type { get; } = type;
}
