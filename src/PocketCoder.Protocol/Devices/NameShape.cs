using System.Globalization;
using System.Text;

namespace PocketCoder.Protocol;

/// <summary>
/// How a name looks (after UTS #39 §4). Covered: case, accents, spaces, the Cyrillic, Greek and Armenian letters that are drawn as Latin
/// ones, <c>0</c>/<c>O</c>, <c>1</c>/<c>l</c>/<c>I</c> and <c>rn</c>/<c>m</c>. Refused instead: other forms of letters (full width,
/// mathematical, …) and words that mix those scripts. Not covered: look-alikes within other scripts. Pure.
/// </summary>
public static class NameShape
{
    /// <summary>Latin letter (or sign) → what is drawn like it.</summary>
    private static readonly Dictionary<char, string> s_drawnAs = new()
    {
        ['A'] = "\u0410\u0391",
        ['B'] = "\u0412\u0392",
        ['C'] = "\u0421",
        ['E'] = "\u0415\u0395",
        ['H'] = "\u041d\u0397",
        ['I'] = "\u0406\u0399",
        ['J'] = "\u0408",
        ['K'] = "\u041a\u039a",
        ['M'] = "\u041c\u039c",
        ['N'] = "\u039d",
        ['O'] = "\u041e\u039f\u0555",
        ['P'] = "\u0420\u03a1",
        ['Q'] = "\u051a",
        ['S'] = "\u0405\u054f",
        ['T'] = "\u0422\u03a4",
        ['U'] = "\u054d",
        ['V'] = "\u0474",
        ['W'] = "\u051c",
        ['X'] = "\u0425\u03a7\u00d7",
        ['Y'] = "\u0423\u04ae\u03a5",
        ['Z'] = "\u0396",
        ['a'] = "\u0430\u03b1",
        ['b'] = "\u0432\u03b2",
        ['c'] = "\u0441\u03f2",
        ['d'] = "\u0501\u0111\u00f0",
        ['e'] = "\u0435\u03b5",
        ['g'] = "\u050d\u0581",
        ['h'] = "\u04bb\u043d\u0570\u0127",
        ['i'] = "\u0456\u03b9\u0131",
        ['j'] = "\u0458\u03f3\u0575",
        ['k'] = "\u043a\u03ba",
        ['l'] = "\u04c0\u04cf\u0142|1",
        ['m'] = "\u043c",
        ['n'] = "\u03b7\u0578\u057c",
        ['o'] = "\u043e\u03bf\u0585\u00f80",
        ['p'] = "\u0440\u03c1",
        ['q'] = "\u051b\u0566",
        ['r'] = "\u0433",
        ['s'] = "\u0455",
        ['t'] = "\u0442\u03c4\u0167",
        ['u'] = "\u03c5\u057d",
        ['v'] = "\u0475\u03bd",
        ['w'] = "\u051d\u03c9",
        ['x'] = "\u0445\u03c7",
        ['y'] = "\u0443\u04af\u03b3",
        ['3'] = "\u0417\u0437\u0292",
        ['-'] = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
        ['\''] = "\u2019\u2018`\u00b4\u02bc",
    };

    // .NET decomposes nothing without ICU, which this program goes without; these are the letters under the accents (Unicode 15, NFKD).

    /// <summary>Of U+00C0 to U+024F, in their order; a question mark: none.</summary>
    private const string LatinBases =
        "AAAAAA?CEEEEIIIIDNOOOOO?OUUUUY??aaaaaa?ceeeeiiiidnooooo?ouuuuy?yAaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGg"
        + "HhHhIiIiIiIiIiIiJjKkkLlLlLlLlLlNnNnNnn??OoOoOo??RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzsb???????"
        + "???????????????I????????Oo?????????????Uu????Zz?????????l???DDdLLlNNnAaIiOoUuUuUuUuUu?AaAa????GgKkOo"
        + "Oo??jDDdGg??NnAa????AaAaEeEeIiIiOoOoRrRrUuUuSsTt??Hh??????AaEeOoOoOoOoYy???j????????????????????????";

    /// <summary>Of U+1E00 to U+1EFF.</summary>
    private const string MoreLatinBases =
        "AaBbBbBbCcDdDdDdDdDdEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMmMmMmNnNnNnNnOoOoOoOoPpPpRrRrRrRrSsSs"
        + "SsSsSsTtTtTtTtUuUuUuUuUuVvVvWwWwWwWwWwXxXxYyZzZzZzhtwyas????AaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEeEeEeEeEe"
        + "IiIiOoOoOoOoOoOoOoOoOoOoOoOoUuUuUuUuUuUuUuYyYyYyYy??????";

    /// <summary>Greek and Cyrillic letters with an accent, each before the one without.</summary>
    private const string OtherBases =
        "\u0386\u0391\u0388\u0395\u0389\u0397\u038a\u0399\u038c\u039f\u038e\u03a5\u038f\u03a9\u0390\u03b9\u03aa\u0399\u03ab\u03a5"
        + "\u03ac\u03b1\u03ad\u03b5\u03ae\u03b7\u03af\u03b9\u03b0\u03c5\u03ca\u03b9\u03cb\u03c5\u03cc\u03bf\u03cd\u03c5\u03ce\u03c9"
        + "\u0400\u0415\u0401\u0415\u0403\u0413\u0407\u0406\u040c\u041a\u040d\u0418\u040e\u0423\u0419\u0418\u0439\u0438\u0450\u0435"
        + "\u0451\u0435\u0453\u0433\u0457\u0456\u045c\u043a\u045d\u0438\u045e\u0443\u0476\u0474\u0477\u0475\u04c1\u0416\u04c2\u0436"
        + "\u04d0\u0410\u04d1\u0430\u04d2\u0410\u04d3\u0430\u04d6\u0415\u04d7\u0435\u04da\u04d8\u04db\u04d9\u04dc\u0416\u04dd\u0436"
        + "\u04de\u0417\u04df\u0437\u04e2\u0418\u04e3\u0438\u04e4\u0418\u04e5\u0438\u04e6\u041e\u04e7\u043e\u04ea\u04e8\u04eb\u04e9"
        + "\u04ec\u042d\u04ed\u044d\u04ee\u0423\u04ef\u0443\u04f0\u0423\u04f1\u0443\u04f2\u0423\u04f3\u0443\u04f4\u0427\u04f5\u0447"
        + "\u04f8\u042b\u04f9\u044b";

    private static readonly Dictionary<char, char> s_bases = Enumerable.Range(0, OtherBases.Length / 2)
        .ToDictionary(i => OtherBases[2 * i], i => OtherBases[(2 * i) + 1]);

    private static readonly Dictionary<char, char> s_alike = s_drawnAs.SelectMany(d => d.Value.Select(c => (c, d.Key)))
        .ToDictionary(p => p.c, p => p.Key);

    /// <summary>
    /// Whether each character is seen, and as itself: no control, format (zero-width, direction), private or unassigned character, no lone
    /// surrogate, no filler, no other form of a letter, no space but single ordinary ones, no mark without its letter.
    /// </summary>
    public static bool IsPlain(string text)
    {
        var before = UnicodeCategory.SpaceSeparator;
        for (var at = 0; at < text.Length; at++)
        {
            if (!Rune.TryGetRuneAt(text, at, out var rune))
            {
                return false;
            }

            var category = Rune.GetUnicodeCategory(rune);
            var isMark = category is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.EnclosingMark;
            if (category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse
                or UnicodeCategory.OtherNotAssigned
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
                || IsBlank(rune.Value) || IsVariant(rune.Value)
                || (category == UnicodeCategory.SpaceSeparator && (rune.Value != ' ' || before == UnicodeCategory.SpaceSeparator))
                || (isMark && before is UnicodeCategory.SpaceSeparator or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark))
            {
                return false;
            }

            before = category;
            at += rune.Utf16SequenceLength - 1;
        }

        return !MixesScripts(text);
    }

    /// <summary>Whether a person could take one for the other.</summary>
    public static bool LookAlike(string one, string other) => Fold(one) == Fold(other) || Skeleton(one) == Skeleton(other);

    /// <summary>The same text for names that are drawn alike; for comparing only.</summary>
    public static string Skeleton(string name)
    {
        var text = new StringBuilder();
        foreach (var given in name)
        {
            var c = Base(given);
            var category = CharUnicodeInfo.GetUnicodeCategory(c);
            if (category is not (UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
                or UnicodeCategory.SpaceSeparator or UnicodeCategory.Control))
            {
                text.Append(s_alike.GetValueOrDefault(c, c));
            }
        }

        return Fold(text.ToString()).Replace('i', 'l').Replace("m", "rn", StringComparison.Ordinal)
            .Replace("w", "vv", StringComparison.Ordinal);
    }

    private static char Base(char c)
    {
        var found = c switch
        {
            >= '\u00c0' and <= '\u024f' => LatinBases[c - '\u00c0'],
            >= '\u1e00' and <= '\u1eff' => MoreLatinBases[c - '\u1e00'],
            _ => s_bases.GetValueOrDefault(c, c),
        };
        return found == '?' ? c : found;
    }

    /// <summary>Without case.</summary>
    private static string Fold(string text) => text.ToUpperInvariant().ToLowerInvariant().Replace("\u00df", "ss", StringComparison.Ordinal);

    /// <summary>
    /// Letters and digits that are only another form of ordinary ones (full width, mathematical, enclosed, raised, ligatures), and scripts
    /// whose letters are Latin ones to the eye.
    /// </summary>
    private static bool IsVariant(int value) => value is (>= 0x0250 and <= 0x02FF) or (>= 0x13A0 and <= 0x13FF) or (>= 0x1D00 and <= 0x1DFF)
        or (>= 0x1F00 and <= 0x1FFF) or (>= 0x2070 and <= 0x209F) or (>= 0x2100 and <= 0x218F) or (>= 0x2460 and <= 0x24FF)
        or (>= 0x2C60 and <= 0x2C7F) or (>= 0x3200 and <= 0x33FF) or (>= 0xA4D0 and <= 0xA4FF) or (>= 0xA640 and <= 0xA69F)
        or (>= 0xA720 and <= 0xA7FF) or (>= 0xAB30 and <= 0xABBF) or (>= 0xF900 and <= 0xFB4F) or (>= 0xFE50 and <= 0xFFEF)
        or (>= 0x10280 and <= 0x1047F) or (>= 0x1D400 and <= 0x1D7FF) or (>= 0x1F100 and <= 0x1F1FF);

    /// <summary>Drawn as nothing, though not of a category that says so.</summary>
    private static bool IsBlank(int value)
        => value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x2800 or 0x3164 or 0xFFA0 or 0xFFFC or 0xFFFD
        or (>= 0x180B and <= 0x180F) or (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0000 and <= 0xE0FFF);

    /// <summary>Letters of Latin, Greek, Cyrillic or Armenian beside letters of another of them in one word.</summary>
    private static bool MixesScripts(string text)
    {
        foreach (var word in text.Split(' '))
        {
            var scripts = word.Where(char.IsLetter).Select(Script).Where(s => s != 0).Distinct().Count();
            if (scripts > 1)
            {
                return true;
            }
        }

        return false;
    }

    private static int Script(char c) => c switch
    {
        (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '\u00C0' and <= '\u024F') or (>= '\u1E00' and <= '\u1EFF') => 1,
        (>= '\u0370' and <= '\u03FF') or (>= '\u1F00' and <= '\u1FFF') => 2,
        >= '\u0400' and <= '\u052F' => 3,
        >= '\u0530' and <= '\u058F' => 4,
        _ => 0,
    };
}
