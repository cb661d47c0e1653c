using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Channels;

/// <summary>
/// Signatures over short lists of text: ECDSA P-256 with SHA-256 in IEEE P1363 form (what WebCrypto makes), over the UTF-8 of
/// the domain, a line feed, and the fields joined by line feeds. The domain says what is being signed, so that a signature for one
/// purpose never serves another. Only the form with the lower s is made and taken. ECDSA signatures are not unique all the same (each
/// signing gives another r): never use one as an id. Thread-safe.
/// </summary>
public static class Signatures
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The exact bytes that are signed.</summary>
    /// <exception cref="ChannelException">
    /// <see cref="ChannelError.FieldInvalid"/>: a line feed or a lone surrogate somewhere, an empty domain, or no field (which would
    /// be the same text as one empty field).
    /// </exception>
    public static byte[] Text(string domain, params ReadOnlySpan<string> fields)
        => TryText(domain, fields)
           ?? throw new ChannelException(
               ChannelError.FieldInvalid, "a signature needs a domain and at least one field, of well-formed text without line feeds");

    /// <summary>
    /// Checks a signature. Any input that could not have been signed is simply not valid: this never throws for bad data.
    /// </summary>
    /// <param name="signingPublicKey">65 bytes.</param>
    /// <param name="signature">64 bytes, r then s, s at most half of the curve's order.</param>
    public static bool Verify(
        ReadOnlySpan<byte> signingPublicKey, ReadOnlySpan<byte> signature, string domain, params ReadOnlySpan<string> fields)
    {
        if (signature.Length != P256.SignatureBytes || !P256.IsLowS(signature) || !P256.IsPublicKey(signingPublicKey)
            || TryText(domain, fields) is not { } text)
        {
            return false;
        }

        using var key = ECDsa.Create(P256.Parameters(signingPublicKey));
        return key.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static byte[]? TryText(string domain, ReadOnlySpan<string> fields)
    {
        if (fields.IsEmpty || string.IsNullOrEmpty(domain) || domain.Contains('\n'))
        {
            return null;
        }

        foreach (var field in fields)
        {
            if (field is null || field.Contains('\n'))
            {
                return null;
            }
        }

        try
        {
            return s_strict.GetBytes($"{domain}\n{string.Join('\n', fields)}");
        }
        catch (EncoderFallbackException)
        {
            return null;
        }
    }
}
