using PocketCoder.Agents;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.AgentSandboxes;

/// <summary>
/// The words of agents' drivers in those of the wire. Each value is named: the two lists may be ordered differently, and one that is new in
/// a driver stops here until it has a word.
/// </summary>
public static class AgentTerms
{
    /// <exception cref="ArgumentOutOfRangeException">A value that has no word on the wire yet.</exception>
    public static ToolCategory Category(ToolKind kind) => kind switch
    {
        ToolKind.Read => ToolCategory.Read,
        ToolKind.Search => ToolCategory.Search,
        ToolKind.Execute => ToolCategory.Execute,
        ToolKind.Edit => ToolCategory.Edit,
        ToolKind.Fetch => ToolCategory.Fetch,
        ToolKind.Think => ToolCategory.Think,
        ToolKind.Agent => ToolCategory.Agent,
        ToolKind.Question => ToolCategory.Question,
        ToolKind.Plan => ToolCategory.Plan,
        ToolKind.Todo => ToolCategory.Todo,
        ToolKind.Other => ToolCategory.Other,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, message: null),
    };

    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Category"/>.</exception>
    public static TodoItemState State(TodoState state) => state switch
    {
        TodoState.Pending => TodoItemState.Pending,
        TodoState.Active => TodoItemState.Active,
        TodoState.Done => TodoItemState.Done,
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, message: null),
    };

    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Category"/>.</exception>
    public static ImportedSpeaker Speaker(AgentConversationSpeaker who) => who switch
    {
        AgentConversationSpeaker.Person => ImportedSpeaker.Person,
        AgentConversationSpeaker.Agent => ImportedSpeaker.Agent,
        AgentConversationSpeaker.Tool => ImportedSpeaker.Tool,
        _ => throw new ArgumentOutOfRangeException(nameof(who), who, message: null),
    };

    /// <exception cref="ArgumentOutOfRangeException">As for <see cref="Category"/>.</exception>
    public static ConversationCopy Copy(ConversationCopies copies) => copies switch
    {
        ConversationCopies.None => ConversationCopy.None,
        ConversationCopies.Whole => ConversationCopy.Whole,
        ConversationCopies.Words => ConversationCopy.Words,
        _ => throw new ArgumentOutOfRangeException(nameof(copies), copies, message: null),
    };
}
