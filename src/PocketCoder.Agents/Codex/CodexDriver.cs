using System.Text.RegularExpressions;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Codex;

/// <summary>
/// Drives OpenAI's Codex: one <c>codex app-server</c> process a session, spoken to by JSON-RPC over stdin and stdout. Its own shell is off;
/// ours takes its place. How, and what is asked: docs/agents.md.
/// </summary>
public sealed partial class CodexDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of the first <c>codex</c> on PATH.</summary>
    public const string ProgramVariable = "POCKETCODER_CODEX";

    private readonly TimeProvider _time;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly ProgramProbe _program;
    private readonly CodexSentNotes _told = new();

    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public CodexDriver(TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        _time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        _environment = CodexEnvironment.From(all);
        _program = new ProgramProbe("Codex", all.GetValueOrDefault(ProgramVariable) is { Length: > 0 } named ? named : "codex",
            "npm install -g @openai/codex", TestedVersions);
    }

    /// <summary>Versions the tests of this project run against.</summary>
    public static IReadOnlyList<string> TestedVersions { get; } = ["0.169.0"];

    public AgentDescription Description { get; } = new("codex", "Codex")
    {
        TestedVersions = TestedVersions,
        Modes = CodexModes.Offered,
        Models = true,
        Questions = true,
        Plans = true,
        Resume = true,
        Fork = true,
        Rewind = true,
        Conversations = true,
        Copies = ConversationCopies.Words,
        Steer = true,
        Efforts = CodexOffers.Efforts,
        Usage = true,
        Images = true,
        HostTools = true,
        RepositorySettings = RepositorySettings.LeftOff,
        RunsInSandbox = true,
    };

    /// <summary>As its files say now: a login in a terminal counts from the next start on.</summary>
    public AgentModels? Models => CodexLogin.From(_environment);

    /// <summary>It has given up Chat Completions.</summary>
    public IReadOnlyList<ProviderDialect> Providers { get; } = [ProviderDialect.OpenaiResponses];

    private CodexConversations? Conversations => _program.Find(_environment) is { } path ? new(path, _environment, _time) : null;

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => _program.LookAsync(_environment, _time, cancellationToken);

    public AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory)
        // what a sandbox's Codex began, it goes on with at the sandbox's provider only
        => stateDirectory is null && ThreadId().IsMatch(conversation)
            ? new("codex", ["resume", conversation], AgentTerminalCommand.NoEnvironment)
            : null;

    public Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
        => Conversations?.ListAsync(directory, most, cancellationToken) ?? Task.FromResult<IReadOnlyList<AgentConversation>>([]);

    public Task<IReadOnlyList<AgentConversationPart>> ReadConversationAsync(
        string conversation, string directory, CancellationToken cancellationToken)
        => IsThreadId(conversation) && Conversations is { } kept ? kept.ReadAsync(conversation, directory, cancellationToken)
            : Task.FromResult<IReadOnlyList<AgentConversationPart>>([]);

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = _program.Require(_environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        if (start.ResumeId is { } id && !ThreadId().IsMatch(id))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of a Codex conversation.");
        }

        if (start is { BegunElsewhere: true, ResumeId: { } earlier })
        {
            // Its tools are fixed when a conversation begins: one that a terminal began has none of ours, and could do nothing here. So its
            // words go into a new one.
            var said = await new CodexConversations(path, _environment, _time).ReadAsync(
                earlier, start.WorkingDirectory, cancellationToken);
            return await CodexProcess.StartAsync(
                path, start with { ResumeId = null, Fork = false }, _environment, _told, _time, cancellationToken, said);
        }

        return await CodexProcess.StartAsync(path, start, _environment, _told, _time, cancellationToken);
    }

    internal static bool IsThreadId(string text) => ThreadId().IsMatch(text);

    /// <summary>A UUID: anything else could be taken for a path.</summary>
    [GeneratedRegex(@"\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex ThreadId();
}
