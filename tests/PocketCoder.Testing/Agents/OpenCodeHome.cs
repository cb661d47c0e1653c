using System.Text.Json.Nodes;

namespace PocketCoder.Testing.Agents;

/// <summary>A fresh home and project for one test, and the settings that lead OpenCode to a scripted model. Deleted at the end.</summary>
public sealed class OpenCodeHome : IDisposable
{
    public const string Key = "sk-scripted-opencode-000";

    public const string Model = "scripted/one";

    /// <summary>
    /// What OpenCode keeps for a person of the list of all models, with one of them. Without it every start would evaluate the list that is
    /// built into the program, which takes longer than the rest of the start.
    /// </summary>
    private const string KnownModels =
        """
        {"openai":{"id":"openai","npm":"@ai-sdk/openai","name":"OpenAI","env":["OPENAI_API_KEY"],"models":{"gpt-4.1":{"id":"gpt-4.1",
        "name":"GPT-4.1","attachment":true,"reasoning":false,"tool_call":true,"temperature":true,"release_date":"2025-04-14",
        "modalities":{"input":["text","image"],"output":["text"]},"open_weights":false,"cost":{"input":2,"output":8,"cache_read":0.5},
        "limit":{"context":1047576,"output":32768}}}}}
        """;

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pocketcoder-opencode-");

    public OpenCodeHome(string program, string modelAddress)
    {
        Home = _root.CreateSubdirectory("home").FullName;
        Project = _root.CreateSubdirectory("project").FullName;
        SettingsFile = Path.Combine(Directory.CreateDirectory(Path.Combine(Home, ".config", "opencode")).FullName, "opencode.json");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(Home, ".cache", "opencode")).FullName, "models.json"), KnownModels);
        var limits = new JsonObject { ["context"] = 200000, ["output"] = 32000 };
        var cost = new JsonObject { ["input"] = 3, ["output"] = 15, ["cache_read"] = 1 };
        File.WriteAllText(SettingsFile, new JsonObject
        {
            ["model"] = Model,
            ["small_model"] = Model,
            ["enabled_providers"] = new JsonArray("scripted"),
            ["provider"] = new JsonObject
            {
                ["scripted"] = new JsonObject
                {
                    ["npm"] = "@ai-sdk/openai-compatible",
                    ["name"] = "Scripted",
                    ["options"] = new JsonObject { ["baseURL"] = $"{modelAddress}/v1", ["apiKey"] = Key },
                    ["models"] = new JsonObject
                    {
                        ["one"] = new JsonObject
                        {
                            ["tool_call"] = true,
                            ["reasoning"] = true,
                            ["attachment"] = true,
                            ["modalities"] =
                            new JsonObject { ["input"] = new JsonArray("text", "image"), ["output"] = new JsonArray("text") },
                            ["limit"] = limits,
                            ["cost"] = cost
                        },
                        ["two"] = new JsonObject { ["tool_call"] = true },
                        ["gpt-5.5"] = new JsonObject { ["tool_call"] = true }, // by its name it is offered other tools
                    },
                },
            },
        }.ToJsonString());
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin",
            ["HOME"] = Home,
            ["LANG"] = "C.UTF-8",
            ["POCKETCODER_OPENCODE"] = program,
        };
    }

    public string Home { get; }

    public string SettingsFile { get; }

    /// <summary>An empty folder that is no git repository.</summary>
    public string Project { get; }

    /// <summary>What the daemon's environment would be.</summary>
    public Dictionary<string, string> Environment { get; }

    public string InProject(string path) => Path.Combine(Project, path);

    public void Dispose() => _root.Delete(recursive: true);
}
