using System.Text.Json;
using PocketCoder.Machine.Connections;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Terminals;

/// <summary>The terminals' messages. Looking needs <c>view</c>, as a transcript does; typing runs commands, so it needs <c>decide</c>.</summary>
internal static class TerminalRoutes
{
    public static MessageTable MapTerminals(this MessageTable table, TerminalDesk desk) => table
        .Map(
            MessageTypes.TerminalList,
            Scope.View,
            ProtocolJson.Default.TerminalListRequest,
            ProtocolJson.Default.TerminalListResponse,
            (_, request, _) => Task.FromResult(new TerminalListResponse(desk.List(request.AgentSessionId))))
        .Map(
            MessageTypes.TerminalOpen,
            Scope.Decide,
            ProtocolJson.Default.TerminalOpenRequest,
            ProtocolJson.Default.TerminalOpenResponse,
            async (caller, request, cancellationToken) =>
            {
                var (terminal, opened) = await desk.OpenAsync(request.AgentSessionId, TerminalRules.Spec(request), Typist(caller), cancellationToken);
                return new TerminalOpenResponse(terminal.Info, opened);
            },
            concurrent: true) // may make a sandbox
        .Map(
            MessageTypes.TerminalAttach,
            Scope.View,
            ProtocolJson.Default.TerminalAttachRequest,
            ProtocolJson.Default.TerminalAttachResponse,
            async (caller, request, _) =>
            {
                var mayType = caller.Device.Scopes.Contains(Scope.Decide);
                var size = request is { Columns: 0, Rows: 0 } ? ((int, int)?)null : TerminalRules.Size(request.Columns, request.Rows);
                var terminal = desk.Get(request.AgentSessionId, TerminalRules.Name(request.Name));
                var viewer = await terminal.AttachAsync(
                    Key(caller), Sink(caller.Connection, terminal), mayType ? size : null, TerminalRules.Lines(request.History), acknowledges: true, caller.Connection.Over);
                return new TerminalAttachResponse(terminal.Info, viewer.Epoch, mayType);
            })
        .Map(
            MessageTypes.TerminalDetach,
            Scope.View,
            ProtocolJson.Default.TerminalDetachRequest,
            ProtocolJson.Default.TerminalDetachResponse,
            (caller, request, _) =>
            {
                desk.Get(request.AgentSessionId, TerminalRules.Name(request.Name)).Detach(Key(caller));
                return Task.FromResult(new TerminalDetachResponse());
            })
        .Map(
            MessageTypes.TerminalInput,
            Scope.Decide,
            ProtocolJson.Default.TerminalInputRequest,
            ProtocolJson.Default.TerminalInputResponse,
            async (caller, request, cancellationToken) =>
            {
                await desk.Get(request.AgentSessionId, TerminalRules.Name(request.Name))
                    .TypeAsync(Typist(caller), Key(caller), TerminalRules.Keys(request.Data), cancellationToken);
                return new TerminalInputResponse();
            })
        .Map(
            MessageTypes.TerminalResize,
            Scope.Decide,
            ProtocolJson.Default.TerminalResizeRequest,
            ProtocolJson.Default.TerminalResizeResponse,
            async (caller, request, _) =>
            {
                var terminal = desk.Get(request.AgentSessionId, TerminalRules.Name(request.Name));
                await terminal.ResizeAsync(Key(caller), TerminalRules.Size(request.Columns, request.Rows));
                return new TerminalResizeResponse(terminal.Info);
            })
        .Map(
            MessageTypes.TerminalAck,
            Scope.View,
            ProtocolJson.Default.TerminalAckRequest,
            ProtocolJson.Default.TerminalAckResponse,
            (caller, request, _) =>
            {
                desk.Get(request.AgentSessionId, TerminalRules.Name(request.Name)).Acknowledge(Key(caller), request.Epoch, request.Seq);
                return Task.FromResult(new TerminalAckResponse());
            })
        .Map(
            MessageTypes.TerminalCapture,
            Scope.View,
            ProtocolJson.Default.TerminalCaptureRequest,
            ProtocolJson.Default.TerminalCaptureResponse,
            async (_, request, cancellationToken) =>
            {
                var terminal = desk.Get(request.AgentSessionId, TerminalRules.Name(request.Name));
                try
                {
                    var snapshot = await terminal.SnapshotAsync(TerminalRules.Lines(request.Lines), cancellationToken);
                    return new TerminalCaptureResponse(ScreenDrawing.Lines(snapshot), snapshot.Columns, snapshot.Rows);
                }
                catch (IOException)
                {
                    throw TerminalDesk.NotFound();
                }
            },
            concurrent: true)
        .Map(
            MessageTypes.TerminalClose,
            Scope.Decide,
            ProtocolJson.Default.TerminalCloseRequest,
            ProtocolJson.Default.TerminalCloseResponse,
            async (caller, request, _) =>
            {
                await desk.CloseAsync(request.AgentSessionId, TerminalRules.Name(request.Name), Typist(caller));
                return new TerminalCloseResponse();
            },
            concurrent: true);

    private static Typist Typist(Caller caller) => new(caller.Device.DeviceId, caller.Device.Name);

    private static string Key(Caller caller) => caller.Connection.ConnectionId;

    private static ViewerSink Sink(DeviceConnection connection, LiveTerminal terminal)
    {
        var stream = $"terminal/{terminal.Session}/{terminal.Name}";
        return (epoch, seq, output, _) => connection.PushAsync(
            Message.Event(MessageTypes.TerminalOutput, stream, epoch, seq, JsonSerializer.SerializeToUtf8Bytes(output, ProtocolJson.Default.TerminalOutputPayload)));
    }
}
