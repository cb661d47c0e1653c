namespace PocketCoder.Risks.Programs;

/// <summary>
/// Recognises sed scripts that only change the text that passes through (GNU sed manual §3). Everything else is not harmless, nor is
/// anything that versions of sed read differently: brackets around a delimiter, a label before a brace, a backslash in the text of
/// <c>a</c>, <c>i</c> and <c>c</c>.
/// </summary>
internal static class SedScript
{
    public static bool IsHarmless(string script)
    {
        var i = 0;
        while (true)
        {
            Skip(script, ref i, " \t\n;{}");
            if (i >= script.Length)
            {
                return true;
            }

            if (!Address(script, ref i))
            {
                return false;
            }

            Skip(script, ref i, " \t!");
            if (i >= script.Length || !Command(script, ref i))
            {
                return false;
            }
        }
    }

    private static bool Command(string script, ref int i)
    {
        switch (script[i++])
        {
            case '{' or '}':
                return true;
            case 'p' or 'P' or 'd' or 'D' or 'n' or 'N' or 'g' or 'G' or 'h' or 'H' or 'x' or '=' or 'z':
                return Ends(script, ref i, brace: true);
            case 'q' or 'Q' or 'l':
                Skip(script, ref i, " 0123456789");
                return Ends(script, ref i, brace: true);
            case 'b' or 't' or 'T' or ':':
                Skip(script, ref i, " \t");
                while (i < script.Length && (char.IsAsciiLetterOrDigit(script[i]) || script[i] == '_'))
                {
                    i++;
                }

                return Ends(script, ref i, brace: false);
            case 'a' or 'i' or 'c':
                return Text(script, ref i);
            case 's':
                if (!Between(script, ref i, twice: true))
                {
                    return false;
                }

                Skip(script, ref i, "giImMp0123456789");
                return Ends(script, ref i, brace: true);
            case 'y':
                return Between(script, ref i, twice: true) && Ends(script, ref i, brace: true);
            default:
                return false; // e, w, r, W, R, F, v, and whatever comes next
        }
    }

    private static bool Ends(string script, ref int i, bool brace)
    {
        Skip(script, ref i, " \t");
        return i >= script.Length || script[i] is ';' or '\n' || (brace && script[i] == '}');
    }

    /// <summary>Text up to the end of the line, in the line of the command or in the next one.</summary>
    private static bool Text(string script, ref int i)
    {
        Skip(script, ref i, " \t");
        if (i + 1 < script.Length && script[i] == '\\' && script[i + 1] == '\n')
        {
            i += 2;
        }

        for (; i < script.Length && script[i] != '\n'; i++)
        {
            if (script[i] == '\\')
            {
                return false;
            }
        }

        return true;
    }

    private static bool Address(string script, ref int i)
    {
        while (i < script.Length)
        {
            switch (script[i])
            {
                case >= '0' and <= '9' or '$' or ',' or '~' or '+' or ' ':
                    i++;
                    break;
                case '/':
                    if (!Between(script, ref i, twice: false))
                    {
                        return false;
                    }

                    Skip(script, ref i, "IM");
                    break;
                case '\\':
                    return false;
                default:
                    return true;
            }
        }

        return true;
    }

    /// <summary>Passes <c>/…/</c> or <c>/…/…/</c>, whatever the delimiter.</summary>
    private static bool Between(string script, ref int i, bool twice)
    {
        if (i >= script.Length || script[i] is '\\' or '\n' or ' ' or ';' or '[' or ']')
        {
            return false;
        }

        var delimiter = script[i++];
        for (var left = twice ? 2 : 1; left > 0; i++)
        {
            if (i >= script.Length)
            {
                return false;
            }

            if (script[i] == '\\')
            {
                i++;
            }
            else if (script[i] == delimiter)
            {
                left--;
            }
            else if (script[i] == '[' && (left == 2 || !twice) && !Bracket(script, ref i, delimiter))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Passes <c>[…]</c> up to its end, when every sed sees the same end: no delimiter and no backslash inside.</summary>
    private static bool Bracket(string script, ref int i, char delimiter)
    {
        var from = i + 1;
        from += from < script.Length && script[from] == '^' ? 1 : 0;
        var close = from + 1 < script.Length ? script.IndexOf(']', from + 1) : -1;
        if (close < 0 || script.AsSpan(i, close - i).ContainsAny(delimiter, '\\', '\n'))
        {
            return false;
        }

        i = close;
        return true;
    }

    private static void Skip(string script, ref int i, string characters)
    {
        while (i < script.Length && characters.Contains(script[i], StringComparison.Ordinal))
        {
            i++;
        }
    }
}
