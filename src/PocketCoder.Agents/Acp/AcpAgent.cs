using PocketCoder.Agents.Acp.ClaudeAgentAcp;
using PocketCoder.Agents.Acp.Gemini;

namespace PocketCoder.Agents.Acp;

/// <summary>A program that speaks the Agent Client Protocol, as data: everything that differs between such agents stands here.</summary>
/// <param name="Id">Stable short id used on the wire and in tables.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Program">Path, or name to be found in the PATH.</param>
/// <param name="Arguments">What makes it speak ACP on its pipes.</param>
public sealed record AcpAgent(string Id, string Name, string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>Variable that names the program to use instead of <see cref="Program"/>; null: none.</summary>
    public string? ProgramVariable { get; init; }

    /// <summary>
    /// Names of variables that the program gets from the daemon's environment, each with an optional trailing star: its keys, say.
    /// </summary>
    public IReadOnlyList<string> EnvironmentNames { get; init; } = [];

    /// <summary>Variables that are always set.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>
    /// Modes in which the agent asks before it acts, the default first. Other modes of the agent are never offered; when it goes into one,
    /// the session ends. Empty: the one it starts in.
    /// </summary>
    public IReadOnlyList<string> Modes { get; init; } = [];

    /// <summary>JSON object for <c>_meta</c> of <c>session/new</c> and its like; null: none.</summary>
    public string? SessionMetaJson { get; init; }

    /// <summary>
    /// Makes that object for one start, from it and the environment outside of a sandbox; null: <see cref="SessionMetaJson"/> is used.
    /// </summary>
    internal Func<AgentStart, IReadOnlyDictionary<string, string>, string>? SessionMeta { get; init; }

    /// <summary>Files of a project by which it would run programs that nobody decided on: with one of them it is not started.</summary>
    internal IReadOnlyList<string> ProgramFiles { get; init; } = [];

    /// <summary>Reads what it asks beyond the protocol; null: it asks nothing, or is refused.</summary>
    internal Func<IAcpExtension>? Extension { get; init; }

    /// <summary>
    /// Whether it may ask us to read and write files (<c>fs/*</c>): reads confined to the project, writes shown and asked.
    /// </summary>
    public bool Files { get; init; } = true;

    /// <summary>
    /// It does not tell a command's input, but its title is the exact command, and the description begins with the directory.
    /// </summary>
    public bool TitlesAreCommands { get; init; }

    /// <summary>How it passes the reason of a refusal on to its model.</summary>
    internal AcpRefusals Refusals { get; init; }

    /// <summary>Whether it proposes plans that wait for approval.</summary>
    public bool Plans { get; init; }

    /// <summary>Whether it asks questions (<c>elicitation/create</c>).</summary>
    public bool Questions { get; init; }

    /// <summary>Whether the model can be chosen.</summary>
    public bool Models { get; init; }

    /// <summary>Whether the effort can be chosen, where the agent offers that (an option of the kind <c>thought_level</c>).</summary>
    public bool Efforts { get; init; }

    /// <summary>Whether it can go on with an earlier conversation.</summary>
    public bool Resume { get; init; } = true;

    /// <summary>
    /// Whether it is asked for the conversations it keeps (<c>session/list</c>, where it declares that), so that one can go on here.
    /// </summary>
    public bool Conversations { get; init; }

    /// <summary>Whether it reports tokens.</summary>
    public bool Usage { get; init; }

    /// <summary>
    /// Whether it passes pictures on to its model. One that says it does not (<c>promptCapabilities.image</c>) gets none all the same.
    /// </summary>
    public bool Images { get; init; }

    /// <summary>What it does with settings that a project holds for agents.</summary>
    public RepositorySettings RepositorySettings { get; init; }

    /// <summary>How it is held to our tools; null: it can't be, and works without a sandbox only.</summary>
    internal AcpGate? Gate { get; init; }

    /// <summary>Which models it asks; null: nobody knows, so it asks them by itself.</summary>
    internal AcpProvider? Provider { get; init; }

    /// <summary>As <see cref="IAgentDriver.Providers"/>; its gate says to it which model it has then.</summary>
    internal IReadOnlyList<ProviderDialect> Providers { get; init; } = [];

    /// <summary>Keeps its files so that it can resume; null: nothing is to be done.</summary>
    internal AcpConversationFiles? ConversationFiles { get; init; }

    /// <summary>
    /// Reads the project's notes for an agent that does not read them outside of a sandbox; told with the first prompt of a conversation,
    /// as words beside the person's. Null: it reads them itself, or they come another way.
    /// </summary>
    internal Func<string, string?>? Notes { get; init; }

    /// <summary>The command that installs it; null: nobody knows one.</summary>
    public string? Install { get; init; }

    /// <summary>Versions the tests run against; empty: none, whatever is there is used.</summary>
    public IReadOnlyList<string> TestedVersions { get; init; } = [];

    /// <summary>
    /// Google's Gemini CLI. Its creation of files through <c>fs/*</c> fails (seen with 0.61.0), so it writes by itself, after asking.
    /// </summary>
    public static AcpAgent Gemini { get; } = new("gemini", "Gemini CLI", "gemini", ["--acp"])
    {
        ProgramVariable = "POCKETCODER_GEMINI",
        EnvironmentNames = ["GEMINI_API_KEY", "GEMINI_MODEL", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_CLOUD_*",
            "GOOGLE_GENAI_*", "GOOGLE_APPLICATION_CREDENTIALS"],
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["GEMINI_TELEMETRY_ENABLED"] = "false", ["NO_BROWSER"] = "true" },
        Modes = ["default", "plan"],
        Files = false,
        TitlesAreCommands = true,
        Refusals = AcpRefusals.ByWords,
        Models = true,
        Usage = true,
        Images = true,
        Install = "npm install -g @google/gemini-cli",
        TestedVersions = ["0.61.0"],
        Gate = GeminiGate.Gate,
        Notes = GeminiNotes.Read,
        ConversationFiles = new AcpConversationFiles(GeminiConversationFiles.Keep, GeminiConversationFiles.RemoveEmpty),
        RepositorySettings = RepositorySettings.LeftOffWhenHeld,
        Provider = new AcpProvider(GeminiSettings.KeyVariable, GeminiSettings.BaseUrlVariable, GeminiSettings.Models),
        Providers = [ProviderDialect.Gemini],
    };

    /// <summary>
    /// Claude Code behind its ACP adapter. Not offered by itself, as Claude Code has a driver of its own: who wants it names it in
    /// <c>agents.json</c>.
    /// </summary>
    public static AcpAgent ClaudeAgentAcp { get; } = new("claude-agent-acp", "Claude Agent (ACP)", "claude-agent-acp", [])
    {
        EnvironmentNames = ["ANTHROPIC_*", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_EXECUTABLE", "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_MAX_RETRIES"],
        Environment = new Dictionary<string, string>(StringComparer.Ordinal)
        { ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1", ["DISABLE_AUTOUPDATER"] = "1" },
        Modes = ["default", "plan"],
        SessionMeta = ClaudeAgentAcpGate.OpenMeta,
        Refusals = AcpRefusals.ByError,
        Plans = true,
        Questions = true,
        Models = true,
        Efforts = true,
        Images = true,
        Conversations = true,
        Usage = true,
        // tested with 0.49.0, which tells no version when it is only looked for
        Install = "npm install -g @agentclientprotocol/claude-agent-acp",
        Gate = ClaudeAgentAcpGate.Gate,
        RepositorySettings = RepositorySettings.LeftOff,
    };

    /// <summary>Agents whose settings are known here, though they are offered only when <c>agents.json</c> names them.</summary>
    internal static IReadOnlyList<AcpAgent> Known { get; } = [ClaudeAgentAcp];
}

/// <summary>
/// How the reason of a refusal gets to the model. The protocol's own answer to a permission has an option's id and no words, so that every
/// refusal reads as the person's.
/// </summary>
internal enum AcpRefusals
{
    /// <summary>Not before the next prompt, which begins with the reasons.</summary>
    WithNextPrompt,

    /// <summary>
    /// An error as the answer to the permission: its message is the tool's result for the model (claude-agent-acp 0.49.0).
    /// </summary>
    ByError,

    /// <summary>The same with an error that is only text: of an object Gemini CLI (0.61.0) makes "[object Object]".</summary>
    ByWords,
}
