namespace PocketCoder.Testing.Claude;

/// <summary>
/// A fresh home and project for one test, and the environment that leads Claude Code to a scripted model. Deleted at the end.
/// </summary>
public sealed class ClaudeHome : IDisposable
{
    public const string Key = "sk-scripted-0123456789";

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pocketcoder-claude-");

    public ClaudeHome(string program, string modelAddress)
    {
        Home = _root.CreateSubdirectory("home").FullName;
        Project = _root.CreateSubdirectory("project").FullName;
        ConfigDirectory = Path.Combine(Home, ".claude");
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin",
            ["HOME"] = Home,
            ["LANG"] = "C.UTF-8",
            ["CLAUDE_CONFIG_DIR"] = ConfigDirectory,
            ["ANTHROPIC_BASE_URL"] = modelAddress,
            ["ANTHROPIC_API_KEY"] = Key,
            ["POCKETCODER_CLAUDE"] = program,
        };
    }

    public string Home { get; }

    public string ConfigDirectory { get; }

    /// <summary>An empty folder that is no git repository.</summary>
    public string Project { get; }

    /// <summary>What the daemon's environment would be.</summary>
    public Dictionary<string, string> Environment { get; }

    public string InProject(string path) => Path.Combine(Project, path);

    public void Dispose() => _root.Delete(recursive: true);
}
