using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Drives OpenCode: one <c>opencode serve</c> process a session, spoken to over its HTTP API on the loopback, with a password that only the
/// two know. Its own shell is off; ours takes its place. How, and what is asked: docs/agents.md.
/// </summary>
public sealed class OpenCodeDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of the first <c>opencode</c> on PATH.</summary>
    public const string ProgramVariable = "POCKETCODER_OPENCODE";

    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly ProgramProbe _program;

    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public OpenCodeDriver(TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        _time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        _environment = OpenCodeEnvironment.From(all);
        _program = new ProgramProbe("OpenCode", all.GetValueOrDefault(ProgramVariable) is { Length: > 0 } named ? named : "opencode",
            "npm install -g opencode-ai", TestedVersions);
    }

    /// <summary>Versions the tests of this project run against.</summary>
    public static IReadOnlyList<string> TestedVersions { get; } = ["1.18.33"];

    public AgentDescription Description { get; } = new("opencode", "OpenCode")
    {
        Modes = OpenCodeModes.Offered,
        Models = true,
        Questions = true,
        Resume = true,
        Fork = true,
        Conversations = true,
        // not the conversation itself: whether a terminal has it open can't be seen, and our rules would stay in it
        Copies = ConversationCopies.Whole,
        Usage = true,
        Images = true,
        Cost = true,
        HostTools = true,
        RepositorySettings = RepositorySettings.LeftOff,
        RunsInSandbox = true,
    };

    /// <summary>As its files say now: a login in a terminal counts from the next start on.</summary>
    public AgentModels? Models => OpenCodeLogin.From(_environment);

    /// <summary>For each it has a library built in.</summary>
    public IReadOnlyList<ProviderDialect> Providers { get; } = Enum.GetValues<ProviderDialect>();

    public bool NamesProviders => true;

    private OpenCodeConversations? Kept => _program.Find(_environment) is { } path ? new(path, _environment, _time) : null;

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _program.LookAsync(_environment, _time, cancellationToken);

    public AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory)
        => stateDirectory is null && OpenCodeIds.Session().IsMatch(conversation)
            ? new("opencode", ["-s", conversation], AgentTerminalCommand.NoEnvironment) : null;

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Kept?.ListAsync(directory, most, cancellationToken) ?? Task.FromResult<IReadOnlyList<AgentConversation>>([]);

    public Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(
        string conversation, string directory, CancellationToken cancellationToken)
        => OpenCodeIds.Session().IsMatch(conversation) && Kept is { } kept ? kept.ReadAsync(conversation, cancellationToken)
            : Task.FromResult<IReadOnlyList<AgentConversationPart>>([]);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = _program.Require(_environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        if (start.ResumeId is { } id && !OpenCodeIds.Session().IsMatch(id))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of an OpenCode conversation.");
        }

        var sandbox = Sandbox(start);
        if (sandbox is not null && start is { BegunElsewhere: true, ResumeId: { } begun })
        {
            await new OpenCodeConversations(path, _environment, _time).BringAsync(
                begun, start.WorkingDirectory, sandbox, cancellationToken);
        }

        return await OpenCodeProcess.StartAsync(path, start, sandbox, _environment, _time, cancellationToken);
    }

    private OpenCodeSandbox? Sandbox(AgentStart start)
    {
        var models = OpenCodeLogin.From(_environment);
        if (start.Sandbox is { } sandbox && start.ModelAccess is { } access)
        {
            if (start.Provider is { } provider)
            {
                return new OpenCodeSandbox(sandbox, access, provider, OpenCodeModel.Parse(start.Model!));
            }

            var named = start.Model ?? OpenCodeLogin.Model(_environment);
            // else the provider's usual model, or, when the person chose it, a refusal
            var isTheirs = named?.StartsWith(models.Provider + "/", StringComparison.Ordinal) == true;
            return new OpenCodeSandbox(sandbox, access, models.Provider, isTheirs ? OpenCodeModel.Parse(named!) : null);
        }

        if (start.HostTools.Count > 0)
        {
            throw new AgentException(
                AgentError.Refused,
                $"OpenCode works in a sandboxed session only in a sandbox of its own{(models.OnlyByItself is { } why ? $", and {why}" : "")}. Set a key: pocketcoder secrets set {models.Provider}");
        }

        // Nothing can hide a repository's code from it here.
        var own = Path.Combine(_environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".opencode");
        return OpenCodeRepository.FolderOfCode(start.WorkingDirectory, own) is { } code
            ? throw new AgentException(
                AgentError.Refused,
                $"{code} holds code that OpenCode would run as soon as it starts, and nothing keeps it from that. Use a sandboxed session, where it is hidden, or move it away.")
            : null;
    }
}
