using System.Security.Cryptography;

namespace PocketCoder.Channels.Tests;

public sealed class P256Tests
{
    [Fact]
    public void Generated_keys_are_public_keys_and_have_an_id_of_32_hex_digits()
    {
        using var pair = P256KeyPair.Generate();
        Assert.True(P256.IsPublicKey(pair.PublicKey));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(pair.PublicKey))[..32], P256.Id(pair.PublicKey));
    }

    [Fact]
    public void The_points_with_x_of_zero_are_on_the_curve()
        => Assert.True(P256.IsPublicKey([4, .. new byte[32], .. Convert.FromHexString(ZeroAgreement.RootOfB)]));

    [Fact]
    public void Both_ends_agree_on_32_bytes_also_when_the_secret_begins_with_zeros()
    {
        // One in 256 secrets begins with a zero byte; a library that drops it breaks that one connection.
        using var one = TestKeys.Agreement("one");
        var withZero = 0;
        var shared = new byte[32];
        var mirrored = new byte[32];
        for (var index = 0; withZero < 2; index++)
        {
            using var other = TestKeys.Agreement($"other {index}");
            one.Agree(other.PublicKey, shared);
            other.Agree(one.PublicKey, mirrored);
            Assert.Equal(shared, mirrored);
            withZero += shared[0] == 0 ? 1 : 0;
        }
    }

    [Fact]
    public void A_key_that_brings_the_agreement_to_zero_is_refused()
    {
        using var machine = TestKeys.Agreement("machine static");
        var hostile = ZeroAgreement.PublicKeyFor("machine static");
        Assert.True(P256.IsPublicKey(hostile));
        ChannelTestExtensions.Fails(ChannelError.BadKey, () => machine.Agree(hostile, new byte[32]));
    }

    [Fact]
    public void A_public_key_with_a_flipped_bit_is_refused()
    {
        using var pair = TestKeys.Agreement("flip");
        for (var bit = 0; bit < 8 * P256.PublicKeyBytes; bit++)
        {
            var key = pair.PublicKey.ToArray();
            key[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(P256.IsPublicKey(key), $"bit {bit}");
            ChannelTestExtensions.Fails(ChannelError.BadKey, () => pair.Agree(key, new byte[32]));
        }
    }

    [Fact]
    public void A_private_key_of_another_curve_is_not_imported()
    {
        using var other = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<CryptographicException>(() => P256KeyPair.Import(other.ExportPkcs8PrivateKey()));
        byte[] trailing = [.. TestKeys.AgreementPkcs8("x"), 0];
        Assert.Throws<CryptographicException>(() => P256KeyPair.Import(trailing));
    }
}
