using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Channels.Tests;

public sealed class IdentityFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pocketcoder-identity-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "state", "identity.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_identity_is_made_once_and_loaded_ever_after()
    {
        using var made = ChannelIdentity.LoadOrCreate(Path);
        using var again = ChannelIdentity.LoadOrCreate(Path);
        using var loaded = ChannelIdentity.Load(Path);
        Assert.Equal(made.Id, again.Id);
        Assert.Equal(made.PublicKey, loaded.PublicKey);
        Assert.Equal(made.SigningPublicKey, loaded.SigningPublicKey);
        Assert.NotEqual(made.PublicKey.ToArray(), made.SigningPublicKey.ToArray());
        Assert.True(Signatures.Verify(made.SigningPublicKey, loaded.Sign("d", "x"), "d", "x"));
        Assert.Equal([Path], Directory.GetFileSystemEntries(System.IO.Path.GetDirectoryName(Path)!)); // and no temporary file
    }

    [Fact]
    public void Two_that_create_at_once_get_the_same_identity()
    {
        var ids = new string[8];
        Parallel.For(0, ids.Length, index =>
        {
            using var identity = ChannelIdentity.LoadOrCreate(Path);
            ids[index] = identity.Id;
        });
        Assert.Single(ids.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void The_file_is_for_its_owner_alone()
    {
        ChannelIdentity.LoadOrCreate(Path).Dispose();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    [UnsupportedOSPlatform("windows")]
    public void A_file_that_others_can_reach_is_refused_and_the_error_says_the_chmod(UnixFileMode extra)
    {
        ChannelIdentity.LoadOrCreate(Path).Dispose();
        File.SetUnixFileMode(Path, File.GetUnixFileMode(Path) | extra);
        var error = Assert.Throws<ChannelException>(() => ChannelIdentity.LoadOrCreate(Path));
        Assert.Equal(ChannelError.IdentityExposed, error.Error);
        Assert.Contains($"chmod 600 '{Path}'", error.Message, StringComparison.Ordinal);

        File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        ChannelIdentity.LoadOrCreate(Path).Dispose();
    }

    [Fact]
    public void A_missing_file_is_an_error_for_load()
        => ChannelTestExtensions.Fails(ChannelError.IdentityMissing, () => ChannelIdentity.Load(Path));

    [Fact]
    public void A_place_that_cannot_hold_a_file_is_an_error_that_says_so()
    {
        File.WriteAllText(System.IO.Path.Combine(_folder, "state"), "a file, not a folder");
        ChannelTestExtensions.Fails(ChannelError.IdentityUnavailable, () => ChannelIdentity.LoadOrCreate(Path));
        ChannelTestExtensions.Fails(ChannelError.IdentityUnavailable, () => ChannelIdentity.Load(_folder));
    }

    public static TheoryData<string> Damaged()
    {
        using var p384 = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP384);
        var key = Convert.ToBase64String(TestKeys.AgreementPkcs8("x"));
        using var agreement = TestKeys.Agreement("x");
        var pub = Convert.ToBase64String(agreement.PublicKey);
        using var device = TestKeys.Device();
        var otherPub = Convert.ToBase64String(device.PublicKey);
        var otherKey = Convert.ToBase64String(TestKeys.AgreementPkcs8("device static"));

        // One key's scalar with another key's point: what an import may take at its word.
        byte[] tornBytes = [.. TestKeys.AgreementPkcs8("x")[..^P256.PublicKeyBytes], .. device.PublicKey];
        var torn = Convert.ToBase64String(tornBytes);
        var foreign = Convert.ToBase64String(p384.ExportPkcs8PrivateKey());
        return
        [
            "",
            "null",
            "[]",
            "{}",
            "{",
            new string(' ', 20_000),
            File(version: 2),
            File(kind: "other"),
            $$"""{"v":1,"kind":"pocketcoder-identity","channel":"{{key}}"}""",
            File().Replace($"\"{key}\"", "null", StringComparison.Ordinal),
            File(signing: "!"),
            File(channel: key[..40]),
            File(channel: foreign),
            File(signing: foreign),
            File(channel: otherKey),
            File(signing: otherKey),
            File(channelPublic: otherPub),
            File(signingPublic: otherPub),
            File(signingPublic: ""),
            File(channel: torn, channelPublic: otherPub),
            File(signing: torn, signingPublic: otherPub),
        ];

        string File(int version = 1, string kind = "pocketcoder-identity", string? channel = null, string? channelPublic = null,
            string? signing = null, string? signingPublic = null)
            => $$"""{"v":{{version}},"kind":"{{kind}}","channel":"{{channel ?? key}}","channelPublic":"{{channelPublic ?? pub}}","signing":"{{signing ?? key}}","signingPublic":"{{signingPublic ?? pub}}"}""";
    }

    [Fact]
    public void The_file_that_the_damaged_ones_are_made_from_is_a_good_one()
    {
        using var agreement = TestKeys.Agreement("x");
        var key = Convert.ToBase64String(TestKeys.AgreementPkcs8("x"));
        var pub = Convert.ToBase64String(agreement.PublicKey);
        Write(Encoding.UTF8.GetBytes(
            $$"""{"v":1,"kind":"pocketcoder-identity","channel":"{{key}}","channelPublic":"{{pub}}","signing":"{{key}}","signingPublic":"{{pub}}"}"""));
        ChannelIdentity.Load(Path).Dispose();
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void A_damaged_file_is_refused_kept_and_not_quoted(string text)
    {
        Write(Encoding.UTF8.GetBytes(text));
        var error = Assert.Throws<ChannelException>(() => ChannelIdentity.LoadOrCreate(Path));
        Assert.Equal(ChannelError.IdentityMalformed, error.Error);
        Assert.DoesNotContain(Convert.ToBase64String(TestKeys.AgreementPkcs8("x"))[..20], error.ToString(), StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(Path));
    }

    [Fact]
    public void A_file_with_random_damage_either_loads_the_same_keys_or_fails_typed()
    {
        using var identity = ChannelIdentity.LoadOrCreate(Path);
        var good = File.ReadAllBytes(Path);
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var bytes = good.ToArray();
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            Write(round % 3 == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            try
            {
                using var loaded = ChannelIdentity.Load(Path);
                Assert.True(identity.PublicKey.SequenceEqual(loaded.PublicKey)
                    && identity.SigningPublicKey.SequenceEqual(loaded.SigningPublicKey));
            }
            catch (Exception e)
            {
                Assert.True(e is ChannelException { Error: ChannelError.IdentityMalformed }, $"seed {seed}: {e}");
            }
        }
    }

    private void Write(byte[] bytes)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        File.WriteAllBytes(Path, bytes);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
