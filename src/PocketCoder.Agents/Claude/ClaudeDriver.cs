using System.Text.RegularExpressions;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Drives Claude Code: one long-lived <c>claude -p</c> process a session, steered over stdin and stdout. How, what is asked and what is passed
/// on: docs/agents.md.
/// </summary>
public sealed partial class ClaudeDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of the first <c>claude</c> on PATH.</summary>
    public const string ProgramVariable = "POCKETCODER_CLAUDE";

    private const string InstallAdvice = "Install it with: npm install -g @anthropic-ai/claude-code";

    private static readonly TimeSpan ProbeLimit = TimeSpan.FromSeconds(10);

    private readonly TimeProvider time;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly string? program;

    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public ClaudeDriver(TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        this.time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        environment = ClaudeEnvironment.From(all);
        Models = ClaudeLogin.From(environment, time);
        program = all.GetValueOrDefault(ProgramVariable) is { Length: > 0 } named ? named : null;
    }

    /// <summary>Versions the tests of this project run against.</summary>
    public static IReadOnlyList<string> TestedVersions { get; } = ["2.1.197"];

    public AgentDescription Description { get; } = new("claude", "Claude Code")
    {
        TestedVersions = TestedVersions,
        Modes = ClaudeModes.Offered,
        Models = true,
        Questions = true,
        Plans = true,
        Resume = true,
        Fork = true,
        Rewind = true,
        Conversations = true,
        Continues = true,
        Copies = ConversationCopies.Whole,
        Efforts = ClaudeOffers.Efforts,
        Commands = true,
        Usage = true,
        Images = true,
        HostTools = true,
        Rooms = true,
    };

    public AgentModels? Models { get; }

    public async Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
    {
        if (FindProgram() is not { } path)
        {
            return new AgentProbe(Installed: false, Advice: InstallAdvice);
        }

        try
        {
            var start = new ProcessStart { Program = path, Arguments = ["--version"], WorkingDirectory = "/", Environment = environment };
            var result = await CommandRun.RunAsync(start, ProbeLimit, 64 * 1024, time, cancellationToken);
            var version = Version().Match(result.Output) is { Success: true } match ? match.Value : null;
            if (result.TimedOut || result.ExitCode != 0 || version is null)
            {
                return new AgentProbe(Installed: false, Path: path, Advice: $"{path} does not tell its version. {InstallAdvice}");
            }

            var advice = TestedVersions.Contains(version, StringComparer.Ordinal)
                ? null
                : $"Not tested with {version}; tested: {string.Join(", ", TestedVersions)}. When it misbehaves: npm install -g @anthropic-ai/claude-code@{TestedVersions[^1]}";
            return new AgentProbe(Installed: true, version, path, advice);
        }
        catch (ProcessStartException e)
        {
            return new AgentProbe(Installed: false, Path: path, Advice: $"{e.Message} {InstallAdvice}");
        }
    }

    public AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory) => !ConversationId().IsMatch(conversation) ? null : new(
        "claude",
        ["--resume", conversation],
        stateDirectory is null ? AgentTerminalCommand.NoEnvironment : new Dictionary<string, string>(StringComparer.Ordinal) { ["CLAUDE_CONFIG_DIR"] = stateDirectory });

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        if (FindProgram() is not { } path)
        {
            throw new AgentException(AgentError.NotInstalled, $"Claude Code is not on this machine. {InstallAdvice}");
        }

        if (!Path.IsPathFullyQualified(start.WorkingDirectory) || !Directory.Exists(start.WorkingDirectory))
        {
            throw new AgentException(AgentError.FailedToStart, $"The project's directory {start.WorkingDirectory} does not exist.");
        }

        if (start.Mode is { } mode && !ClaudeModes.Known.Contains(mode, StringComparer.Ordinal))
        {
            throw new AgentException(AgentError.Refused, $"{mode} is no mode of Claude Code here.");
        }

        var config = ClaudeEnvironment.ConfigDirectory(environment);
        var conversation = start.ResumeId ?? start.SessionId.ToString("D");
        if (!ConversationId().IsMatch(conversation))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of a Claude Code conversation.");
        }

        // In a room it has a folder of its own, which nobody else opens; a copy is written to by nobody else either.
        if (start is { Room: null, Fork: false } && ClaudeOpenSessions.FindHolder(config, conversation) is { } holder)
        {
            throw new AgentException(AgentError.OpenElsewhere, $"The conversation is open in another Claude Code (process {holder}), most likely in a terminal. Close it there first.");
        }

        return await ClaudeProcess.StartAsync(path, start, environment, config, time, cancellationToken);
    }

    private string? FindProgram() => Executables.Find(program ?? "claude", environment.GetValueOrDefault("PATH"));

    [GeneratedRegex(@"\b\d+\.\d+\.\d+\b", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();

    /// <summary>A UUID: anything else could be taken for a flag, a search word or a path.</summary>
    [GeneratedRegex(@"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ConversationId();
}
