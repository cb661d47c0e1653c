using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using PocketCoder.Gateway.Hosting.Accounts.Services;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>What is an id token here, and what is a key.</summary>
public sealed class IdTokenTests : IDisposable
{
    private const string Issuer = "https://id.example", Client = "client", Nonce = "nonce";
    private readonly RSA _rsa = RSA.Create(2048);
    private readonly ECDsa _ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ManualTime _time = new();

    public void Dispose()
    {
        _rsa.Dispose();
        _ec.Dispose();
    }

    [Fact]
    public async Task Tokens_are_taken_with_RS256_and_with_ES256()
    {
        Assert.Null(await ProblemAsync(Token("RS256"), Rsa()));
        Assert.Null(await ProblemAsync(Token("ES256"), Ec()));
        Assert.NotNull(await ProblemAsync(Token("RS256"), Ec()));
        Assert.NotNull(await ProblemAsync(Token("ES256"), Rsa()));
    }

    [Theory]
    [InlineData(-61, true)]
    [InlineData(-59, false)]
    [InlineData(300, false)]
    public async Task A_token_is_good_until_a_minute_after_its_end(int seconds, bool refused)
        => Assert.Equal(refused, await ProblemAsync(Token("RS256", seconds), Rsa()) is not null);

    [Fact]
    public void Of_several_keys_the_named_one_signs_and_without_a_name_only_one_of_its_kind()
    {
        var tokens = new IdTokens(_time);
        var token = tokens.Read(Token("RS256"))!;
        var (one, two) = (Rsa(), Rsa());
        (one.Kid, two.Kid) = ("k", "other");
        Assert.Same(one, Assert.Single(IdTokens.SignersOf(token, [two, one, Ec()])));
        Assert.Empty(IdTokens.SignersOf(token, [two]));
        two.Kid = "k";
        Assert.Empty(IdTokens.SignersOf(token, [one, two])); // an issuer whose names say nothing
        var unnamed = tokens.Read(Token("RS256", kid: null))!;
        Assert.Single(IdTokens.SignersOf(unnamed, [one, Ec()]));
        Assert.Empty(IdTokens.SignersOf(unnamed, [one, two]));
    }

    [Fact]
    public void Keys_that_are_weak_or_for_something_else_are_none()
    {
        using var weak = RSA.Create(1024);
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.False(IdTokens.IsUsable(JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(weak.ExportParameters(false)))));
        Assert.False(IdTokens.IsUsable(JsonWebKeyConverter.ConvertFromECDsaSecurityKey(new ECDsaSecurityKey(curve))));
        Assert.False(IdTokens.IsUsable(new JsonWebKey { Kty = "oct", K = "AAAA", Alg = "HS256" }));
        var other = Rsa();
        Assert.True(IdTokens.IsUsable(other));
        other.Alg = "PS256";
        Assert.False(IdTokens.IsUsable(other));
    }

    /// <summary>Whatever a service sends is looked at or refused, in bounded time, and nothing that was changed is taken.</summary>
    [Fact]
    public async Task Whatever_was_changed_in_a_token_is_refused_without_a_fault()
    {
        var random = new Random(11);
        var whole = Token("ES256");
        var key = Ec();
        Assert.Null(await ProblemAsync(whole, key)); // else what follows would show nothing
        for (var i = 0; i < 3000; i++)
        {
            var text = new StringBuilder(whole);
            for (var n = random.Next(1, 4); n > 0; n--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text[at] = (char)random.Next(1, 0x250); break;
                    case 1: text.Remove(at, Math.Min(text.Length - at - 1, random.Next(1, 20))); break;
                    default: text.Insert(at, ".=AA\0\u202e"[random.Next(6)]); break;
                }
            }

            var changed = text.ToString();
            // The last character of a signature has bits that decide nothing, and some readers take padding.
            if (Bytes(changed) != Bytes(whole))
            {
                Assert.NotNull(await ProblemAsync(changed, key));
            }
        }

        foreach (var odd in (string?[])[null, "", ".", "..", "...", new string('a', 40_000), "e30.e30.", "e30.e30.e30", "W10.W10.AA", "bnVsbA.bnVsbA.AA"])
        {
            Assert.NotNull(await ProblemAsync(odd, key));
        }

        static string Bytes(string text)
        {
            try
            {
                return string.Join('.', text.Split('.').Select(p => Convert.ToHexString(Base64Url.DecodeFromChars(p))));
            }
            catch (FormatException)
            {
                return text;
            }
        }
    }

    private async Task<string?> ProblemAsync(string? text, JsonWebKey key)
    {
        var tokens = new IdTokens(_time);
        return tokens.Read(text) is not { } token ? "no token" : IdTokens.SignersOf(token, [key]) is not { Count: 1 } signers ? "no key"
            : await tokens.ProblemAsync(token, signers, Issuer, Client, Nonce);
    }

    private JsonWebKey Rsa()
    {
        var key = JsonWebKeyConverter.ConvertFromRSASecurityKey(new RsaSecurityKey(_rsa.ExportParameters(false)));
        key.Kid = "k";
        return key;
    }

    private JsonWebKey Ec()
    {
        // As it is published: one that is converted goes on with the object that it was made of.
        var point = _ec.ExportParameters(false).Q;
        return new JsonWebKey(new JsonObject
        {
            ["kty"] = "EC",
            ["crv"] = "P-256",
            ["kid"] = "k",
            ["x"] = Base64Url.EncodeToString(point.X),
            ["y"] = Base64Url.EncodeToString(point.Y),
        }.ToJsonString());
    }

    private string Token(string algorithm, int seconds = 300, string? kid = "k")
    {
        var header = new JsonObject { ["alg"] = algorithm };
        if (kid is not null)
        {
            header["kid"] = kid;
        }

        var claims = new JsonObject
        {
            ["iss"] = Issuer,
            ["aud"] = Client,
            ["sub"] = "s",
            ["nonce"] = Nonce,
            ["exp"] = _time.GetUtcNow().ToUnixTimeSeconds() + seconds,
        };
        var text = $"{Part(header)}.{Part(claims)}";
        return algorithm == "RS256" ? ServicePeer.Signed(text, _rsa)
            : $"{text}.{Base64Url.EncodeToString(_ec.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256))}";

        static string Part(JsonObject json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }
}
