using System.Security.Cryptography;
using System.Text;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>A file as it was at one moment: null text when it did not exist.</summary>
internal sealed record TextFile(string? Text, string Digest)
{
    /// <summary>Larger files are not shown as text.</summary>
    public const int MaxBytes = 1024 * 1024;

    private const string Missing = "missing";

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// Reads it by its real path: null also when a part of it was turned into a link since that was found (<see cref="PlainFile"/>).
    /// </summary>
    /// <param name="real">Absolute, links followed.</param>
    public static TextFile? ReadPlain(string real)
    {
        try
        {
            using var handle = PlainFile.OpenRead(real, out var missing);
            if (handle is null)
            {
                return missing ? new TextFile(null, Missing) : null;
            }

            using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            return Whole(stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Reads it. A missing file is an answer; a directory, a device, too large, not UTF-8 or unreadable gives null.</summary>
    public static TextFile? Read(string path)
    {
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists)
            {
                return Directory.Exists(path) ? null : new TextFile(null, Missing);
            }

            // Opening a pipe would wait for a writer, opening a device may have effects.
            if (info.Length > MaxBytes || !FileKind.IsRegular(path))
            {
                return null;
            }

            using var stream = info.OpenRead();
            return Whole(stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException)
        {
            return null;
        }
    }

    private static TextFile? Whole(FileStream stream)
    {
        var bytes = new byte[MaxBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length > MaxBytes ? null
            : new TextFile(s_strict.GetString(bytes, 0, length), Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, length))));
    }
}
