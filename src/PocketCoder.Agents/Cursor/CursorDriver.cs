using PocketCoder.Agents.Shared;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Cursor;

/// <summary>
/// Drives Cursor's CLI without a terminal (<c>-p --output-format stream-json</c>): one program a prompt. It has no way to ask a person
/// there, so it is run only in the modes in which it reads; what changes anything is for Cursor by ACP
/// (<see cref="Acp.KnownAcpAgents.Cursor"/>). Written from its documents and public captures, never run against the real program:
/// docs/agents.md.
/// </summary>
public sealed class CursorDriver : IAgentDriver
{
    /// <summary>Variable that names the program to use instead of <see cref="Program"/>. The same for both ways to drive Cursor.</summary>
    public const string ProgramVariable = "POCKETCODER_CURSOR";

    /// <summary>Not <c>agent</c>, its newer name: other makers call theirs the same.</summary>
    public const string Program = "cursor-agent";

    /// <summary>Where Cursor tells how to install it.</summary>
    public const string InstallAdvice = "Install it as cursor.com/cli says, and log in with: cursor-agent login";

    internal const string AgentName = "Cursor";

    private readonly TimeProvider _time;
    private readonly Dictionary<string, string> _environment;
    private readonly ProgramProbe _program;

    /// <param name="time">For limits only.</param>
    /// <param name="source">The environment to choose from; null: the daemon's own.</param>
    public CursorDriver(TimeProvider time, IReadOnlyDictionary<string, string>? source = null)
    {
        _time = time;
        var all = source ?? EnvironmentAllowList.Own().ToDictionary(StringComparer.Ordinal);
        _environment = EnvironmentAllowList.Select(all, EnvironmentNames.Concat(ProxyNames));
        foreach (var (name, value) in QuietGit.Variables)
        {
            _environment[name] = value;
        }

        _program = new ProgramProbe(
            AgentName, all.GetValueOrDefault(ProgramVariable) is { Length: > 0 } named ? named : Program, install: null, tested: []);
    }

    /// <summary>What Cursor gets of the daemon's environment.</summary>
    public static IReadOnlyList<string> EnvironmentNames { get; } = ["CURSOR_API_KEY", "CURSOR_AUTH_TOKEN", "CURSOR_CONFIG_DIR"];

    /// <summary>
    /// Files of a project that make Cursor run programs by themselves; it is told to trust the folder, because else it does not start.
    /// </summary>
    internal static IReadOnlyList<string> ProgramFiles { get; } = [".cursor/hooks.json", ".cursor/mcp.json", ".cursor/environment.json"];

    public AgentDescription Description { get; } = new("cursor-headless", "Cursor (only reads)")
    {
        Modes = CursorArguments.Modes,
        Models = true,
        Resume = true,
        Usage = true,
    };

    private static IReadOnlyList<string> ProxyNames { get; } =
        ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE",
            "SSL_CERT_DIR"];

    public async Task<AgentProbe> ProbeAsync(CancellationToken cancellationToken)
    {
        var probe = await _program.LookAsync(_environment, _time, cancellationToken);
        return probe with
        {
            Advice = probe.Unanswered ? probe.Advice : probe.Installed
            ? "Written from Cursor's documents: its program can't be had where this was built." : InstallAdvice
        };
    }

    public AgentTerminalCommand? InTerminal(string conversation, string? stateDirectory)
        => CursorArguments.IsConversation(conversation)
            ? new AgentTerminalCommand(Program, ["--resume", conversation], AgentTerminalCommand.NoEnvironment) : null;

    public Task<IAgentProcess> StartAsync(AgentStart start, CancellationToken cancellationToken)
    {
        var path = _program.Require(_environment);
        ProgramProbe.RequireDirectory(start.WorkingDirectory);
        if (start.HostTools.Count > 0)
        {
            throw new AgentException(AgentError.Refused, "Cursor can't be held to our tools: it can't work in a sandboxed session.");
        }

        if (start.ResumeId is { } id && !CursorArguments.IsConversation(id))
        {
            throw new AgentException(AgentError.NotFound, "That is no id of a conversation of Cursor.");
        }

        CursorArguments.RequireMode(start.Mode);
        return Task.FromResult<IAgentProcess>(new CursorProcess(path, start, _environment, _time));
    }
}
