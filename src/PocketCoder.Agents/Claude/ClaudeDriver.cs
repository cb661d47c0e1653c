using System.Text.RegularExpressions;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Claude;

/// <summary>
/// Drives Claude Code: one long-lived <c>claude -p</c> process a session, steered over stdin and stdout. How, what is asked and what is
/// passed on: docs/agents.md.
/// </summary>
public sealed partial class ClaudeDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of the first <c>claude</c> on PATH.</summary>
    public const string ProgramVariable = "POCKETCODER_CLAUDE";

    private const string InstallAdvice = "Install it with: npm install -g @anthropic-ai/claude-code";

    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly string? _program;

    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public ClaudeDriver(TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        _time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        _environment = ClaudeEnvironment.From(all);
        Models = ClaudeLogin.From(_environment, time);
        _program = all.GetValueOrDefault(ProgramVariable) is { Length: > 0 } named ? named : null;
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
        RepositorySettings = RepositorySettings.LeftOff,
        RunsInSandbox = true,
    };

    public AgentModels? Models { get; }

    public IReadOnlyList<ProviderDialect> Providers { get; } = [ProviderDialect.Anthropic];

    private ClaudeConversations Conversations => new(ClaudeEnvironment.ConfigDirectory(_environment));

    public async Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
    {
        if (FindProgram() is not { } path)
        {
            return new AgentProbe(Installed: false, Advice: InstallAdvice);
        }

        return await ProgramProbe.AskAsync(
            path, _environment, TestedVersions, InstallAdvice,
            version => $"Not tested with {version}; tested: {string.Join(", ", TestedVersions)}. When it misbehaves: npm install -g @anthropic-ai/claude-code@{TestedVersions[^1]}",
            _time, cancellationToken);
    }

    public AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory)
        => !ConversationId().IsMatch(conversation) ? null : new(
        "claude",
        ["--resume", conversation],
        stateDirectory is null ? AgentTerminalCommand.NoEnvironment : new Dictionary<string, string>(StringComparer.Ordinal)
        { ["CLAUDE_CONFIG_DIR"] = stateDirectory });

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Task.Run(() => Conversations.List(directory, most, cancellationToken), cancellationToken);

    public Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(
        string conversation, string directory, CancellationToken cancellationToken)
        => Task.Run(() => Conversations.Read(conversation, directory), cancellationToken);

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

        var config = ClaudeEnvironment.ConfigDirectory(_environment);
        var conversation = start.ResumeId ?? start.SessionId.ToString("D");
        if (!ConversationId().IsMatch(conversation))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of a Claude Code conversation.");
        }

        // In a sandbox it has a folder of its own, which nobody else opens; a copy is written to by nobody else either.
        if (start is { Sandbox: null, Fork: false } && ClaudeOpenSessions.FindHolder(config, conversation) is { } holder)
        {
            throw new AgentException(AgentError.OpenElsewhere,
                $"The conversation is open in another Claude Code (process {holder}), most likely in a terminal. Close it there first.");
        }

        return await ClaudeProcess.StartAsync(path, start, _environment, config, _time, cancellationToken);
    }

    private string? FindProgram() => Executables.Find(_program ?? "claude", _environment.GetValueOrDefault("PATH"));

    /// <summary>A UUID: anything else could be taken for a flag, a search word or a path.</summary>
    [GeneratedRegex(@"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex ConversationId();
}
