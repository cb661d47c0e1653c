using PocketCoder.Machine.ControlPlane;
using PocketCoder.Protocol;
using static PocketCoder.Machine.ControlPlane.ControlFailures;

namespace PocketCoder.Machine.Terminals;

/// <summary>The desk as the control plane sees it: everything is the owner's, and failures have the control plane's own name.</summary>
internal sealed class OwnerTerminals(TerminalDesk desk) : IControlTerminals
{
    public Task<IReadOnlyList<TerminalInfo>> ListTerminalsAsync(Guid? session, CancellationToken ct) => Task.FromResult(desk.List(session));

    public Task<TerminalInfo> OpenTerminalAsync(TerminalOpenRequest request, CancellationToken ct)
        => NamedAsync(async () => (await desk.OpenAsync(request.AgentSessionId, TerminalRules.Spec(request), Typist.Owner, ct)).Terminal.Info);

    public Task CloseTerminalAsync(Guid session, string name, CancellationToken ct) => NamedAsync(async () =>
    {
        await desk.CloseAsync(session, TerminalRules.Name(name), Typist.Owner);
        return true;
    });

    public Task<IAttachedTerminal> AttachTerminalAsync(
        Guid session, string name, int columns, int rows, Func<TerminalOutputPayload, CancellationToken, ValueTask> sink, CancellationToken ct) => NamedAsync<IAttachedTerminal>(async () =>
    {
        var terminal = desk.Get(session, TerminalRules.Name(name));
        var key = $"cli-{Guid.CreateVersion7():N}";
        var size = TerminalRules.Size(Math.Clamp(columns, TerminalLimits.SmallestSide, TerminalLimits.LargestSide), Math.Clamp(rows, TerminalLimits.SmallestSide, TerminalLimits.LargestSide));
        var viewer = await terminal.AttachAsync(key, (_, _, output, stop) => sink(output, stop), size, TerminalLimits.HistoryLines / 10, acknowledges: false, ct);
        return new Attached(terminal, viewer, key);
    });

    private sealed class Attached(LiveTerminal terminal, Viewer viewer, string key) : IAttachedTerminal
    {
        public Task Over => viewer.Served;

        public Task TypeAsync(string keys, CancellationToken ct) => NamedAsync(async () =>
        {
            await terminal.TypeAsync(Typist.Owner, key, TerminalRules.Keys(keys), ct);
            return true;
        });

        public Task ResizeAsync(int columns, int rows, CancellationToken ct) => NamedAsync(async () =>
        {
            await terminal.ResizeAsync(key, TerminalRules.Size(columns, rows));
            return true;
        });

        public async ValueTask DisposeAsync()
        {
            terminal.Detach(key);
            await viewer.Served;
        }
    }
}
