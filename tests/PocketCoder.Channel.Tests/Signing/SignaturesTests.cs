using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;

namespace PocketCoder.Channels.Tests;

public sealed class SignaturesTests
{
    [Fact]
    public void A_signature_verifies_for_its_text_and_key_and_nothing_else()
    {
        using var device = TestKeys.Device();
        using var other = TestKeys.Machine();
        var signature = device.Sign("pocketcoder-decision-v1", "a", "b");
        Assert.Equal(64, signature.Length);
        Assert.True(Signatures.Verify(device.SigningPublicKey, signature, "pocketcoder-decision-v1", "a", "b"));
        Assert.False(Signatures.Verify(other.SigningPublicKey, signature, "pocketcoder-decision-v1", "a", "b"));
        Assert.False(Signatures.Verify(device.PublicKey, signature, "pocketcoder-decision-v1", "a", "b"));
        Assert.False(Signatures.Verify(device.SigningPublicKey, signature, "pocketcoder-decision-v2", "a", "b"));
        Assert.False(Signatures.Verify(device.SigningPublicKey, signature, "pocketcoder-decision-v1", "a", "c"));
        Assert.False(Signatures.Verify(device.SigningPublicKey, signature, "pocketcoder-decision-v1", "ab"));
        for (var index = 0; index < signature.Length; index++)
        {
            var altered = signature.ToArray();
            altered[index] ^= 1;
            Assert.False(Signatures.Verify(device.SigningPublicKey, altered, "pocketcoder-decision-v1", "a", "b"));
        }
    }

    [Fact]
    public void Of_the_two_signatures_that_would_verify_only_the_one_with_the_lower_s_is_made_and_taken()
    {
        var order = BigInteger.Parse(
            "0ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        using var device = TestKeys.Device();
        using var key = ECDsa.Create(P256.Parameters(device.SigningPublicKey));
        for (var round = 0; round < 100; round++)
        {
            var fields = new[] { round.ToString(CultureInfo.InvariantCulture) };
            var signature = device.Sign("d", fields);
            var s = new BigInteger(signature.AsSpan(32), isUnsigned: true, isBigEndian: true);
            Assert.True(s <= order / 2);
            var other = (order - s).ToByteArray(isUnsigned: true, isBigEndian: true);
            byte[] high = [.. signature[..32], .. new byte[32 - other.Length], .. other];
            Assert.True(key.VerifyData(
                Signatures.Text("d", fields), high, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
            Assert.True(Signatures.Verify(device.SigningPublicKey, signature, "d", fields));
            Assert.False(Signatures.Verify(device.SigningPublicKey, high, "d", fields));
        }
    }

    [Fact]
    public void Fields_cannot_be_moved_over_their_borders()
    {
        ChannelTestExtensions.Fails(ChannelError.FieldInvalid, () => Signatures.Text("d", "a\nb"));
        Assert.NotEqual(Signatures.Text("d", "a", "b"), Signatures.Text("d", "ab"));
        Assert.NotEqual(Signatures.Text("d", "", "a"), Signatures.Text("d", "a", ""));
        Assert.NotEqual(Signatures.Text("d", ""), Signatures.Text("d", "", ""));
    }

    [Fact]
    public void Text_that_is_not_unicode_is_refused_rather_than_replaced()
        => ChannelTestExtensions.Fails(ChannelError.FieldInvalid, () => Signatures.Text("d", "\ud800"));

    [Fact]
    public void Verification_of_rubbish_is_false_and_never_an_exception()
    {
        var random = new Random(1);
        using var device = TestKeys.Device();
        for (var round = 0; round < 200; round++)
        {
            var signature = new byte[random.Next(4) == 0 ? random.Next(100) : 64];
            random.NextBytes(signature);
            Assert.False(Signatures.Verify(device.SigningPublicKey, signature, "d", "x"));
        }

        Assert.False(Signatures.Verify([], new byte[64], "d", "x"));
        Assert.False(Signatures.Verify(new byte[65], new byte[64], "d", "x"));
        Assert.False(Signatures.Verify(device.SigningPublicKey, new byte[64], "d", "x"));
        Assert.False(Signatures.Verify(device.SigningPublicKey, device.Sign("d", "x"), "d", "x\n"));
        Assert.False(Signatures.Verify(device.SigningPublicKey, device.Sign("d", "x"), ""));
    }
}
