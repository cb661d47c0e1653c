using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Channels.Noise;

/// <summary>
/// SymmetricState and its CipherState of the Noise specification (revision 34, sections 5.1 and 5.2) for AESGCM and SHA256.
/// Not thread-safe. <see cref="Dispose"/> wipes the keys.
/// </summary>
internal sealed class SymmetricState : IDisposable
{
    private readonly byte[] _chainingKey = new byte[32];
    private readonly byte[] _hash = new byte[32];
    private readonly byte[] _key = new byte[32];
    private bool _hasKey;
    private ulong _nonce;

    public SymmetricState(string protocolName)
    {
        var name = Encoding.ASCII.GetBytes(protocolName);
        if (name.Length <= _hash.Length)
        {
            name.CopyTo(_hash, 0);
        }
        else
        {
            SHA256.HashData(name, _hash);
        }

        _hash.CopyTo(_chainingKey, 0);
    }

    public ReadOnlySpan<byte> Hash => _hash;

    public void MixHash(ReadOnlySpan<byte> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(_hash);
        hash.AppendData(data);
        hash.GetHashAndReset(_hash);
    }

    public void MixKey(ReadOnlySpan<byte> input)
    {
        Span<byte> outputs = stackalloc byte[64];
        Hkdf(input, outputs);
        outputs[..32].CopyTo(_chainingKey);
        SetKey(outputs[32..]);
        CryptographicOperations.ZeroMemory(outputs);
    }

    public void MixKeyAndHash(ReadOnlySpan<byte> input)
    {
        Span<byte> outputs = stackalloc byte[96];
        Hkdf(input, outputs);
        outputs[..32].CopyTo(_chainingKey);
        MixHash(outputs[32..64]);
        SetKey(outputs[64..]);
        CryptographicOperations.ZeroMemory(outputs);
    }

    /// <summary>
    /// Encrypts under the running key, or copies when there is none yet; <paramref name="output"/> is 16 bytes longer with a key.
    /// </summary>
    public void EncryptAndHash(ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        if (_hasKey)
        {
            using var aes = new AesGcm(_key, Aead.TagBytes);
            Span<byte> nonce = stackalloc byte[Aead.NonceBytes];
            Aead.WriteNonce(nonce, _nonce++);
            aes.Encrypt(nonce, plaintext, output[..plaintext.Length], output[plaintext.Length..], _hash);
        }
        else
        {
            plaintext.CopyTo(output);
        }

        MixHash(output);
    }

    /// <summary>The inverse of <see cref="EncryptAndHash"/>.</summary>
    /// <exception cref="ChannelException"><see cref="ChannelError.HandshakeFailed"/>: the tag is wrong. The state is useless
    /// afterwards.</exception>
    public void DecryptAndHash(ReadOnlySpan<byte> ciphertext, Span<byte> plaintext)
    {
        if (_hasKey)
        {
            using var aes = new AesGcm(_key, Aead.TagBytes);
            Span<byte> nonce = stackalloc byte[Aead.NonceBytes];
            Aead.WriteNonce(nonce, _nonce++);
            try
            {
                aes.Decrypt(nonce, ciphertext[..plaintext.Length], ciphertext[plaintext.Length..], plaintext, _hash);
            }
            catch (AuthenticationTagMismatchException e)
            {
                throw new ChannelException(ChannelError.HandshakeFailed, "a handshake message cannot be decrypted", e);
            }
        }
        else
        {
            ciphertext.CopyTo(plaintext);
        }

        MixHash(ciphertext);
    }

    /// <summary>The two transport keys: initiator to responder, responder to initiator.</summary>
    public (byte[] ToResponder, byte[] ToInitiator) Split()
    {
        Span<byte> outputs = stackalloc byte[64];
        Hkdf(default, outputs);
        var keys = (outputs[..32].ToArray(), outputs[32..].ToArray());
        CryptographicOperations.ZeroMemory(outputs);
        return keys;
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_chainingKey);
        CryptographicOperations.ZeroMemory(_key);
        _hasKey = false;
    }

    /// <summary>
    /// HKDF of section 4.3, by HMAC. Not <see cref="HKDF"/>: on OpenSSL 3 that refuses the empty input which <see cref="Split"/> must give
    /// it.
    /// </summary>
    private void Hkdf(ReadOnlySpan<byte> input, Span<byte> outputs)
    {
        Span<byte> extract = stackalloc byte[32];
        Span<byte> block = stackalloc byte[33];
        HMACSHA256.HashData(_chainingKey, input, extract);
        block[0] = 1;
        HMACSHA256.HashData(extract, block[..1], outputs);
        for (var at = 32; at < outputs.Length; at += 32)
        {
            outputs.Slice(at - 32, 32).CopyTo(block);
            block[32] = (byte)((at / 32) + 1);
            HMACSHA256.HashData(extract, block, outputs[at..]);
        }

        CryptographicOperations.ZeroMemory(extract);
        CryptographicOperations.ZeroMemory(block);
    }

    private void SetKey(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_key);
        _hasKey = true;
        _nonce = 0;
    }
}

/// <summary>AESGCM as the Noise specification uses it (section 12.4): nonce = 4 zero bytes, then the counter, big-endian.</summary>
internal static class Aead
{
    public const int KeyBytes = 32;
    public const int NonceBytes = 12;
    public const int TagBytes = 16;

    public static void WriteNonce(Span<byte> nonce, ulong counter)
    {
        nonce[..4].Clear();
        BinaryPrimitives.WriteUInt64BigEndian(nonce[4..], counter);
    }
}
