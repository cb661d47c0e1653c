using System.Text.Json;
using System.Text.Unicode;

namespace PocketCoder.Protocol;

/// <summary>What is wrong with the bytes of a message, seen before anything of it is believed.</summary>
public enum MessageFault
{
    None,

    /// <summary>
    /// Not UTF-8, not one JSON object, nested more than 32 deep, or an envelope that has a member twice: which message it is can't be told.
    /// </summary>
    NotAMessage,

    /// <summary>The envelope's <c>v</c> is a number other than 1.</summary>
    OtherVersion,

    /// <summary>An object inside of the envelope has a member twice.</summary>
    DoubledMember,

    /// <summary>A text inside of the envelope is no Unicode: an escape like <c>\ud800</c> without its other half.</summary>
    BrokenText,
}

/// <summary>
/// Looks at every byte of a message, also at what is ignored afterwards: what two readers could read differently is not read at all
/// (RFC 8259 §4 and §8.1 leave doubled names and ill-formed text to the reader; I-JSON, RFC 7493 §2.1 and §2.3, forbids both). Thread-safe.
/// </summary>
public static class MessageBytes
{
    /// <summary>How deep objects and arrays may be nested in a message; the same for what is read of it afterwards.</summary>
    public const int MaxDepth = 32;

    /// <summary>Takes time and memory in proportion to the message.</summary>
    public static MessageFault Check(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message))
        {
            return MessageFault.NotAMessage;
        }

        try
        {
            return Walk(message);
        }
        catch (JsonException)
        {
            return MessageFault.NotAMessage;
        }
    }

    private static MessageFault Walk(ReadOnlySpan<byte> message)
    {
        var reader = new Utf8JsonReader(message, new JsonReaderOptions { MaxDepth = MaxDepth });
        var open = new Stack<HashSet<string>?>(); // the names of each object around; null: an array
        var found = MessageFault.None;
        var isVersion = false;
        while (reader.Read())
        {
            var fault = MessageFault.None;
            var named = "";
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    open.Push(new HashSet<string>(StringComparer.Ordinal));
                    break;
                case JsonTokenType.StartArray when open.Count > 0:
                    open.Push(null);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    open.Pop();
                    break;
                case JsonTokenType.PropertyName:
                    named = Text(ref reader);
                    fault = named is null ? MessageFault.BrokenText : open.Peek()!.Add(named) ? MessageFault.None
                        : MessageFault.DoubledMember;
                    break;
                case JsonTokenType.String when reader.ValueIsEscaped && Text(ref reader) is null:
                    fault = MessageFault.BrokenText;
                    break;
                case JsonTokenType.Number when isVersion && !reader.ValueSpan.SequenceEqual("1"u8):
                    return MessageFault.OtherVersion;
                default:
                    if (open.Count == 0)
                    {
                        return MessageFault.NotAMessage; // one value that is no object
                    }

                    break;
            }

            isVersion = named == "v" && open.Count == 1;
            if (fault != MessageFault.None && found != MessageFault.NotAMessage)
            {
                // In the envelope itself it makes all of it unreadable; deeper, it is that request's own fault.
                found = open.Count <= 1 ? MessageFault.NotAMessage : fault;
            }
        }

        return found;
    }

    /// <summary>Null when it is no Unicode.</summary>
    private static string? Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
