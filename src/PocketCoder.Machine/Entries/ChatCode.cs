using System.Security.Cryptography;

namespace PocketCoder.Machine.Entries;

/// <summary>
/// A code that a person types into a chat: 8 characters, 40 bits, shown as <c>7KQ2-M9XD</c>. Letters that look like digits are missing,
/// and taken for those when they are typed. Pure.
/// </summary>
internal static class ChatCode
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Length = 8;

    /// <summary>The longest text that is looked at.</summary>
    private const int MostTyped = 64;

    public static string Make() => RandomNumberGenerator.GetString(Alphabet, Length);

    public static string Show(string code) => $"{code[..4]}-{code[4..]}";

    /// <summary>The code that somebody typed; null: it can't be one.</summary>
    public static string? Read(string? typed)
    {
        if (typed is not { Length: <= MostTyped })
        {
            return null;
        }

        var code = string.Concat(typed.Where(c => c is not (' ' or '-')).Select(char.ToUpperInvariant))
            .Replace('O', '0').Replace('I', '1').Replace('L', '1');
        return code.Length == Length && code.All(c => Alphabet.Contains(c, StringComparison.Ordinal)) ? code : null;
    }
}
