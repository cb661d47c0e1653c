using PocketCoder.Agents;
using PocketCoder.Machine.AgentSandboxes;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Tests.AgentSandboxes;

/// <summary>The drivers' words and the wire's are two lists that are kept in two projects.</summary>
public sealed class AgentTermsTests
{
    [Fact]
    public void Every_kind_of_tool_has_its_category() => Same<ToolKind, ToolCategory>(AgentTerms.Category);

    [Fact]
    public void Every_state_of_a_todo_has_its_word() => Same<TodoState, TodoItemState>(AgentTerms.State);

    [Fact]
    public void Every_speaker_has_its_word() => Same<AgentConversationSpeaker, ImportedSpeaker>(AgentTerms.Speaker);

    [Fact]
    public void Every_way_to_copy_a_conversation_has_its_word() => Same<ConversationCopies, ConversationCopy>(AgentTerms.Copy);

    /// <summary>Both lists have the same names, and each value becomes the one of its name; anything else is refused.</summary>
    private static void Same<TFrom, TTo>(Func<TFrom, TTo> map)
        where TFrom : struct, Enum
        where TTo : struct, Enum
    {
        Assert.Equal(Enum.GetNames<TFrom>().Order(StringComparer.Ordinal), Enum.GetNames<TTo>().Order(StringComparer.Ordinal));
        Assert.All(Enum.GetValues<TFrom>(), value => Assert.Equal(value.ToString(), map(value).ToString()));
        Assert.Throws<ArgumentOutOfRangeException>(() => map((TFrom)Enum.ToObject(typeof(TFrom), 1000)));
    }
}
