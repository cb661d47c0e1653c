using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using PocketCoder.Testing;

namespace PocketCoder.Push.Tests;

/// <summary>The examples of RFC 8291 §5 and RFC 8292 §2.4, and messages that another program opens (app/tests/push.test.ts).</summary>
public sealed class VectorTests
{
    private const string Device = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    private const string DevicePrivate = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    private const string Sender = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
    private const string SenderPrivate = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    private const string Auth = "BTBZMqHH6r4Tts7J_aSIgg";
    private const string Salt = "DGv6ra1nlYgDCS1FRnbzlw";

    [Fact]
    public void The_example_of_RFC_8291_is_sealed_to_the_same_bytes()
    {
        var plain = "When I grow up, I want to be a watermelon"u8;
        Assert.Equal(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4M"
            + "qgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
            Base64Url.EncodeToString(Sealed(plain, plain.Length + 1)));
    }

    [Fact]
    public void What_another_program_opens_is_what_is_sealed_here()
    {
        string[] texts = ["", "a", new string('x', 1_023), new string('x', 1_024), "{\"what\":\"日本 🎈\"}", new string('y', PushSealing.MostBytes)];
        var vectors = texts.Select(t => new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["text"] = t,
            ["private"] = DevicePrivate,
            ["public"] = Device,
            ["auth"] = Auth,
            ["body"] = Base64Url.EncodeToString(Sealed(Encoding.UTF8.GetBytes(t), PushSealing.Padded(Encoding.UTF8.GetByteCount(t)))),
        });
        var written = JsonSerializer.Serialize(vectors, Indented) + "\n";
        var path = Repository.PathOf("tests/vectors/push.json");
        if (Environment.GetEnvironmentVariable("POCKETCODER_WRITE_CONTRACTS") == "1")
        {
            File.WriteAllText(path, written);
        }

        Assert.Equal(File.ReadAllText(path), written);
    }

    [Fact]
    public void A_message_has_one_of_three_lengths_and_the_longest_fits_a_push_service()
    {
        var lengths = Enumerable.Range(0, PushSealing.MostBytes + 1).Select(PushSealing.Padded).Distinct().ToList();
        Assert.Equal([1_024, 2_048, 3_072], lengths);
        Assert.True(Sealed(new byte[PushSealing.MostBytes], lengths[^1]).Length <= 4_096);
        Assert.Throws<ArgumentException>(() => Sealed(new byte[PushSealing.MostBytes + 1], 4_000));
    }

    [Fact]
    public void The_example_of_RFC_8292_has_the_text_that_is_signed_here_and_a_key_that_is_read_here()
    {
        const string Token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0";
        const string Signature = "i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA";
        const string Key = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
        Assert.Equal(Token,
            PushKey.TokenText("https://push.example.net", DateTimeOffset.FromUnixTimeSeconds(1453523768), "mailto:push@example.com"));
        Assert.True(Verifies(Key, Token, Signature));
        Assert.False(Verifies(Key, Token[..^1], Signature));
    }

    [Fact]
    public void The_key_signs_for_the_push_service_alone_and_is_the_same_after_a_restart()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "push.key");
        var now = new DateTimeOffset(2026, 11, 24, 0, 0, 0, TimeSpan.Zero);
        string header;
        byte[] made;
        using (var key = PushKey.LoadOrCreate(path))
        {
            (header, made) = (key.Authorization(new Uri("https://push.example.net:8443/secret/path"), now, "mailto:a@b.example"), key.PublicKey);
        }

        using var again = PushKey.LoadOrCreate(path);
        Assert.Equal(made, again.PublicKey);
        var parts = header.Split([' ', '=', '.', ','], StringSplitOptions.RemoveEmptyEntries); // vapid t A B C k K
        Assert.Equal(["vapid", "t", "k"], [parts[0], parts[1], parts[5]]);
        Assert.True(Verifies(parts[6], $"{parts[2]}.{parts[3]}", parts[4]));
        Assert.Equal(Base64Url.EncodeToString(made), parts[6]);
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[3]));
        Assert.Equal("https://push.example.net:8443", claims.RootElement.GetProperty("aud").GetString());
        Assert.Equal(now.AddHours(12).ToUnixTimeSeconds(), claims.RootElement.GetProperty("exp").GetInt64());
        Assert.DoesNotContain("secret", Encoding.UTF8.GetString(Base64Url.DecodeFromChars(parts[3])), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
            Assert.Contains("Other users can read", Assert.Throws<PushException>(() => PushKey.LoadOrCreate(path)).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a key")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")]
    public void A_damaged_key_is_refused_and_left(string content)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "push.key");
        Platform.PrivateFile.TryCreate(path, Encoding.ASCII.GetBytes(content));
        Assert.Throws<PushException>(() => PushKey.LoadOrCreate(path));
        Assert.Equal(content, File.ReadAllText(path));
    }

    private static JsonSerializerOptions Indented { get; } = new() { WriteIndented = true, NewLine = "\n" };

    private static byte[] Sealed(ReadOnlySpan<byte> plain, int length)
    {
        var to = PushSubscription.Of("https://push.example.net/x", Base64Url.DecodeFromChars(Device), Base64Url.DecodeFromChars(Auth), PushAllowed.None);
        var point = Base64Url.DecodeFromChars(Sender);
        using var once = ECDiffieHellman.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = point[1..33], Y = point[33..] },
            D = Base64Url.DecodeFromChars(SenderPrivate),
        });
        return PushSealing.Seal(to, plain, once, Base64Url.DecodeFromChars(Salt), length);
    }

    private static bool Verifies(string key, string text, string signature)
    {
        using var ecdsa = ECDsa.Create(PushKey.Parameters(Base64Url.DecodeFromChars(key)));
        return ecdsa.VerifyData(Encoding.ASCII.GetBytes(text), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pc-push-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
