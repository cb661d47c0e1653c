using System.Globalization;
using System.Text.Json;
using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.OpenCode;

/// <summary>
/// Drives OpenCode: one <c>opencode serve</c> process a session, spoken to over its HTTP API on the loopback, with a password that only the two know. Its own shell is off; ours
/// takes its place. How, and what is asked: docs/agents.md.
/// </summary>
public sealed class OpenCodeDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of the first <c>opencode</c> on PATH.</summary>
    public const string ProgramVariable = "POCKETCODER_OPENCODE";

    private const int MaxListBytes = 1024 * 1024;

    private static readonly TimeSpan ListLimit = TimeSpan.FromSeconds(10);

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

    public async Task<IReadOnlyList<AgentConversation>> ListConversationsAsync(string directory, int most, CancellationToken cancellationToken)
    {
        // The database is asked, not `session list`: that opens the project, and with it runs what its plugins say.
        var quoted = directory.TrimEnd('/').Replace("'", "''", StringComparison.Ordinal);
        if (quoted.Contains('\0', StringComparison.Ordinal) || most < 1)
        {
            return [];
        }

        var query = string.Create(CultureInfo.InvariantCulture, $"""
            select id, title, directory, time_updated from session
            where parent_id is null and time_archived is null and (directory = '{quoted}' or substr(directory, 1, length('{quoted}') + 1) = '{quoted}/')
            order by time_updated desc limit {most}
            """);
        try
        {
            var list = new ProcessStart
            {
                Program = program.Require(environment),
                Arguments = ["db", query, "--format", "json"],
                WorkingDirectory = "/",
                Environment = environment,
            };
            var result = await CommandRun.RunAsync(list, ListLimit, MaxListBytes, time, cancellationToken);
            return result.ExitCode == 0 && !result.TimedOut ? Read(result.Output) : [];
        }
        catch (Exception e) when (e is ProcessStartException or AgentException)
        {
            return [];
        }
    }

    public async Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = program.Require(environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        if (start.ResumeId is { } id && !OpenCodeIds.Session().IsMatch(id))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of an OpenCode conversation.");
        }

        return await OpenCodeProcess.StartAsync(path, start, Room(start), environment, time, cancellationToken);
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

    private static IReadOnlyList<AgentConversation> Read(string output)
    {
        // Before the list it may say something of its own (that it brings an old database up to date).
        var from = output.IndexOf('[', StringComparison.Ordinal);
        using var document = from < 0 ? null : LineJson.TryParse(System.Text.Encoding.UTF8.GetBytes(output[from..]));
        return document?.RootElement is not { ValueKind: JsonValueKind.Array } rows
            ? []
            :
            [
                .. rows.EnumerateArray().Where(r => r.Text("id") is { } id && OpenCodeIds.Session().IsMatch(id) && r.Text("directory") is not null).Select(r => new AgentConversation(
                    r.Text("id")!, BoundedText.OneLine(r.Text("title") ?? ""), r.Text("directory")!,
                    DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(r.Number("time_updated"), 0, 253_402_300_799_999)), Open: null)),
            ];
    }
}
