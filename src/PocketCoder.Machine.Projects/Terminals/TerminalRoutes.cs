using System.Text.Json;
using PocketCoder.Machine.Routing;
using PocketCoder.Machine.Streams;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>
/// The terminals' messages. Looking needs <c>view</c>, as a transcript does; typing runs commands, so it needs <c>decide</c>.
/// </summary>
public static class TerminalRoutes
{
    public static MessageTable MapTerminals(this MessageTable table, TerminalService service) => table
        .MapShared(
            Verbs.TerminalList, Scope.View,
            (_, request, _) => Task.FromResult(new TerminalListResponse(service.List(request.AgentSessionId))))
        .MapShared(
            Verbs.TerminalOpen, Scope.Decide,
            async (caller, request, cancellationToken) =>
            {
                var (terminal, opened) = await service.OpenAsync(
                    request.AgentSessionId, TerminalRules.Spec(request), Typist(caller), cancellationToken);
                return new TerminalOpenResponse(terminal.Info, opened);
            },
            concurrent: true) // may make a sandbox
        .Map(
            DeviceVerbs.TerminalAttach, Scope.View,
            async (caller, request, _) =>
            {
                var mayType = caller.Device.Scopes.Contains(Scope.Decide) && !caller.Device.OnlyApprovals;
                var size = request is { Columns: 0, Rows: 0 } ? ((int, int)?)null : TerminalRules.Size(request.Columns, request.Rows);
                var terminal = service.Get(request.AgentSessionId, TerminalRules.Name(request.Name));
                var viewer = await terminal.AttachAsync(
                    Key(caller), Sink(caller.Connection, terminal), mayType ? size : null, TerminalRules.Lines(request.History),
                    acknowledges: true, caller.Connection.Over);
                return new TerminalAttachResponse(terminal.Info, viewer.Epoch, mayType);
            })
        .Map(
            DeviceVerbs.TerminalDetach, Scope.View,
            (caller, request, _) =>
            {
                service.Get(request.AgentSessionId, TerminalRules.Name(request.Name)).Detach(Key(caller));
                return Task.FromResult(new TerminalDetachResponse());
            })
        .Map(
            DeviceVerbs.TerminalInput, Scope.Decide,
            async (caller, request, cancellationToken) =>
            {
                await service.Get(request.AgentSessionId, TerminalRules.Name(request.Name))
                    .TypeAsync(Typist(caller), Key(caller), TerminalRules.Keys(request.Data), cancellationToken);
                return new TerminalInputResponse();
            })
        .Map(
            DeviceVerbs.TerminalResize, Scope.Decide,
            async (caller, request, _) =>
            {
                var terminal = service.Get(request.AgentSessionId, TerminalRules.Name(request.Name));
                await terminal.ResizeAsync(Key(caller), TerminalRules.Size(request.Columns, request.Rows));
                return new TerminalResizeResponse(terminal.Info);
            })
        .Map(
            DeviceVerbs.TerminalAck, Scope.View,
            (caller, request, _) =>
            {
                service.Get(request.AgentSessionId, TerminalRules.Name(request.Name)).Acknowledge(Key(caller), request.Epoch, request.Seq);
                return Task.FromResult(new TerminalAckResponse());
            })
        .Map(
            DeviceVerbs.TerminalCapture, Scope.View,
            async (_, request, cancellationToken) =>
            {
                var terminal = service.Get(request.AgentSessionId, TerminalRules.Name(request.Name));
                try
                {
                    var snapshot = await terminal.SnapshotAsync(TerminalRules.Lines(request.Lines), cancellationToken);
                    return new TerminalCaptureResponse(ScreenDrawing.Lines(snapshot), snapshot.Columns, snapshot.Rows);
                }
                catch (IOException)
                {
                    throw TerminalService.NotFound();
                }
            },
            concurrent: true)
        .MapShared(
            Verbs.TerminalClose, Scope.Decide,
            async (caller, request, _) =>
            {
                await service.CloseAsync(request.AgentSessionId, TerminalRules.Name(request.Name), Typist(caller));
                return new TerminalCloseResponse();
            },
            concurrent: true);

    private static Typist Typist(Caller caller) => Terminals.Typist.Of(caller);

    private static string Key(DeviceCaller caller) => caller.Connection.ConnectionId;

    private static ViewerSink Sink(IDeviceConnection connection, LiveTerminal terminal)
    {
        var stream = $"terminal/{terminal.Session}/{terminal.Name}";
        return (epoch, seq, output, _) => connection.PushAsync(
            Message.Event(MessageTypes.TerminalOutput, stream, epoch, seq,
                JsonSerializer.SerializeToUtf8Bytes(output, ProtocolJson.Default.TerminalOutputPayload)));
    }
}
