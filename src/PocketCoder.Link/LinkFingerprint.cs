using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PocketCoder.Link;

/// <summary>
/// A machine's key in four words that can be said, for a person who compares what the machine shows with what the gateway shows. Both
/// make it of the same two texts, so another key gives other words, also with the same id.
/// </summary>
public static class LinkFingerprint
{
    private const string Domain = "pocketcoder-machine-fingerprint-v1";
    private const int Words = 4; // 64 bits: a machine with the same ones takes 2^64 tries to find
    private const string Consonants = "bdfghjklmnprstvz";
    private const string Vowels = "aiou";

    /// <summary>
    /// The first 64 bits of the SHA-256 of domain, id and key, joined by line feeds, as proquints: <c>lusab-babad-gutih-tugad</c>.
    /// </summary>
    /// <param name="signingKey">In base64url.</param>
    public static string Of(string machineId, string signingKey)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{Domain}\n{machineId}\n{signingKey}"));
        return string.Join('-', Enumerable.Range(0, Words).Select(i => Word(BinaryPrimitives.ReadUInt16BigEndian(hash.AsSpan(i * 2)))));
    }

    private static string Word(ushort bits) => new(
    [
        Consonants[bits >> 12], Vowels[(bits >> 10) & 3], Consonants[(bits >> 6) & 15], Vowels[(bits >> 4) & 3], Consonants[bits & 15],
    ]);
}
