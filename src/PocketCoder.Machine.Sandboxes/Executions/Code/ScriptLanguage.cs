namespace PocketCoder.Machine.Executions.Code;

internal enum Language
{
    /// <summary>Read by a shell of the Bourne family: what it calls can be looked at.</summary>
    Shell,

    /// <summary>Any other program text.</summary>
    Other,
}

/// <summary>What reads a script, by its first line, else by its name; without either a shell does.</summary>
internal static class ScriptLanguage
{
    private static readonly HashSet<string> s_others = new(StringComparer.OrdinalIgnoreCase)
    {
        ".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".jsx", ".tsx", ".rb", ".pl", ".pm", ".php", ".lua", ".tcl", ".r", ".jl",
        ".hs", ".scala", ".groovy", ".kts", ".java", ".jar",
        ".csx", ".fsx", ".ps1", ".fish", ".awk", ".sed", ".el", ".lisp", ".clj", ".ex", ".exs", ".erl", ".swift", ".go", ".rs", ".dart",
        ".sql", ".nu",
    };

    public static Language Of(string path, string text)
    {
        if (!text.StartsWith("#!", StringComparison.Ordinal))
        {
            return s_others.Contains(Path.GetExtension(path)) ? Language.Other : Language.Shell;
        }

        var end = text.IndexOf('\n', StringComparison.Ordinal);
        var words = text[2..(end < 0 ? text.Length : end)].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
        var names = words.Select(Path.GetFileName)
            .SkipWhile(n => n is "env" || n!.StartsWith('-') || n.Contains('=', StringComparison.Ordinal));
        return names.FirstOrDefault() is "sh" or "bash" or "dash" or "zsh" or "ksh" or "ash" or "mksh" ? Language.Shell : Language.Other;
    }
}
