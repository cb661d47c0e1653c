namespace PocketCoder.Testing.Agents;

/// <summary>
/// A fresh home and project for one test, and the environment that leads Gemini CLI to a scripted model. Deleted at the end.
/// </summary>
public sealed class GeminiHome : IDisposable
{
    public const string Key = "sk-scripted-gemini-000";

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pocketcoder-gemini-");

    public GeminiHome(string program, string modelAddress)
    {
        Home = _root.CreateSubdirectory("home").FullName;
        Project = _root.CreateSubdirectory("project").FullName;
        var settings = Directory.CreateDirectory(Path.Combine(Home, ".gemini")).FullName;
        File.WriteAllText(
            Path.Combine(settings, "settings.json"),
            """{"security":{"auth":{"selectedType":"gemini-api-key"}},"general":{"disableAutoUpdate":true},"privacy":{"usageStatisticsEnabled":false},"model":{"name":"gemini-2.5-flash"}}""");
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin",
            ["HOME"] = Home,
            ["LANG"] = "C.UTF-8",
            ["GEMINI_API_KEY"] = Key,
            ["GOOGLE_GEMINI_BASE_URL"] = modelAddress,
            ["POCKETCODER_GEMINI"] = program,
        };
    }

    public string Home { get; }

    /// <summary>An empty folder that is no git repository.</summary>
    public string Project { get; }

    /// <summary>What the daemon's environment would be.</summary>
    public Dictionary<string, string> Environment { get; }

    public string InProject(string path) => Path.Combine(Project, path);

    public void Dispose() => _root.Delete(recursive: true);
}
