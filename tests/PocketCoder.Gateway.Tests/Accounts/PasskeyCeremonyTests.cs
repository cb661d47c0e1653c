using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Accounts;
using PocketCoder.Gateway.Hosting.Accounts;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Gateway.Tests.Accounts;

/// <summary>What strangers send to the framework's handler: whatever it is, it is the passkey that was asked for, or nothing.</summary>
public sealed class PasskeyCeremonyTests : IDisposable
{
    private const int Tries = 3000;

    private static readonly PasskeySite s_site = new("gateway.example", "https://gateway.example");
    private readonly PasskeyCeremony _ceremony = new();
    private readonly SoftwareAuthenticator _passkey = new() { Counter = 1 };

    public void Dispose() => _passkey.Dispose();

    [Fact]
    public async Task Damaged_registrations_are_refused_and_throw_nothing()
    {
        var asked = await _ceremony.BeginRegisterAsync(s_site, new PasskeyOwner("abc", "ada", []));
        var made = _passkey.Create(Object(asked.Options), s_site.Origin);
        Assert.NotNull(await _ceremony.RegisterAsync(s_site, asked.State, made.ToJsonString()));
        var random = new Random(14);
        var refused = 0;
        for (var i = 0; i < Tries; i++)
        {
            var result = await _ceremony.RegisterAsync(s_site, asked.State, Damaged(made, "attestationObject", random));
            refused += result is null ? 1 : 0;

            // No attestation is asked for, so other bytes may be another key. It is whoever asked that gets it.
            Assert.True(result is null || result.Key.CredentialId.Length is > 0 and <= 1023);
        }

        Assert.InRange(refused, Tries / 4, Tries - 1);
    }

    [Fact]
    public async Task Damaged_assertions_sign_in_as_the_one_who_signed_or_nobody()
    {
        var asked = await _ceremony.BeginRegisterAsync(s_site, new PasskeyOwner("abc", "ada", []));
        var made = await _ceremony.RegisterAsync(s_site, asked.State, _passkey.Create(Object(asked.Options), s_site.Origin).ToJsonString());
        var question = await _ceremony.BeginSignInAsync(s_site);
        var signed = _passkey.Get(Object(question.Options), s_site.Origin);
        Assert.NotNull(await SignInAsync(signed.ToJsonString()));
        var random = new Random(41);
        var refused = 0;
        foreach (var field in (string[])["authenticatorData", "signature", "clientDataJSON", "userHandle"])
        {
            for (var i = 0; i < Tries / 4; i++)
            {
                var result = await SignInAsync(Damaged(signed, field, random));
                refused += result is null ? 1 : 0;
                Assert.True(result is null || (result.UserId == "abc" && result.Counter == 2
                    && result.CredentialId.Span.SequenceEqual(_passkey.CredentialId)));
            }
        }

        Assert.InRange(refused, Tries / 2, Tries);

        Task<PasskeyUsed?> SignInAsync(string credential)
            => _ceremony.SignInAsync(s_site, question.State, credential, id => id == "abc" ? [made!.Key] : []);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"id\":")]
    [InlineData("{\"id\":\"AAAA\",\"type\":\"public-key\",\"clientExtensionResults\":{},\"response\":{}}")]
    public async Task What_is_no_credential_is_refused(string credential)
    {
        var asked = await _ceremony.BeginRegisterAsync(s_site, new PasskeyOwner("abc", "ada", []));
        Assert.Null(await _ceremony.RegisterAsync(s_site, asked.State, credential));
        var question = await _ceremony.BeginSignInAsync(s_site);
        Assert.Null(await _ceremony.SignInAsync(s_site, question.State, credential, _ => []));
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        var asked = await _ceremony.BeginRegisterAsync(s_site, new PasskeyOwner("abc", "ada", []));
        var made = _passkey.Create(Object(asked.Options), s_site.Origin);
        foreach (var opening in (byte[])[0x81, 0xa1, 0xc0, 0x9f, 0x5f, 0xbf, 0x5b])
        {
            var spoilt = made.DeepClone().AsObject();
            spoilt["response"]!["attestationObject"] = Base64Url.EncodeToString([.. Enumerable.Repeat(opening, 5000)]);
            Assert.Null(await _ceremony.RegisterAsync(s_site, asked.State, spoilt.ToJsonString()));
        }
    }

    private static JsonObject Object(string json) => JsonNode.Parse(json)!.AsObject();

    /// <summary>The bytes of one field, or the text of the whole, with a few others in it or without its end.</summary>
    private static string Damaged(JsonObject credential, string field, Random random)
    {
        if (random.Next(4) == 0)
        {
            return Encoding.Latin1.GetString(Damaged(Encoding.Latin1.GetBytes(credential.ToJsonString()), random));
        }

        var spoilt = credential.DeepClone().AsObject();
        var bytes = Base64Url.DecodeFromChars((string)spoilt["response"]![field]!);
        spoilt["response"]![field] = Base64Url.EncodeToString(Damaged(bytes, random));
        return spoilt.ToJsonString();
    }

    private static byte[] Damaged(byte[] whole, Random random)
    {
        var bytes = whole.ToArray();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }
}
