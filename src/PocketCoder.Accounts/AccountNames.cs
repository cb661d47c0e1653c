using System.Buffers;
using System.Globalization;
using System.Text;

namespace PocketCoder.Accounts;

/// <summary>What people and their browsers are called.</summary>
internal static class AccountNames
{
    public const int MostCharacters = 64;
    public const int MostOfLabel = 60;

    /// <summary>No letter that looks like another one, and nothing that a terminal or a page would not show.</summary>
    private static readonly SearchValues<char> s_allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._@+-");

    /// <summary>A person's name as it is kept: in lower case. Null: it can't be one.</summary>
    public static string? Read(string? text)
    {
        var name = text?.Trim().ToLowerInvariant();
        return name is { Length: >= 1 and <= MostCharacters } && char.IsAsciiLetterOrDigit(name[0])
            && !name.AsSpan().ContainsAnyExcept(s_allowed) ? name : null;
    }

    /// <summary>What a browser says it is: what can be shown of it, at most 60 characters.</summary>
    public static string LabelOf(string? text)
    {
        var shown = new string([.. (text ?? "").Where(c => c is >= ' ' and <= '~').Take(MostOfLabel)]).Trim();
        return shown.Length > 0 ? shown : "Browser";
    }

    /// <summary>
    /// What a person calls a thing of their own: 1 to 60 UTF-16 units after trimming, in any script, without line ends and without what is
    /// not seen or turns the text around. Null: it can't be one.
    /// </summary>
    public static string? ReadOwn(string text)
    {
        var name = text.Trim();
        return name.Length is >= 1 and <= MostOfLabel && name.EnumerateRunes().All(IsSeen) ? name : null;
    }

    private static bool IsSeen(Rune rune) => rune != Rune.ReplacementChar && Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate or UnicodeCategory.OtherNotAssigned => false,
        UnicodeCategory.SpaceSeparator => rune.Value == ' ',
        _ => true,
    };
}
