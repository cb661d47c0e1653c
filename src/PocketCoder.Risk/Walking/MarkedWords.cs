using PocketCoder.Protocol;
using PocketCoder.Risks.Marks;
using PocketCoder.Risks.Paths;

namespace PocketCoder.Risks.Walking;

/// <summary>Finds the words that the consequences are about: the path that is deleted, the host that is reached.</summary>
internal static class MarkedWords
{
    public static void Paint(SourceMarks marks, IReadOnlyList<Consequence> consequences, PlaceFinder places)
    {
        var subjects = new Dictionary<string, MarkKind>(StringComparer.Ordinal);
        foreach (var consequence in consequences)
        {
            if (consequence.Subject.Length > 0 && KindOf(consequence.Kind) is { } kind
                && (!subjects.TryGetValue(consequence.Subject, out var known) || known < kind))
            {
                subjects[consequence.Subject] = kind;
            }
        }

        var hosts = consequences.Where(c => c.Kind == ConsequenceKind.ReachesHost && c.Subject.Length > 0).Select(c => c.Subject).ToList();
        foreach (var word in marks.Words)
        {
            if (Worst(word, subjects, hosts, places) is { } kind)
            {
                marks.Paint(word.Start, word.End, kind);
            }
        }
    }

    private static MarkKind? Worst(ReadWord word, Dictionary<string, MarkKind> subjects, List<string> hosts, PlaceFinder places)
    {
        var quoted = $"'{word.Text}'"; // the remote 'origin'
        MarkKind? worst = hosts.Any(host => Names(word.Text, host) || host.Contains(quoted, StringComparison.Ordinal))
            ? MarkKind.Host : null;
        foreach (var name in NamesIn(word, places))
        {
            if (subjects.TryGetValue(name, out var kind) && (worst is null || worst < kind))
            {
                worst = kind;
            }
        }

        return worst;
    }

    /// <summary>What a consequence may call this word: as it is, as a place, and both for the value of an option.</summary>
    private static IEnumerable<string> NamesIn(ReadWord word, PlaceFinder places)
    {
        yield return word.Text;
        var value = word.Text.IndexOf('=', StringComparison.Ordinal) + 1;
        string[] texts = value > 0 && value < word.Text.Length ? [word.Text, word.Text[value..]] : [word.Text];
        foreach (var text in texts)
        {
            if (value > 0)
            {
                yield return text;
            }

            foreach (var folder in word.Folders ?? [])
            {
                if (text.Length is > 0 and <= 4096 && !text.Contains('\0', StringComparison.Ordinal))
                {
                    yield return places.Find(folder, text).Shown;
                }
            }
        }
    }

    /// <summary>Whether the host stands in the text as a whole: between other signs, not in the middle of another name.</summary>
    private static bool Names(string text, string host)
    {
        for (var at = text.IndexOf(host, StringComparison.OrdinalIgnoreCase); at >= 0;
            at = text.IndexOf(host, at + 1, StringComparison.OrdinalIgnoreCase))
        {
            var end = at + host.Length;
            if ((at == 0 || !OfName(text[at - 1])) && (end == text.Length || !OfName(text[end])))
            {
                return true;
            }
        }

        return false;
    }

    private static bool OfName(char c) => char.IsLetterOrDigit(c) || c is '-' or '.' or '_';

    private static MarkKind? KindOf(ConsequenceKind kind) => kind switch
    {
        ConsequenceKind.ReadsPath => MarkKind.Reads,
        ConsequenceKind.ReadsSecret => MarkKind.Secret,
        ConsequenceKind.WritesPath or ConsequenceKind.ChangesRights => MarkKind.Writes,
        ConsequenceKind.RunsCode or ConsequenceKind.RunsLater or ConsequenceKind.ChangesMeaning => MarkKind.Runs,
        ConsequenceKind.DeletesPath => MarkKind.Deletes,
        ConsequenceKind.ReachesHost => MarkKind.Host,
        ConsequenceKind.Unknown => MarkKind.Unclear,
        _ => null,
    };
}
