namespace PocketCoder.Risks.Shell;

/// <summary>
/// Tells <c>$(( 1 + 2 ))</c> from <c>$( (a; b) )</c> by where the first two brackets close, without trying both readings: trying would cost
/// twice as much for each level inside.
/// </summary>
internal static class ArithmeticScan
{
    /// <param name="start">Index of the first of the two opening brackets.</param>
    public static bool ClosesAsArithmetic(string text, int start)
    {
        var open = 0;
        for (var i = start; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '\\':
                    i++;
                    break;
                case '\'' or '"':
                    i = text.IndexOf(text[i], i + 1);
                    if (i < 0)
                    {
                        return false;
                    }

                    break;
                case '(':
                    open++;
                    break;
                case ')':
                    open--;
                    if (open == 1 && i + 1 < text.Length && text[i + 1] == ')')
                    {
                        return true;
                    }

                    if (open <= 1)
                    {
                        return false; // the inner bracket closes alone: a subshell
                    }

                    break;
            }
        }

        return false;
    }
}
