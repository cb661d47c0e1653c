using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>A file of notes for an agent (<c>CLAUDE.md</c>, <c>AGENTS.md</c>), as text only.</summary>
internal static class NotesFile
{
    /// <summary>Bytes taken of each file, where no smaller bound is given.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Its beginning, and that it is only that. Null: it is no regular file, or can't be read: no reason not to work.</summary>
    /// <param name="path">Absolute, links followed: one that is a link by now is not read.</param>
    /// <param name="most">So many bytes of it at most; up to <see cref="MaxBytes"/>.</param>
    public static string? Start(string path, int most = MaxBytes)
    {
        try
        {
            using var handle = PlainFile.OpenRead(path, out _);
            if (handle is null)
            {
                return null;
            }

            using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            var buffer = new byte[most + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= most
                ? Encoding.UTF8.GetString(buffer, 0, length)
                : $"{Encoding.UTF8.GetString(buffer, 0, most)}\n[… the rest of the file is left out: it is longer than {most} bytes …]";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// The text so that it can't end the element it stands in, and what follows can't be taken for somebody else's words.
    /// </summary>
    public static string Within(string element, string text)
        => text.Replace($"</{element}", $"&lt;/{element}", StringComparison.OrdinalIgnoreCase);
}
