namespace PocketCoder.Risks.Shell;

/// <summary>Parses <c>[[ … ]]</c> (bash manual §3.2.5.2); the cursor stands behind the opening.</summary>
internal sealed class ConditionalParser(Cursor cursor, WordParser words, Action blank)
{
    private readonly List<Word> _operands = [];
    private bool _evaluates;

    public Conditional Parse()
    {
        Or();
        blank();
        if (!AtClose())
        {
            throw new ShellSyntaxException("']]' is missing");
        }

        cursor.Expect("]]");
        return new Conditional(_operands, _evaluates);
    }

    private void Or()
    {
        do
        {
            do
            {
                Primary();
                blank();
            }
            while (cursor.Take("&&"));
        }
        while (cursor.Take("||"));
    }

    private void Primary()
    {
        using var level = cursor.Enter();
        blank();
        if (cursor.At(0) == '!' && cursor.At(1) is ' ' or '\t')
        {
            cursor.Next();
            Primary();
            return;
        }

        if (cursor.Take("("))
        {
            Or();
            cursor.Expect(")");
            return;
        }

        if (AtClose())
        {
            throw new ShellSyntaxException("a condition is missing");
        }

        var first = words.Parse();
        if (first.Parts is [Bare { Text: var unary }] && unary.Length == 2 && unary[0] == '-')
        {
            if (!"abcdefghknoprstuvwxzGLNORS".Contains(unary[1], StringComparison.Ordinal))
            {
                throw new ShellSyntaxException("an unknown form of condition");
            }

            _evaluates |= unary[1] is 'v' or 'R' or 't';
            cursorBlank();
            if (AtClose() || cursor.At(0) is '&' or '|' or ')' or '\n')
            {
                throw new ShellSyntaxException("a condition without an operand");
            }

            _operands.Add(words.Parse());
            return;
        }

        _operands.Add(first);
        cursorBlank();
        if (AtClose() || cursor.At(0) is '&' or '|' or ')' or '\n')
        {
            return;
        }

        Binary();

        void cursorBlank()
        {
            while (cursor.At(0) is ' ' or '\t')
            {
                cursor.Next();
            }
        }

        void Binary()
        {
            var regex = false;
            if (cursor.At(0) is '<' or '>')
            {
                cursor.Next();
            }
            else
            {
                var sign = words.Parse();
                var text = string.Concat(sign.Parts.Select(p => p is Bare bare ? bare.Text : "?"));
                if (text is "-eq" or "-ne" or "-lt" or "-le" or "-gt" or "-ge")
                {
                    _evaluates = true;
                }
                else if (text == "=~")
                {
                    regex = true;
                }
                else if (text is not ("=" or "==" or "!=" or "-nt" or "-ot" or "-ef"))
                {
                    throw new ShellSyntaxException("an unknown form of condition");
                }
            }

            cursorBlank();
            if (AtClose())
            {
                throw new ShellSyntaxException("a condition without an operand");
            }

            _operands.Add(regex ? words.ParseRegex() : words.Parse());
        }
    }

    private bool AtClose() => cursor.At(0) == ']' && cursor.At(1) == ']' && WordParser.EndsWord(cursor.At(2));
}
