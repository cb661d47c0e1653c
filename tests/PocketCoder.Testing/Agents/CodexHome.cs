namespace PocketCoder.Testing.Agents;

/// <summary>A fresh home and project for one test, and the environment that leads Codex to a scripted model. Deleted at the end.</summary>
public sealed class CodexHome : IDisposable
{
    public const string Key = "sk-scripted-9876543210";

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pocketcoder-codex-");

    /// <param name="model">A slug Codex knows: it decides which tools it offers.</param>
    public CodexHome(string program, string modelAddress, string model = "gpt-5.5", string projectName = "project")
    {
        Home = _root.CreateSubdirectory("home").FullName;
        Project = _root.CreateSubdirectory(projectName).FullName;
        ConfigDirectory = Directory.CreateDirectory(Path.Combine(Home, ".codex")).FullName;
        File.WriteAllText(SettingsFile, $"""
            model = "{model}"
            model_provider = "scripted"
            [model_providers.scripted]
            name = "Scripted"
            base_url = "{modelAddress}/v1"
            wire_api = "responses"
            env_key = "OPENAI_API_KEY"
            request_max_retries = 1
            stream_max_retries = 1
            supports_websockets = false

            """);
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin",
            ["HOME"] = Home,
            ["LANG"] = "C.UTF-8",
            ["CODEX_HOME"] = ConfigDirectory,
            ["OPENAI_API_KEY"] = Key,
            ["POCKETCODER_CODEX"] = program,
        };
    }

    public string Home { get; }

    public string ConfigDirectory { get; }

    public string SettingsFile => Path.Combine(ConfigDirectory, "config.toml");

    /// <summary>An empty folder that is no git repository.</summary>
    public string Project { get; }

    /// <summary>What the daemon's environment would be.</summary>
    public Dictionary<string, string> Environment { get; }

    public string InProject(string path) => Path.Combine(Project, path);

    public void Dispose() => _root.Delete(recursive: true);
}
