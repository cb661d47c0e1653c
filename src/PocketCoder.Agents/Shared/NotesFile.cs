using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>A file of notes for an agent (<c>CLAUDE.md</c>, <c>AGENTS.md</c>), as text only.</summary>
internal static class NotesFile
{
    /// <summary>Bytes taken of each file.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>Its beginning, and that it is only that. Null: it is no regular file, or can't be read: no reason not to work.</summary>
    public static string? Start(string path)
    {
        try
        {
            if (!FileKind.IsRegular(path))
            {
                return null;
            }

            using var stream = File.OpenRead(path);
            var buffer = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= MaxBytes
                ? Encoding.UTF8.GetString(buffer, 0, length)
                : $"{Encoding.UTF8.GetString(buffer, 0, MaxBytes)}\n[… the rest of the file is left out: it is longer than {MaxBytes} bytes …]";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
