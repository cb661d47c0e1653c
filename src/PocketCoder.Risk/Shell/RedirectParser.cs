using System.Text;

namespace PocketCoder.Risks.Shell;

/// <summary>Parses redirections and here-documents (bash manual §3.6).</summary>
internal sealed class RedirectParser(Cursor cursor, WordParser words, Action blank, Func<string, int, List<Part>> parseHereText)
{
    // Longest first.
    private static readonly (string Sign, RedirectKind Kind, bool Output)[] s_redirections =
    [
        ("<<<", RedirectKind.HereString, false), ("<<-", RedirectKind.HereDocument, false), ("<<", RedirectKind.HereDocument, false),
        ("<>", RedirectKind.ReadWrite, true), ("<&", RedirectKind.Duplicate, false), ("<", RedirectKind.Read, false),
        (">>", RedirectKind.Write, true), (">&", RedirectKind.Duplicate, true), (">|", RedirectKind.Write, true),
        (">", RedirectKind.Write, true),
    ];

    public Redirect? TryParse()
    {
        var start = cursor.Here;
        var redirect = Read();
        if (redirect is not null)
        {
            cursor.Mark(start, MarkKind.Redirect);
        }

        return redirect;
    }

    private Redirect? Read()
    {
        var digits = 0;
        while (char.IsAsciiDigit(cursor.At(digits)))
        {
            digits++;
        }

        if (cursor.At(0) == '&' && cursor.At(1) == '>')
        {
            cursor.Expect("&>");
            cursor.Take(">");
            return new Redirect(RedirectKind.Write, Target());
        }

        if (cursor.At(digits) is not ('<' or '>') || (digits == 0 && cursor.At(1) == '('))
        {
            return null;
        }

        if (digits > 3)
        {
            throw new ShellSyntaxException("a descriptor out of range");
        }

        int? descriptor = digits == 0 ? null : 0;
        for (; digits > 0; digits--)
        {
            descriptor = (descriptor * 10) + (cursor.Next() - '0');
        }

        foreach (var (sign, kind, output) in s_redirections)
        {
            if (!cursor.Take(sign))
            {
                continue;
            }

            if (kind == RedirectKind.HereDocument)
            {
                return HereDocument(strip: sign == "<<-") with { Descriptor = descriptor };
            }

            var target = Target();
            if (kind == RedirectKind.Duplicate)
            {
                return target.Parts is [Bare { Text: var number }] && (number == "-" || number.TrimEnd('-').All(char.IsAsciiDigit))
                    ? new Redirect(kind, target, output, descriptor)
                    : output && descriptor is null
                        ? new Redirect(RedirectKind.Write, target, output, descriptor) // >& file
                        : throw new ShellSyntaxException("a computed descriptor");
            }

            return new Redirect(kind, target, output, descriptor);
        }

        throw new ShellSyntaxException("an unknown form of redirection");
    }

    private Word Target()
    {
        blank();
        return words.Parse();
    }

    private Redirect HereDocument(bool strip)
    {
        blank();
        var word = words.Parse();
        var quoted = false;
        var delimiter = new StringBuilder();
        foreach (var part in word.Parts)
        {
            switch (part)
            {
                case Bare bare:
                    delimiter.Append(bare.Text);
                    break;
                case Quoted text:
                    quoted = true;
                    delimiter.Append(text.Text);
                    break;
                case DoubleQuoted { Parts: [] }:
                    quoted = true;
                    break;
                case DoubleQuoted { Parts: [Quoted text] }:
                    quoted = true;
                    delimiter.Append(text.Text);
                    break;
                default:
                    throw new ShellSyntaxException("a here-document with an unusual delimiter");
            }
        }

        if (delimiter.ToString().AsSpan().ContainsAny('$', '\n'))
        {
            throw new ShellSyntaxException("a here-document with an unusual delimiter");
        }

        var document = new HereDocument(delimiter.ToString(), quoted, strip);
        cursor.Pending.Add(document);
        return new Redirect(RedirectKind.HereDocument, new Word(document.Body));
    }

    public void ReadBody(HereDocument document)
    {
        var text = new StringBuilder();
        var start = cursor.Position;
        while (true)
        {
            if (cursor.Position >= cursor.Text.Length)
            {
                throw new ShellSyntaxException("a here-document doesn't end");
            }

            var end = cursor.Text.IndexOf('\n', cursor.Position);
            var line = end < 0 ? cursor.Text[cursor.Position..] : cursor.Text[cursor.Position..end];
            cursor.Position = end < 0 ? cursor.Text.Length : end + 1;
            if (document.StripsTabs)
            {
                line = line.TrimStart('\t');
            }

            if (line == document.Delimiter)
            {
                break;
            }

            if (!document.IsQuoted && line.EndsWith('\\'))
            {
                throw new ShellSyntaxException("a here-document with joined lines");
            }

            text.Append(line).Append('\n');
        }

        cursor.Mark(start, MarkKind.Text);
        if (document.IsQuoted)
        {
            document.Body.Add(new Quoted(text.ToString()));
            return;
        }

        document.Body.AddRange(parseHereText(text.ToString(), cursor.Depth));
    }
}
