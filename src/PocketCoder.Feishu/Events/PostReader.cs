using System.Text;
using System.Text.Json;

namespace PocketCoder.Feishu.Events;

/// <summary>Rich text as plain text. An element that it does not know says nothing.</summary>
internal static class PostReader
{
    private const int MostParagraphs = 2000;
    private const int MostElements = 500; // of a paragraph
    private const int LongestWord = 256;

    /// <exception cref="FeishuException">It is no rich text, or too long.</exception>
    public static PostContent Read(JsonElement content)
    {
        // A message has the paragraphs themselves; what other programs sent may have them for a language.
        var post = WireJson.Value(content, "content") is null && content.EnumerateObject().FirstOrDefault() is var first
            && first.Value.ValueKind == JsonValueKind.Object ? first.Value : content;
        var text = new StringBuilder();
        var images = new List<string>();
        foreach (var paragraph in WireJson.Array(post, "content", MostParagraphs))
        {
            if (paragraph.ValueKind != JsonValueKind.Array || paragraph.GetArrayLength() > MostElements)
            {
                throw WireJson.Wrong("a paragraph is no list, or has too many elements");
            }

            text.Append(text.Length > 0 ? "\n" : "");
            foreach (var element in paragraph.EnumerateArray())
            {
                Add(element.ValueKind == JsonValueKind.Object ? element : throw WireJson.Wrong("an element is no object"), text, images);
            }

            if (text.Length > EventParser.LongestText)
            {
                throw WireJson.Wrong($"its text has more than {EventParser.LongestText} characters");
            }
        }

        return new PostContent(WireJson.TextOrNull(post, "title", LongestWord) ?? "", text.ToString(), images);
    }

    private static void Add(JsonElement element, StringBuilder text, List<string> images)
    {
        switch (WireJson.Text(element, "tag", LongestWord))
        {
            case "text" or "md" or "markdown" or "code":
                text.Append(Words(element));
                break;
            case "a":
                text.Append(Words(element));
                if (WireJson.TextOrNull(element, "href", EventParser.LongestText) is { Length: > 0 } address)
                {
                    text.Append(" (").Append(address).Append(')');
                }

                break;
            case "at":
                // A message's own mention: the placeholder, which the list of mentions explains.
                text.Append(WireJson.TextOrNull(element, "user_id", LongestWord));
                break;
            case "code_block":
                text.Append("```").Append(WireJson.TextOrNull(element, "language", LongestWord)).Append('\n').Append(Words(element)).Append("\n```");
                break;
            case "img":
                images.Add(images.Count < EventParser.MostParts ? WireJson.Id(element, "image_key") : throw WireJson.Wrong("it has too many images"));
                break;
        }
    }

    private static string Words(JsonElement element) => WireJson.TextOrNull(element, "text", EventParser.LongestText) ?? "";
}
