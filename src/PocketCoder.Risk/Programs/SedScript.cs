namespace PocketCoder.Risks.Programs;

/// <summary>Recognises sed scripts that only change the text that passes through (GNU sed manual §3); everything else is not harmless.</summary>
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
            if (i >= script.Length)
            {
                return false;
            }

            var command = script[i++];
            switch (command)
            {
                case '{' or '}':
                    continue;
                case 'p' or 'P' or 'd' or 'D' or 'n' or 'N' or 'g' or 'G' or 'h' or 'H' or 'x' or '=' or 'z':
                    break;
                case 'q' or 'Q' or 'l':
                    Skip(script, ref i, " 0123456789");
                    break;
                case 'b' or 't' or 'T' or ':':
                    while (i < script.Length && script[i] is not ('\n' or ';' or '}'))
                    {
                        i++;
                    }

                    continue;
                case 'a' or 'i' or 'c':
                    // Text up to the end of the line; a backslash joins the next.
                    while (i < script.Length && script[i] != '\n')
                    {
                        i += script[i] == '\\' ? 2 : 1;
                    }

                    continue;
                case 's':
                    if (!Between(script, ref i, twice: true))
                    {
                        return false;
                    }

                    Skip(script, ref i, "giIpM0123456789");
                    break;
                case 'y':
                    if (!Between(script, ref i, twice: true))
                    {
                        return false;
                    }

                    break;
                default:
                    return false; // e, w, r, W, R, F, v, and whatever comes next
            }

            Skip(script, ref i, " \t");
            if (i < script.Length && script[i] is not (';' or '\n' or '}'))
            {
                return false;
            }
        }
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
        if (i >= script.Length || script[i] is '\\' or '\n' or ' ' or ';')
        {
            return false;
        }

        var delimiter = script[i++];
        var bracket = false;
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
                if (bracket)
                {
                    return false; // inside of brackets versions of sed differ
                }

                left--;
            }
            else if (script[i] == '[' && (left == 2 || !twice))
            {
                bracket = true;
            }
            else if (script[i] == ']')
            {
                bracket = false;
            }
        }

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
