namespace PocketCoder.Agents.Shared;

/// <summary>Keeps the last of what was said in a conversation, within the bounds of <see cref="AgentConversationPart"/>.</summary>
internal sealed class ConversationTail
{
    private readonly Queue<AgentConversationPart> _parts = new();
    private int _characters;

    public void Add(AgentConversationSpeaker who, string text, DateTimeOffset? at)
    {
        var kept = who == AgentConversationSpeaker.Tool ? BoundedText.OneLine(text)
            : BoundedText.HeadAndTail(text.Trim(), AgentConversationPart.LongestText - 64);
        if (kept.Length == 0)
        {
            return;
        }

        _parts.Enqueue(new AgentConversationPart(who, kept, at));
        _characters += kept.Length;
        while (_parts.Count > AgentConversationPart.Most || _characters > AgentConversationPart.MostCharacters)
        {
            _characters -= _parts.Dequeue().Text.Length;
        }
    }

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<AgentConversationPart> Parts => [.. _parts];
}
