using System.Text.Unicode;

namespace PocketCoder.Machine.Attachments;

/// <summary>What a file is, by its bytes alone: a name can say anything. Pure.</summary>
public static class MediaTypes
{
    /// <summary>Bytes to look at.</summary>
    public const int LookedAt = 64 * 1024;

    private const string Unknown = "application/octet-stream";

    public static bool IsPicture(string mediaType) => mediaType is "image/png" or "image/jpeg" or "image/gif" or "image/webp";

    /// <param name="start">The first <see cref="LookedAt"/> bytes, or all.</param>
    public static string Of(ReadOnlySpan<byte> start) => start switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', (byte)'7' or (byte)'9', (byte)'a', ..] => "image/gif",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "image/webp",
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', ..] => "application/pdf",
        _ => IsText(start) ? "text/plain" : Unknown, // an SVG is text, and never shown as a picture: it can hold code
    };

    private static bool IsText(ReadOnlySpan<byte> start)
    {
        // A character may be cut at the end of what is looked at.
        var whole = start;
        for (var cut = 0; cut < 3 && start.Length >= LookedAt && !Utf8.IsValid(whole); cut++)
        {
            whole = whole[..^1];
        }

        if (!Utf8.IsValid(whole))
        {
            return false;
        }

        foreach (var b in whole)
        {
            if (b is (< 0x20 or 0x7F) and not ((byte)'\t' or (byte)'\n' or (byte)'\r' or (byte)'\f' or 0x1B))
            {
                return false;
            }
        }

        return true;
    }
}
