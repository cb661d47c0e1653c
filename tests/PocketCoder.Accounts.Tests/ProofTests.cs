using System.Text;
using PocketCoder.Testing;
using PocketCoder.Testing.Accounts;

namespace PocketCoder.Accounts.Tests;

public sealed class ProofTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly ProofChecker _checker;
    private readonly BrowserKey _key = new();

    public ProofTests() => _checker = new ProofChecker(_time);

    public void Dispose() => _key.Dispose();

    private Proof Made(string? nonce = null, string? token = "token")
    {
        var body = "{}"u8.ToArray();
        return new Proof("https://a.example", "POST", "/v1/accounts/me", body,
            _key.Prove("https://a.example", "/v1/accounts/me", nonce ?? _checker.Nonce, body, token), "caller");
    }

    private AccountError Refusal(Proof proof, string? key = null, string? token = "token")
        => Refused.With(() => _checker.Require(proof, key ?? _key.Public, token, isNew: false));

    [Fact]
    public void A_proof_is_good_once_for_the_request_that_it_was_made_for()
    {
        var proof = Made();
        using var other = new BrowserKey();
        Assert.Equal(AccountError.BadProof, Refusal(proof with { Origin = "https://b.example" }));
        Assert.Equal(AccountError.BadProof, Refusal(proof with { Method = "GET" }));
        Assert.Equal(AccountError.BadProof, Refusal(proof with { Path = "/v1/accounts/ticket" }));
        Assert.Equal(AccountError.BadProof, Refusal(proof with { Body = "{ }"u8.ToArray() }));
        Assert.Equal(AccountError.BadProof, Refusal(proof with { Text = null }));
        Assert.Equal(AccountError.BadProof, Refusal(proof, token: "another"));
        Assert.Equal(AccountError.BadProof, Refusal(proof, token: null));
        Assert.Equal(AccountError.BadProof, Refusal(proof, key: other.Public));
        _checker.Require(proof, _key.Public, "token", isNew: false);
        Assert.Equal(AccountError.BadProof, Refusal(proof)); // used
    }

    [Fact]
    public void A_proof_is_made_with_a_nonce_of_the_last_two_minutes()
    {
        var (early, late) = (Made(), Made());
        var replayed = Made();
        _checker.Require(replayed, _key.Public, "token", isNew: false);
        _time.Advance(ProofChecker.Period);
        _checker.Require(early, _key.Public, "token", isNew: false);
        Assert.Equal(AccountError.BadProof, Refusal(replayed)); // remembered as long as it would be good
        _time.Advance(ProofChecker.Period);
        Assert.Equal(AccountError.StaleProof, Refusal(late));
        Assert.Equal(AccountError.StaleProof, Refusal(replayed));
        Assert.Equal(AccountError.StaleProof, Refusal(Made(nonce: new string('A', 22))));
        _checker.Require(Made(), _key.Public, "token", isNew: false);
    }

    [Fact]
    public void Nothing_else_is_a_proof_or_a_key()
    {
        var proof = Made();
        var random = new Random(11);
        for (var i = 0; i < 3000; i++)
        {
            var text = new StringBuilder(proof.Text);
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0:
                        text.Remove(at, 1);
                        break;
                    case 1:
                        text.Insert(at, (char)random.Next(1, 0x17f));
                        break;
                    default:
                        text[at] = (char)random.Next(1, 0x17f);
                        break;
                }
            }

            if (text.ToString() != proof.Text)
            {
                Assert.True(Refusal(proof with { Text = text.ToString() }) is AccountError.BadProof or AccountError.StaleProof);
            }
        }

        string?[] keys = [null, "", "AAAA", new string('A', 87), _key.Public + "A", _key.Public[1..], "B" + new string('A', 86)];
        Assert.All(keys, k => Assert.False(ProofChecker.IsKey(k)));
        Assert.True(ProofChecker.IsKey(_key.Public));
        _checker.Require(proof, _key.Public, "token", isNew: false); // none of it used it up
    }

    [Fact]
    public void One_key_can_not_fill_the_memory()
    {
        for (var i = 0; i < ProofChecker.MostOfKey; i++)
        {
            _checker.Require(Made(), _key.Public, "token", isNew: false);
        }

        Assert.Equal(AccountError.TooFast, Refusal(Made()));
        _time.Advance(ProofChecker.Period);
        _checker.Require(Made(), _key.Public, "token", isNew: false);
    }
}
