using System.Security.Cryptography;
using System.Text;
using PocketCoder.Platform;

namespace PocketCoder.Broker.Secrets;

/// <summary>
/// The store's key: 32 random bytes in base64 in a file of mode 0600. While keys change, the next one lies beside it as <c>.next</c>.
/// </summary>
internal static class KeyFile
{
    private const int KeySize = 32;

    public static string IdOf(byte[] key) => Convert.ToHexStringLower(HMACSHA256.HashData(key, "pocketcoder-secret-key-id"u8))[..16];

    public static byte[] Create(string path)
    {
        var key = RandomNumberGenerator.GetBytes(KeySize);
        if (!SecretFiles.TryCreate(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(key))))
        {
            return Read(path); // another process was first
        }

        return key;
    }

    /// <summary>A key that is not in use yet.</summary>
    public static byte[] CreateNext(string path)
    {
        var key = RandomNumberGenerator.GetBytes(KeySize);
        SecretFiles.Replace(Next(path), Encoding.ASCII.GetBytes(Convert.ToBase64String(key)));
        return key;
    }

    /// <summary>The next key becomes the key.</summary>
    public static void Promote(string path) => SecretFiles.Move(Next(path), path);

    /// <summary>The key that the store was written with: the key, or the next one when a change of keys was interrupted.</summary>
    public static byte[] Read(string path, string id)
    {
        var (key, isNext) = Find(path, id);
        if (isNext)
        {
            Promote(path);
        }

        return key;
    }

    /// <summary>The same, and changes nothing.</summary>
    public static (byte[] Key, bool IsNext) Find(string path, string id)
    {
        if (File.Exists(path) && Read(path) is var key && IdOf(key) == id)
        {
            return (key, false);
        }

        if (File.Exists(Next(path)) && Read(Next(path)) is var next && IdOf(next) == id)
        {
            return (next, true);
        }

        throw File.Exists(path)
            ? new SecretException(SecretError.KeyWrong,
                $"'{path}' is the key of other secrets; put the right one back, or move the secrets away and set them again")
            : new SecretException(SecretError.KeyMissing,
                $"the key '{path}' of the stored secrets is missing; restore it, or move the secrets away and set them again");
    }

    public static byte[] Read(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);

            if (PrivateFile.IsExposed(file.SafeFileHandle))
            {
                throw new SecretException(SecretError.KeyExposed,
                    $"'{path}' opens every secret and others can reach it; if you trust those who could, run: chmod 600 '{path}' - otherwise set the secrets again");
            }

            Span<byte> text = stackalloc byte[64];
            var read = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
            var key = new byte[KeySize];
            return read < text.Length && Convert.TryFromBase64String(Encoding.ASCII.GetString(text[..read]).TrimEnd(), key, out var written)
                && written == KeySize
                ? key
                : throw new SecretException(SecretError.KeyMalformed, $"'{path}' is not a key");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SecretException(SecretError.Unavailable, $"'{path}' cannot be read", e);
        }
    }

    private static string Next(string path) => path + ".next";
}
