namespace PocketCoder.Channels.Noise;

/// <summary>
/// A key pair of a Diffie-Hellman function in the sense of the Noise specification (revision 34, section 4.1). The product has one,
/// P-256; the seam is there so that the state machine can be checked against the published Noise vectors, which are for 25519.
/// </summary>
internal abstract class NoiseKeyPair : IDisposable
{
    /// <summary>Bytes of a shared secret: the same for P-256's x coordinate and for 25519.</summary>
    public const int SharedBytes = 32;

    /// <summary>The DH part of the protocol name.</summary>
    public abstract string FunctionName { get; }

    /// <summary>The public key as it goes over the wire.</summary>
    public abstract ReadOnlySpan<byte> PublicKey { get; }

    /// <summary>Computes the shared secret with a public key of the same function.</summary>
    /// <exception cref="ChannelException"><see cref="ChannelError.BadKey"/>: not a valid public key, or the result is zero.</exception>
    public abstract void Agree(ReadOnlySpan<byte> peerPublicKey, Span<byte> shared);

    public abstract void Dispose();
}
