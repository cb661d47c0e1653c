using PocketCoder.Machine.Commands.Rules;
using PocketCoder.Machine.ControlPlane;
using PocketCoder.Machine.Terminals;
using PocketCoder.Protocol;
using static PocketCoder.Machine.ControlPlane.ControlFailures;

namespace PocketCoder.Machine.Commands;

/// <summary>The desk as the control plane sees it: everything is the owner's, and failures have the control plane's own name.</summary>
internal sealed class OwnerCommands(CommandDesk desk, CommandDoor door, CommandPolicies policies) : IControlCommands
{
    public Task<CommandRunInfo> ExecAsync(CommandExecRequest request, CancellationToken ct) => NamedAsync(async () => (await door.ExecAsync(request, ct)).Run);

    public Task<CommandReadResponse> ReadAsync(Guid run, long offset, int limit, TimeSpan wait, CancellationToken ct) => NamedAsync(() => desk.ReadAsync(run, offset, limit, wait, ct));

    public Task<CommandRunInfo> CancelAsync(Guid run, CancellationToken ct) => NamedAsync(() => desk.CancelAsync(run, ct));

    public Task<CommandRunsListResponse> ListAsync(CommandRunsListRequest request, CancellationToken ct) => NamedAsync(() => desk.ListAsync(request, ct));

    public Task<CommandPolicy> PolicyAsync(Guid project, CancellationToken ct) => NamedAsync(() => policies.GetAsync(project, ct));

    public Task<CommandPolicy> SetPolicyAsync(Guid project, CommandPolicy policy, CancellationToken ct) => NamedAsync(() => policies.SetAsync(project, policy, Typist.Owner, ct));
}
