using System.Security.Cryptography;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels;

/// <summary>
/// The key and counter of one direction. Every <c>interval</c> frames the key is replaced by Noise's REKEY (revision 34, section
/// 11.3), so that a key that leaks does not open what went before; the counter goes on. Not thread-safe.
/// </summary>
internal sealed class CipherDirection : IDisposable
{
    /// <summary>2^64 - 1 is REKEY's own nonce.</summary>
    public const ulong Last = ulong.MaxValue - 1;

    private readonly byte[] _key;
    private readonly ulong _interval;
    private AesGcm _aes;

    /// <param name="key">32 bytes; wiped by this object.</param>
    /// <param name="interval">Frames under one key.</param>
    public CipherDirection(byte[] key, ulong interval)
    {
        _key = key;
        _interval = interval;
        _aes = new AesGcm(key, Aead.TagBytes);
    }

    /// <summary>The counter of the next frame.</summary>
    public ulong Counter { get; private set; }

    /// <summary>Encrypts in place.</summary>
    public void Encrypt(ReadOnlySpan<byte> header, Span<byte> text, Span<byte> tag)
    {
        Span<byte> nonce = stackalloc byte[Aead.NonceBytes];
        Begin(nonce);
        _aes.Encrypt(nonce, text, text, tag, header);
        Counter++;
    }

    /// <exception cref="AuthenticationTagMismatchException">The frame is not what the other end sealed; <paramref name="plaintext"/> is
    /// zeroed.</exception>
    public void Decrypt(ReadOnlySpan<byte> header, ReadOnlySpan<byte> ciphertext, ReadOnlySpan<byte> tag, Span<byte> plaintext)
    {
        Span<byte> nonce = stackalloc byte[Aead.NonceBytes];
        Begin(nonce);
        _aes.Decrypt(nonce, ciphertext, tag, plaintext, header);
        Counter++;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_key);
        _aes.Dispose();
    }

    /// <summary>Test seam: jumps to a counter without the frames before it.</summary>
    internal void JumpTo(ulong counter) => Counter = counter;

    private void Begin(Span<byte> nonce)
    {
        if (Counter > Last)
        {
            throw new ChannelException(ChannelError.Exhausted, "every counter of this direction is used");
        }

        if (Counter != 0 && Counter % _interval == 0)
        {
            Rekey();
        }

        Aead.WriteNonce(nonce, Counter);
    }

    private void Rekey()
    {
        Span<byte> nonce = stackalloc byte[Aead.NonceBytes];
        Span<byte> tag = stackalloc byte[Aead.TagBytes];
        Aead.WriteNonce(nonce, ulong.MaxValue);
        ReadOnlySpan<byte> zeros = stackalloc byte[Aead.KeyBytes];
        _aes.Encrypt(nonce, zeros, _key, tag);
        _aes.Dispose();
        _aes = new AesGcm(_key, Aead.TagBytes);
    }
}
