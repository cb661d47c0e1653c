using System.Security.Cryptography;
using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Machine.Sessions;

/// <summary>Whether a file is what a text says, byte for byte.</summary>
internal static class FileText
{
    /// <summary>Largest file that is compared; edits of larger ones are not shown as text either.</summary>
    private const int MaxBytes = 16 * 1024 * 1024;

    /// <param name="text">Null: there is no file.</param>
    /// <returns>False also when it can't be read.</returns>
    public static async Task<bool> IsAsync(string path, string? text)
    {
        try
        {
            if (text is null || !File.Exists(path))
            {
                return text is null && !Path.Exists(path);
            }

            var length = FileKind.IsRegular(path) ? new FileInfo(path).Length : -1;
            if (length > MaxBytes || length != Encoding.UTF8.GetByteCount(text))
            {
                return false;
            }

            await using var file = File.OpenRead(path);
            return (await SHA256.HashDataAsync(file)).AsSpan().SequenceEqual(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
