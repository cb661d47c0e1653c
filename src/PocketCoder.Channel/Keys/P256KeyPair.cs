using System.Security.Cryptography;
using PocketCoder.Channels.Noise;

namespace PocketCoder.Channels;

/// <summary>A P-256 key pair for key agreement. Thread-safe.</summary>
internal sealed class P256KeyPair : NoiseKeyPair
{
    private readonly ECDiffieHellman _key;
    private readonly byte[] _publicKey;
    private readonly Lock _use = new(); // guards _key: .NET does not promise that one key object may be used by two threads

    private P256KeyPair(ECDiffieHellman key)
    {
        _key = key;
        _publicKey = P256.Encode(key.ExportParameters(includePrivateParameters: false).Q);
    }

    public override string FunctionName => "P256";

    public override ReadOnlySpan<byte> PublicKey => _publicKey;

    public static P256KeyPair Generate() => new(ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256));

    /// <exception cref="CryptographicException">Not a PKCS#8 private key, or not one of P-256.</exception>
    public static P256KeyPair Import(ReadOnlySpan<byte> pkcs8)
    {
        var key = ECDiffieHellman.Create();
        try
        {
            key.ImportPkcs8PrivateKey(pkcs8, out var read);
            if (read != pkcs8.Length || !P256.IsThisCurve(key.ExportParameters(includePrivateParameters: false)))
            {
                throw new CryptographicException("not a P-256 key");
            }

            return new P256KeyPair(key);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    public byte[] ExportPkcs8() => _key.ExportPkcs8PrivateKey();

    public override void Agree(ReadOnlySpan<byte> peerPublicKey, Span<byte> shared)
    {
        byte[] secret;
        try
        {
            using var peer = ECDiffieHellman.Create(P256.Parameters(peerPublicKey));
            using var peerKey = peer.PublicKey;
            lock (_use)
            {
                secret = _key.DeriveRawSecretAgreement(peerKey);
            }
        }
        catch (CryptographicException e)
        {
            throw new ChannelException(ChannelError.BadKey, "the key agreement failed", e);
        }

        try
        {
            // x = 0 is a coordinate of the curve, but no honest key meets it: whoever brings it about chose the public key for it.
            if (secret.Length != SharedBytes || !secret.AsSpan().ContainsAnyExcept((byte)0))
            {
                throw new ChannelException(ChannelError.BadKey, "the key agreement gave zero");
            }

            secret.CopyTo(shared);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    public override void Dispose() => _key.Dispose();
}
