using System.Buffers.Binary;
using System.Buffers.Text;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace PocketCoder.Testing.Accounts;

/// <summary>
/// An authenticator and the browser around it, written from the standard (W3C Web Authentication, level 3): one passkey with ES256 and
/// attestation <c>none</c>. What it says can be spoiled field by field.
/// </summary>
public sealed class SoftwareAuthenticator : IDisposable
{
    private const byte Present = 0x01, Verified = 0x04, MayBeSynced = 0x08, Attested = 0x40;

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public byte[] CredentialId { get; init; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>Whom it was made for, as it brings them back; null: it was not made yet.</summary>
    public string? UserHandle { get; set; }

    /// <summary>How often it signed. Each assertion adds one, unless it is 0.</summary>
    public uint Counter { get; set; }

    public bool IsUserVerified { get; set; } = true;

    public bool IsSynced { get; set; }

    /// <summary>The domain that it takes itself to be at; null: the one that it is asked for.</summary>
    public string? RelyingParty { get; set; }

    /// <summary>More of what the page's browser says, over what is right.</summary>
    public JsonObject ClientDataChanges { get; set; } = [];

    /// <summary>Answers <c>navigator.credentials.create</c>.</summary>
    public JsonObject Create(JsonObject options, string origin)
    {
        UserHandle = (string)options["user"]!["id"]!;
        var client = ClientData("webauthn.create", options, origin);
        var point = _key.ExportParameters(includePrivateParameters: false).Q;
        var key = new CborWriter(CborConformanceMode.Ctap2Canonical);
        key.WriteStartMap(5);
        WritePair(key, 1, 2); // an elliptic curve
        WritePair(key, 3, -7); // ES256
        WritePair(key, -1, 1); // P-256
        key.WriteInt32(-2);
        key.WriteByteString(point.X!);
        key.WriteInt32(-3);
        key.WriteByteString(point.Y!);
        key.WriteEndMap();
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)CredentialId.Length);
        byte[] data = [.. Header((string)options["rp"]!["id"]!, Attested), .. new byte[16], .. length, .. CredentialId, .. key.Encode()];
        var attestation = new CborWriter(CborConformanceMode.Ctap2Canonical);
        attestation.WriteStartMap(3);
        attestation.WriteTextString("fmt");
        attestation.WriteTextString("none");
        attestation.WriteTextString("attStmt");
        attestation.WriteStartMap(0);
        attestation.WriteEndMap();
        attestation.WriteTextString("authData");
        attestation.WriteByteString(data);
        attestation.WriteEndMap();
        return Credential(new JsonObject
        {
            ["clientDataJSON"] = Base64Url.EncodeToString(client),
            ["attestationObject"] = Base64Url.EncodeToString(attestation.Encode()),
            ["transports"] = new JsonArray("internal"),
        });
    }

    /// <summary>Answers <c>navigator.credentials.get</c>.</summary>
    public JsonObject Get(JsonObject options, string origin)
    {
        Counter += Counter == 0 ? 0u : 1u;
        var client = ClientData("webauthn.get", options, origin);
        var data = Header((string)options["rpId"]!, 0);
        var signature = _key.SignData(
            [.. data, .. SHA256.HashData(client)], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return Credential(new JsonObject
        {
            ["clientDataJSON"] = Base64Url.EncodeToString(client),
            ["authenticatorData"] = Base64Url.EncodeToString(data),
            ["signature"] = Base64Url.EncodeToString(signature),
            ["userHandle"] = UserHandle,
        });
    }

    public void Dispose() => _key.Dispose();

    private JsonObject Credential(JsonObject response) => new()
    {
        ["id"] = Base64Url.EncodeToString(CredentialId),
        ["rawId"] = Base64Url.EncodeToString(CredentialId),
        ["type"] = "public-key",
        ["authenticatorAttachment"] = "platform",
        ["clientExtensionResults"] = new JsonObject(),
        ["response"] = response,
    };

    private byte[] ClientData(string type, JsonObject options, string origin)
    {
        var data = new JsonObject
        {
            ["type"] = type,
            ["challenge"] = (string)options["challenge"]!,
            ["origin"] = origin,
            ["crossOrigin"] = false,
        };
        foreach (var (name, value) in ClientDataChanges)
        {
            data[name] = value?.DeepClone();
        }

        return Encoding.UTF8.GetBytes(data.ToJsonString());
    }

    private byte[] Header(string domain, byte more)
    {
        var counter = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(counter, Counter);
        var flags = (byte)(Present | (IsUserVerified ? Verified : 0) | (IsSynced ? MayBeSynced : 0) | more);
        return [.. SHA256.HashData(Encoding.UTF8.GetBytes(RelyingParty ?? domain)), flags, .. counter];
    }

    private static void WritePair(CborWriter writer, int name, int value)
    {
        writer.WriteInt32(name);
        writer.WriteInt32(value);
    }
}
