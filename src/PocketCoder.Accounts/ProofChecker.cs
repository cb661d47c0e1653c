using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Accounts;

/// <summary>
/// Checks that a request was signed by a key, for this gateway, lately, and once. "Lately" is told by a nonce of ours, not by the browser's
/// clock: nobody can sign ahead for later. Thread-safe; memory is bounded.
/// </summary>
internal sealed class ProofChecker(TimeProvider time)
{
    public const string Domain = "pocketcoder-account-proof-v1";

    private const int NonceBytes = 16;
    private const int OnceBytes = 16;
    private const int KeyBytes = 65;
    private const int SignatureBytes = 64;

    /// <summary>Uses of one key while a nonce is the newest.</summary>
    public const int MostOfKey = 600;

    /// <summary>Uses of all keys while a nonce is the newest; of keys that are not known yet a part.</summary>
    private const int MostUses = 100_000, MostOfNewKeys = 20_000;

    /// <summary>How long a nonce is the newest. It is taken for as long again.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new(); // guards the two
    private Uses _newest = new(time.GetTimestamp());
    private Uses? _before;

    /// <summary>What the next proof has to name.</summary>
    public string Nonce
    {
        get
        {
            lock (_gate)
            {
                Turn();
                return _newest.Nonce;
            }
        }
    }

    /// <summary>Whether the text is a key that can prove something: a point of P-256, uncompressed, in base64url.</summary>
    public static bool IsKey(string? key)
    {
        using var verifier = Open(key);
        return verifier is not null;
    }

    /// <summary>Refuses what does not prove the key.</summary>
    /// <param name="token">What the request is authorised by; null: nothing but what is in its body.</param>
    /// <param name="isNew">The key is not one that signed in before.</param>
    /// <exception cref="AccountRefusal"><see cref="AccountError.BadProof"/>, <see cref="AccountError.StaleProof"/> or
    /// <see cref="AccountError.TooFast"/>.</exception>
    public void Require(Proof proof, string key, string? token, bool isNew)
    {
        if (proof.Text is not { Length: <= 200 } text || text.Split('.') is not [var nonce, var once, var signed]
            || Secrets.Decode(nonce, NonceBytes) is null || Secrets.Decode(once, OnceBytes) is null
            || Secrets.Decode(signed, SignatureBytes) is not { } signature)
        {
            throw new AccountRefusal(AccountError.BadProof, "The request brings no proof of its key.");
        }

        lock (_gate)
        {
            Turn();
            if (nonce != _newest.Nonce && nonce != _before?.Nonce)
            {
                throw new AccountRefusal(AccountError.StaleProof, "The proof was made for another time.");
            }
        }

        using (var verifier = Open(key))
        {
            if (verifier?.VerifyData(
                Encoding.UTF8.GetBytes(TextOf(proof, nonce, once, token)), signature, HashAlgorithmName.SHA256,
                DSASignatureFormat.IeeeP1363FixedFieldConcatenation) is not true)
            {
                throw new AccountRefusal(AccountError.BadProof, "The proof is not this key's, or was made for another request.");
            }
        }

        lock (_gate)
        {
            // Only what is proved is remembered: strangers fill nothing.
            var uses = nonce == _newest.Nonce ? _newest : nonce == _before?.Nonce ? _before : null;
            if (uses is null)
            {
                throw new AccountRefusal(AccountError.StaleProof, "The proof was made for another time.");
            }

            uses.Add(key, once, isNew);
        }
    }

    /// <summary>What is signed: the domain and the fields, each in a line of its own.</summary>
    internal static string TextOf(Proof proof, string nonce, string once, string? token)
        => string.Join('\n', Domain, proof.Origin, proof.Method, proof.Path, nonce, once,
            token is null ? "" : Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(token))),
            Base64Url.EncodeToString(SHA256.HashData(proof.Body.Span)));

    private static ECDsa? Open(string? key)
    {
        if (key is null || Secrets.Decode(key, KeyBytes) is not { } bytes || bytes[0] != 4)
        {
            return null;
        }

        try
        {
            var point = new ECPoint { X = bytes[1..33], Y = bytes[33..] };
            return ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point });
        }
        catch (CryptographicException)
        {
            return null; // no point of the curve
        }
    }

    private void Turn()
    {
        var age = time.GetElapsedTime(_newest.Since);
        if (age >= Period)
        {
            _before = age < 2 * Period ? _newest : null;
            _newest = new Uses(time.GetTimestamp());
        }
        else if (_before is not null && time.GetElapsedTime(_before.Since) >= 2 * Period)
        {
            _before = null;
        }
    }

    private sealed class Uses(long since)
    {
        private readonly HashSet<(string Key, string Once)> _seen = [];
        private readonly Dictionary<string, int> _ofKey = new(StringComparer.Ordinal);
        private int _ofNewKeys;

        public string Nonce { get; } = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(NonceBytes));

        public long Since { get; } = since;

        public void Add(string key, string once, bool isNew)
        {
            if (_seen.Contains((key, once)))
            {
                throw new AccountRefusal(AccountError.BadProof, "The proof was used before.");
            }

            var count = _ofKey.GetValueOrDefault(key);
            if (count >= MostOfKey || _seen.Count >= MostUses || (isNew && _ofNewKeys >= MostOfNewKeys))
            {
                throw new AccountRefusal(AccountError.TooFast, "Too many requests in a short time.", Period);
            }

            _seen.Add((key, once));
            _ofKey[key] = count + 1;
            _ofNewKeys += isNew ? 1 : 0;
        }
    }
}
