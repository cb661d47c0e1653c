using System.Text;

namespace PocketCoder.Risks.Shell;

/// <summary>Parses <c>name=value</c>, <c>name+=value</c>, <c>name[1]=value</c> and <c>name=( … )</c> (bash manual §3.4).</summary>
internal sealed class AssignmentParser(Cursor cursor, WordParser words, Action blank)
{
    /// <summary><c>declare a=( … )</c>: an array among the arguments.</summary>
    /// <param name="word">What stands here without quotes.</param>
    public bool TryParseArray(string word, out Assignment assignment)
    {
        assignment = null!;
        return word.EndsWith('=') && cursor.At(word.Length) == '(' && TryParse(out assignment);
    }

    public bool TryParse(out Assignment assignment)
    {
        assignment = null!;
        var i = 0;
        if (!WordParser.IsNameStart(cursor.At(0)))
        {
            return false;
        }

        var name = new StringBuilder();
        for (; WordParser.IsName(cursor.At(i)); i++)
        {
            name.Append(cursor.At(i));
        }

        var subscript = cursor.At(i) == '[';
        if (subscript)
        {
            var digits = i + 1;
            while (char.IsAsciiDigit(cursor.At(digits)))
            {
                digits++;
            }

            if (cursor.At(digits) != ']' || digits == i + 1)
            {
                // A subscript is arithmetic, and arithmetic executes what stands in its variables' subscripts.
                throw new ShellSyntaxException("a computed subscript, or a bracket in a command name");
            }

            i = digits + 1;
        }

        var append = cursor.At(i) == '+' && cursor.At(i + 1) == '=';
        if (cursor.At(append ? i + 1 : i) != '=')
        {
            return false;
        }

        var start = cursor.Here;
        for (var n = 0; n <= (append ? i + 1 : i); n++)
        {
            cursor.Next();
        }

        cursor.Mark(start, MarkKind.Variable);

        if (cursor.At(0) == '(')
        {
            assignment = new Assignment(name.ToString(), null, Array(), Plain: false);
            return true;
        }

        assignment = new Assignment(
            name.ToString(), words.TryParse(assignmentValue: true) ?? new Word([]), [], Plain: !append && !subscript);
        return true;
    }

    private List<Word> Array()
    {
        cursor.Expect("(");
        var elements = new List<Word>();
        while (true)
        {
            blank();
            if (cursor.Take(")"))
            {
                return elements;
            }

            var element = words.Parse();
            if (element.Parts is [GlobMark { Mark: '[' }, ..])
            {
                throw new ShellSyntaxException("an array with subscripts");
            }

            elements.Add(element);
        }
    }
}
