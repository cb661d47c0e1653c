using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Drives OpenCode: one <c>opencode serve</c> process a session, spoken to over its HTTP API on the loopback, with a password that only the two know. Its own shell is off; ours
/// takes its place. How, and what is asked: docs/agents.md.
/// </summary>
public sealed partial class OpenCodeDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of the first <c>opencode</c> on PATH.</summary>
    public const string ProgramVariable = "POCKETCODER_OPENCODE";

    private readonly TimeProvider time;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly ProgramProbe program;

    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public OpenCodeDriver(TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        this.time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        environment = OpenCodeEnvironment.From(all);
        program = new ProgramProbe("OpenCode", all.GetValueOrDefault(ProgramVariable) is { Length: > 0 } named ? named : "opencode", "npm install -g opencode-ai", TestedVersions);
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
        Copies = ConversationCopies.Whole, // not the conversation itself: whether a terminal has it open can't be seen, and our rules would stay in it
        Usage = true,
        Images = true,
        Cost = true,
        HostTools = true,
        Rooms = true,
    };

    /// <summary>As its files say now: a login in a terminal counts from the next start on.</summary>
    public AgentModels? Models => OpenCodeLogin.From(environment);

    public Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken) => program.LookAsync(environment, time, cancellationToken);

    public AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory)
        => stateDirectory is null && OpenCodeIds.Session().IsMatch(conversation) ? new("opencode", ["-s", conversation], AgentTerminalCommand.NoEnvironment) : null;

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = program.Require(environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        if (start.ResumeId is { } id && !OpenCodeIds.Session().IsMatch(id))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of an OpenCode conversation.");
        }

        var room = Room(start);
        if (room is not null && start is { BegunElsewhere: true, ResumeId: { } begun })
        {
            await new OpenCodeConversations(path, environment, time).BringAsync(begun, start.WorkingDirectory, room, cancellationToken);
        }

        return await OpenCodeProcess.StartAsync(path, start, room, environment, time, cancellationToken);
    }

    private OpenCodeRoom? Room(AgentStart start)
    {
        var models = OpenCodeLogin.From(environment);
        if (start.Room is { } room && start.ModelAccess is { } access)
        {
            var named = start.Model ?? OpenCodeLogin.Model(environment);
            var isTheirs = named?.StartsWith(models.Provider + "/", StringComparison.Ordinal) == true; // else the provider's usual model, or, when the person chose it, a refusal
            return new OpenCodeRoom(room, access, models.Provider, isTheirs ? OpenCodeModel.Parse(named!) : null);
        }

        if (start.HostTools.Count > 0)
        {
            throw new AgentException(
                AgentError.Refused,
                $"OpenCode works in a sandboxed session only in a ring of its own{(models.OnlyByItself is { } why ? $", and {why}" : "")}. Set a key: pocketcoder secrets set {models.Provider}");
        }

        // Nothing can hide a repository's code from it here.
        var own = Path.Combine(environment.GetValueOrDefault("HOME") is { Length: > 0 } home ? home : "/", ".opencode");
        return OpenCodeRepository.FolderOfCode(start.WorkingDirectory, own) is { } code
            ? throw new AgentException(
                AgentError.Refused,
                $"{code} holds code that OpenCode would run as soon as it starts, and nothing keeps it from that. Use a sandboxed session, where it is hidden, or move it away.")
            : null;
    }
}
