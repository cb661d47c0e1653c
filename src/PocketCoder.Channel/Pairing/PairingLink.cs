using System.Buffers;
using System.Buffers.Text;

namespace PocketCoder.Channels;

/// <summary>
/// What the QR code says: base64url without padding over version (1 byte, 0x01), machine's static key (65), offer id (8), secret (16);
/// 120 characters, in the fragment of the app's address (<c>#pair=</c>), which browsers send to no server.
/// The secret is in it: never log one.
/// </summary>
public sealed class PairingLink
{
    private const byte Version = 1;
    private const int Bytes = 1 + P256.PublicKeyBytes + PairingOffers.OfferIdBytes + PairingOffers.SecretBytes;
    private const int Characters = Bytes / 3 * 4; // 90 bytes: no padding and no stray bits, so one link has one spelling
    private const string Fragment = "pair=";

    private static readonly SearchValues<char> s_alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly byte[] _bytes;

    internal PairingLink(ReadOnlySpan<byte> machinePublicKey, ReadOnlySpan<byte> offerId, ReadOnlySpan<byte> secret)
        : this([Version, .. machinePublicKey, .. offerId, .. secret])
    {
    }

    private PairingLink(byte[] bytes)
    {
        _bytes = bytes;
        MachineId = P256.Id(MachinePublicKey);
    }

    /// <summary>The machine's static key, 65 bytes, on the curve.</summary>
    public ReadOnlySpan<byte> MachinePublicKey => _bytes.AsSpan(1, P256.PublicKeyBytes);

    /// <summary>The machine's id.</summary>
    public string MachineId { get; }

    /// <summary>8 bytes.</summary>
    public ReadOnlySpan<byte> OfferId => _bytes.AsSpan(1 + P256.PublicKeyBytes, PairingOffers.OfferIdBytes);

    /// <summary>16 bytes.</summary>
    public ReadOnlySpan<byte> Secret => _bytes.AsSpan(Bytes - PairingOffers.SecretBytes);

    /// <summary>Reads a link from its payload alone.</summary>
    /// <exception cref="ChannelException"><see cref="ChannelError.LinkMalformed"/>, <see cref="ChannelError.LinkVersion"/> or
    /// <see cref="ChannelError.BadKey"/>.</exception>
    public static PairingLink ParsePayload(ReadOnlySpan<char> payload)
    {
        if (payload.IsEmpty || payload.ContainsAnyExcept(s_alphabet))
        {
            throw new ChannelException(ChannelError.LinkMalformed, "a pairing link is base64url without padding");
        }

        if (payload.Length != Characters)
        {
            // Another version may have another length; its first byte shows in the first two characters.
            var foreign = payload.Length >= 4 && Base64Url.DecodeFromChars(payload[..4])[0] != Version;
            throw foreign ? OtherVersion()
                : new ChannelException(ChannelError.LinkMalformed, "a pairing link has the wrong length; it was probably cut");
        }

        var bytes = Base64Url.DecodeFromChars(payload);
        if (bytes[0] != Version)
        {
            throw OtherVersion();
        }

        return P256.IsPublicKey(bytes.AsSpan(1, P256.PublicKeyBytes))
            ? new PairingLink(bytes)
            : throw new ChannelException(ChannelError.BadKey, "the machine key in the pairing link is not a key");
    }

    /// <summary>Reads a link from an address with the fragment <c>#pair=payload</c>, and nothing else in the fragment.</summary>
    /// <exception cref="ChannelException">As <see cref="ParsePayload"/>.</exception>
    public static PairingLink ParseUrl(string url)
    {
        var hash = url.IndexOf('#', StringComparison.Ordinal);
        return hash >= 0 && url.AsSpan(hash + 1).StartsWith(Fragment, StringComparison.Ordinal)
            ? ParsePayload(url.AsSpan(hash + 1 + Fragment.Length))
            : throw new ChannelException(ChannelError.LinkMalformed, "the address has no #pair= part");
    }

    /// <summary>The 120 characters. Not <see cref="object.ToString"/>, so that no log shows them by accident.</summary>
    public string ToPayload() => Base64Url.EncodeToString(_bytes);

    /// <summary>The link in the fragment of the app's address, replacing what fragment it has.</summary>
    public string ToUrl(Uri app) => $"{app.GetLeftPart(UriPartial.Query)}#{Fragment}{ToPayload()}";

    private static ChannelException OtherVersion()
        => new(ChannelError.LinkVersion, "the pairing link is of another version; update the older of app and machine");
}
