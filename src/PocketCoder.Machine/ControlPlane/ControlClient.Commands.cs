using PocketCoder.Protocol;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>One-shot commands.</summary>
public sealed partial class ControlClient
{
    private static readonly CommandControlJson s_commands = CommandControlJson.Default;

    /// <param name="project">Id, the beginning of one (4 characters or more), name, or absolute path.</param>
    /// <param name="request">Its project is filled in.</param>
    public Task<CommandRunInfo> ExecCommandAsync(string project, CommandExecRequest request, CancellationToken ct)
        => PostAsync("commands/exec", new CommandStartBody(project, request), s_commands.CommandStartBody, s_commands.CommandRunInfo, ct);

    /// <param name="wait">How long the daemon waits for more when there is none yet; at most 30 s.</param>
    public Task<CommandReadResponse> ReadCommandAsync(Guid run, long offset, int limit, TimeSpan wait, CancellationToken ct)
        => PostAsync("commands/read", new CommandReadBody(run, offset, limit, (int)wait.TotalMilliseconds), s_commands.CommandReadBody, s_commands.CommandReadResponse, ct);

    /// <summary>Ends it; returns when it is over.</summary>
    public Task<CommandRunInfo> CancelCommandAsync(Guid run, CancellationToken ct)
        => PostAsync("commands/cancel", new CommandSelection(run), s_commands.CommandSelection, s_commands.CommandRunInfo, ct);

    /// <param name="project">Null: of all projects.</param>
    public Task<CommandRunsListResponse> ListCommandsAsync(string? project, int limit, CancellationToken ct)
        => PostAsync("commands/list", new CommandListBody(project, limit), s_commands.CommandListBody, s_commands.CommandRunsListResponse, ct);

    /// <param name="policy">Null: only show it.</param>
    public Task<CommandPolicy> CommandPolicyAsync(string project, CommandPolicy? policy, CancellationToken ct)
        => PostAsync("commands/policy", new CommandPolicyBody(project, policy), s_commands.CommandPolicyBody, s_commands.CommandPolicy, ct);
}
