using System.Text.RegularExpressions;

namespace PocketCoder.Risks.Programs;

/// <summary>
/// Recognises awk programs that only print (POSIX awk; gawk manual §5, §9, §12): nothing is written to a file, no program started, nothing
/// loaded.
/// </summary>
/// <remarks>
/// Looks at the text without taking it apart: strings and patterns count too, since where one begins depends on what stands before it. That
/// errs only to the side of caution.
/// </remarks>
internal static partial class AwkScript
{
    public static bool IsHarmless(string script)
        => !Dangerous().IsMatch(script.Replace("||", "", StringComparison.Ordinal).Replace(">=", "", StringComparison.Ordinal))
            && !script.Contains("\\\n", StringComparison.Ordinal) && !script.Contains('\r', StringComparison.Ordinal);

    /// <summary>
    /// Redirections and pipes, <c>@load</c> and calls by name, and the functions and variables that lead out of the text that passes
    /// through.
    /// </summary>
    [GeneratedRegex("[|>@]|system|getline|close|fflush|ARGV|ARGC|ARGIND|PROCINFO|BINMODE|FUNCTAB|SYMTAB", RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Dangerous();
}
