using System.Text;
using System.Text.RegularExpressions;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// What matters here of the person's own <c>config.toml</c>. It is not read as TOML: a few plain lines are looked for, and what is doubtful
/// counts as the person's own way.
/// </summary>
/// <param name="Model">The model to begin with; null: Codex's own choice.</param>
/// <param name="Effort">How long it thinks; null: Codex's own choice.</param>
/// <param name="Elsewhere">Why the models are to be asked in a way of the person's own, for people; null when they are not.</param>
internal sealed partial record CodexSettings(string? Model, string? Effort, string? Elsewhere)
{
    private const int MaxBytes = 1024 * 1024;

    /// <summary>How much the model takes, prompt and answer together; null: as Codex knows it.</summary>
    public int? ContextTokens { get; init; }

    /// <summary>For a model of a provider of the owner's own, of which the person's settings say nothing.</summary>
    public static CodexSettings For(AgentProviderModel model) => new(model.Id, null, null) { ContextTokens = model.ContextTokens };

    /// <param name="home">Codex's own folder.</param>
    public static CodexSettings Read(string home)
    {
        try
        {
            var file = new FileInfo(Path.Combine(home, "config.toml"));
            return !file.Exists ? new CodexSettings(null, null, null)
                : file.Length > MaxBytes ? Unreadable
                : Parse(File.ReadAllText(file.FullName, Encoding.UTF8));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unreadable;
        }
    }

    internal static CodexSettings Parse(string text)
    {
        string? model = null, effort = null, elsewhere = null;
        var atTop = true;
        foreach (var line in text.Split('\n').Select(l => l.Trim()).Where(l => !l.StartsWith('#')))
        {
            atTop &= !line.StartsWith('[');
            if (Own().Match(line) is { Success: true } own)
            {
                elsewhere ??= own.Groups["name"].Value == "cli_auth_credentials_store" ? "its login is kept where only it looks"
                    : "its settings name a provider of their own";
            }

            if (atTop && Choice().Match(line) is { Success: true } choice)
            {
                _ = choice.Groups["name"].Value == "model" ? model = choice.Groups["value"].Value : effort = choice.Groups["value"].Value;
            }
        }

        return new CodexSettings(model, effort, elsewhere);
    }

    private static CodexSettings Unreadable { get; } = new(null, null, "its settings can't be read");

    [GeneratedRegex("""(?<name>model_provider|openai_base_url|chatgpt_base_url|cli_auth_credentials_store)["']?\s*=(?!\s*["'](openai|file)["'])""",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Own();

    [GeneratedRegex("""\A(?<name>model|model_reasoning_effort)\s*=\s*(?<quote>["'])(?<value>[A-Za-z0-9._:/\-]{1,100})\k<quote>\s*(#.*)?\z""",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Choice();
}
