using System.Globalization;

namespace PocketCoder.Channels;

/// <summary>
/// The first 48 bits of a machine's id as three words that can be said (proquints: Daniel S. Wilkerson, arXiv:0901.4016): five letters for
/// 16 bits, consonants and vowels by turns, so <c>lusab-babad-gutih</c>. For comparing by eye and ear when a device is paired;
/// docs/channel.md says what that is worth. Pure.
/// </summary>
public static class MachineWords
{
    private const string Consonants = "bdfghjklmnprstvz";
    private const string Vowels = "aiou";
    private const int Words = 3;
    private const int DigitsAWord = 4;

    /// <param name="machineId">32 lower-case hexadecimal digits.</param>
    /// <exception cref="ArgumentException">It is no such id.</exception>
    public static string Of(string machineId)
    {
        ArgumentNullException.ThrowIfNull(machineId);
        if (machineId.Length != 32 || !machineId.All(char.IsAsciiHexDigitLower))
        {
            throw new ArgumentException("A machine's id is 32 lower-case hexadecimal digits.", nameof(machineId));
        }

        return string.Join('-', Enumerable.Range(0, Words).Select(at => Word(ushort.Parse(
            machineId.AsSpan(at * DigitsAWord, DigitsAWord), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))));
    }

    private static string Word(ushort bits) => new(
    [
        Consonants[bits >> 12], Vowels[(bits >> 10) & 3], Consonants[(bits >> 6) & 15], Vowels[(bits >> 4) & 3], Consonants[bits & 15],
    ]);
}
