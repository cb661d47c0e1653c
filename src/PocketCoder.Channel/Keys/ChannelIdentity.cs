using System.Security.Cryptography;

namespace PocketCoder.Channels;

/// <summary>
/// Who a machine or a .NET device is: a static ECDH key (the channel's identity) and an ECDSA key (decisions, ledger heads), both
/// P-256 and never used for anything else. Thread-safe. <see cref="Dispose"/> frees the keys.
/// </summary>
public sealed class ChannelIdentity : IDisposable
{
    private readonly ECDsa _signing;
    private readonly byte[] _signingPublicKey;
    private readonly Lock _use = new(); // guards _signing, see P256KeyPair

    internal ChannelIdentity(P256KeyPair agreement, ECDsa signing)
    {
        Static = agreement;
        _signing = signing;
        _signingPublicKey = P256.Encode(signing.ExportParameters(includePrivateParameters: false).Q);
        Id = P256.Id(agreement.PublicKey);
    }

    /// <summary>The id that belongs to <see cref="PublicKey"/>; see <see cref="P256.Id"/>.</summary>
    public string Id { get; }

    /// <summary>The static channel key, 65 bytes.</summary>
    public ReadOnlySpan<byte> PublicKey => Static.PublicKey;

    /// <summary>The key that checks this identity's signatures, 65 bytes.</summary>
    public ReadOnlySpan<byte> SigningPublicKey => _signingPublicKey;

    internal P256KeyPair Static { get; }

    /// <summary>Makes a new identity in memory.</summary>
    public static ChannelIdentity Create() => new(P256KeyPair.Generate(), ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads an identity file.</summary>
    /// <exception cref="ChannelException">
    /// <see cref="ChannelError.IdentityMissing"/>, <see cref="ChannelError.IdentityExposed"/> (its message says the chmod to run),
    /// <see cref="ChannelError.IdentityMalformed"/> or <see cref="ChannelError.IdentityUnavailable"/>.
    /// </exception>
    public static ChannelIdentity Load(string path) => IdentityFile.Read(path);

    /// <summary>
    /// Reads the identity file, or makes a new identity and writes it there (mode 0600, whole or not at all, durable).
    /// When two processes do this at once, both end up with the same identity.
    /// </summary>
    /// <exception cref="ChannelException">As <see cref="Load"/>. A file that exists is never replaced.</exception>
    public static ChannelIdentity LoadOrCreate(string path)
    {
        if (File.Exists(path))
        {
            return IdentityFile.Read(path);
        }

        var made = Create();
        if (IdentityFile.TryWriteNew(path, made))
        {
            return made;
        }

        made.Dispose();
        return IdentityFile.Read(path);
    }

    /// <summary>Signs with <see cref="SigningPublicKey"/>'s private key; see <see cref="Signatures"/> for what exactly.</summary>
    /// <returns>64 bytes, r then s, the lower one.</returns>
    /// <exception cref="ChannelException"><see cref="ChannelError.FieldInvalid"/>.</exception>
    public byte[] Sign(string domain, params ReadOnlySpan<string> fields)
    {
        var text = Signatures.Text(domain, fields);
        byte[] signature;
        lock (_use)
        {
            signature = _signing.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }

        P256.MakeLowS(signature);
        return signature;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Static.Dispose();
        _signing.Dispose();
    }

    /// <summary>
    /// Whether the private halves belong to the public ones. OpenSSL refuses an import where they do not; other platforms promise nothing.
    /// </summary>
    internal bool IsConsistent()
    {
        using var other = P256KeyPair.Generate();
        Span<byte> shared = stackalloc byte[P256KeyPair.SharedBytes];
        Span<byte> mirrored = stackalloc byte[P256KeyPair.SharedBytes];
        Static.Agree(other.PublicKey, shared);
        other.Agree(PublicKey, mirrored);
        return shared.SequenceEqual(mirrored)
            && Signatures.Verify(SigningPublicKey, Sign("pocketcoder-self-test", ""), "pocketcoder-self-test", "");
    }

    internal byte[] ExportSigningPkcs8() => _signing.ExportPkcs8PrivateKey();

    /// <exception cref="CryptographicException">Not PKCS#8, or not P-256.</exception>
    internal static ChannelIdentity Import(ReadOnlySpan<byte> agreementPkcs8, ReadOnlySpan<byte> signingPkcs8)
    {
        var agreement = P256KeyPair.Import(agreementPkcs8);
        var signing = ECDsa.Create();
        try
        {
            signing.ImportPkcs8PrivateKey(signingPkcs8, out var read);
            if (read != signingPkcs8.Length || !P256.IsThisCurve(signing.ExportParameters(includePrivateParameters: false)))
            {
                throw new CryptographicException("not a P-256 key");
            }

            return new ChannelIdentity(agreement, signing);
        }
        catch
        {
            agreement.Dispose();
            signing.Dispose();
            throw;
        }
    }
}
