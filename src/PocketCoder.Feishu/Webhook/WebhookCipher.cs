using System.Security.Cryptography;

namespace PocketCoder.Feishu.Webhooks;

/// <summary>
/// Opens encrypted bodies: AES-256-CBC with PKCS #7, the key is SHA-256 of the Encrypt Key, the first 16 bytes are the IV.
/// </summary>
internal static class WebhookCipher
{
    private const int Block = 16;

    /// <exception cref="FeishuException">It can't be opened; it does not say why.</exception>
    public static byte[] Open(ReadOnlySpan<byte> encryptKey, string text)
    {
        var bytes = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, bytes, out var length) || length < 2 * Block || length % Block != 0)
        {
            throw Wrong();
        }

        using var aes = Aes.Create();
        aes.SetKey(SHA256.HashData(encryptKey));
        try
        {
            return aes.DecryptCbc(bytes.AsSpan(Block, length - Block), bytes.AsSpan(0, Block), PaddingMode.PKCS7);
        }
        catch (CryptographicException)
        {
            throw Wrong();
        }
    }

    private static FeishuException Wrong() => new(FeishuError.Malformed, "An encrypted body can't be opened with the app's key.");
}
