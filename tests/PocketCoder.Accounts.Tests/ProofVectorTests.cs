using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using PocketCoder.Testing;

namespace PocketCoder.Accounts.Tests;

/// <summary>
/// This side against tests/vectors/account-proof.json, whose signatures a browser's cryptography made. The app's side reads the same file
/// (app/src/lib/accounts/vectors.test.ts).
/// </summary>
public sealed class ProofVectorTests
{
    private static readonly JsonNode s_vectors =
        JsonNode.Parse(File.ReadAllText(Repository.PathOf("tests/vectors/account-proof.json")))!;

    [Fact]
    public void What_is_signed_is_what_the_app_signs()
    {
        var key = (string)s_vectors["key"]!;
        Assert.True(ProofChecker.IsKey(key));
        var point = Base64Url.DecodeFromChars(key);
        using var verifier = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = point[1..33], Y = point[33..] },
        });
        var cases = s_vectors["cases"]!.AsArray();
        Assert.Equal(3, cases.Count);
        Assert.All(cases, one =>
        {
            string Of(string field) => (string)one![field]!;
            var proof = new Proof(Of("origin"), "POST", Of("path"), Encoding.UTF8.GetBytes(Of("body")), null, "caller");
            var text = ProofChecker.TextOf(proof, Of("nonce"), Of("once"), (string?)one!["token"]);
            Assert.Equal(Of("text"), text);
            Assert.True(verifier.VerifyData(
                Encoding.UTF8.GetBytes(text), Base64Url.DecodeFromChars(Of("signature")), HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        });
    }
}
