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

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

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
            var bytes = new byte[MaxBytes + 1];
            var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length > MaxBytes ? null : new TextFile(Strict.GetString(bytes, 0, length), Convert.ToHexStringLower(SHA256.HashData(bytes.AsSpan(0, length))));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException)
        {
            return null;
        }
    }
}
