using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Channels.Tests;

/// <summary>Keys that are the same in every run: the private scalar is the SHA-256 of a label.</summary>
internal static class TestKeys
{
    public static ChannelIdentity Device() => Identity("device");

    public static ChannelIdentity Machine() => Identity("machine");

    public static ChannelIdentity Identity(string name)
        => ChannelIdentity.Import(AgreementPkcs8(name + " static"), SigningPkcs8(name + " signing"));

    public static P256KeyPair Agreement(string label) => P256KeyPair.Import(AgreementPkcs8(label));

    public static byte[] AgreementPkcs8(string label) => AgreementPkcs8(Scalar(label));

    public static byte[] AgreementPkcs8(byte[] scalar)
    {
        using var key = ECDiffieHellman.Create(Parameters(scalar));
        return key.ExportPkcs8PrivateKey();
    }

    public static byte[] SigningPkcs8(string label)
    {
        using var key = ECDsa.Create(Parameters(Scalar(label)));
        return key.ExportPkcs8PrivateKey();
    }

    public static byte[] Scalar(string label) => SHA256.HashData(Encoding.UTF8.GetBytes("pocketcoder test key: " + label));

    private static ECParameters Parameters(byte[] scalar) => new() { Curve = ECCurve.NamedCurves.nistP256, D = scalar };
}
