using System.Text;

namespace PocketCoder.Feishu.Events;

/// <summary>Takes the placeholders of mentions out of a text. Pure functions.</summary>
public static class Mentions
{
    /// <summary>
    /// The text as it was meant: the bot's own name is left out, others' names stand where their placeholders stood, and the ends are
    /// trimmed. What looks like a placeholder and is none of the message's mentions stays. A name is never read as a placeholder again.
    /// </summary>
    /// <param name="bot">The bot's own open id; null: no name is left out.</param>
    public static string In(string text, IReadOnlyList<FeishuMention> mentions, string? bot)
    {
        // @_user_1 also begins @_user_10: the longest that fits is meant.
        var byLength = mentions.OrderByDescending(m => m.Key.Length).ToList();
        var plain = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            if (text[i] == '@' && byLength.Find(m => string.CompareOrdinal(text, i, m.Key, 0, m.Key.Length) == 0) is { } mention)
            {
                i += mention.Key.Length;
                if (mention.OpenId is null || mention.OpenId != bot)
                {
                    plain.Append('@').Append(mention.Name);
                }
                else if (i < text.Length && text[i] == ' ')
                {
                    i++; // the client puts a space behind each mention
                }
            }
            else
            {
                plain.Append(text[i++]);
            }
        }

        return plain.ToString().Trim();
    }
}
