using System.Text;
using System.Text.Json;
using PocketCoder.Protocol;
using PocketCoder.Testing.Devices;

namespace PocketCoder.Machine.Tests.Runs;

/// <summary>What a device does with one-shot commands.</summary>
internal sealed class Runner(TestDevice device, Guid project)
{
    public Guid Project { get; } = project;

    public CommandExecRequest Request(string command) => new(Guid.CreateVersion7(), Project, command);

    public Task<CommandExecResponse> ExecAsync(CommandExecRequest request) => device.AskAsync(
        MessageTypes.CommandExec, request, ProtocolJson.Default.CommandExecRequest, ProtocolJson.Default.CommandExecResponse);

    public async Task<Heard> RunAsync(CommandExecRequest request)
    {
        await ExecAsync(request);
        return await HearAsync(request.RunId);
    }

    public Task<CommandReadResponse> ReadAsync(Guid run, long offset = 0, int limit = 256 * 1024, bool follow = false) => device.AskAsync(
        MessageTypes.CommandRead, new CommandReadRequest(run, offset, limit, follow), ProtocolJson.Default.CommandReadRequest,
        ProtocolJson.Default.CommandReadResponse);

    public async Task<CommandRunInfo> CancelAsync(CommandCancelRequest request)
        => (await device.AskAsync(MessageTypes.CommandCancel, request, ProtocolJson.Default.CommandCancelRequest,
            ProtocolJson.Default.CommandCancelResponse)).Run;

    public Task<CommandRunsListResponse> ListAsync(Guid? before = null, int limit = 50) => device.AskAsync(
        MessageTypes.CommandRunsList, new CommandRunsListRequest(Project, before, limit), ProtocolJson.Default.CommandRunsListRequest,
        ProtocolJson.Default.CommandRunsListResponse);

    /// <summary>The error that a request ends with.</summary>
    public async Task<ErrorCode> RefusedAsync(CommandExecRequest request)
        => (await Assert.ThrowsAsync<WireErrorException>(() => ExecAsync(request))).Error.Code;

    /// <summary>Listens to one run until its end.</summary>
    public async Task<Heard> HearAsync(Guid run)
    {
        var (output, error, pieces, timeouts) = (new StringBuilder(), new StringBuilder(), new List<CommandOutputPayload>(), 0);
        while (true)
        {
            var pushed = await device.NextAsync(e => e.Stream == $"run/{run}" || e.RequestId == run.ToString(), $"the end of {run}");
            if (pushed.Error is { } failure)
            {
                Assert.Equal(ErrorCode.CommandTimeout, failure.Code);
                timeouts++;
            }
            else if (pushed.Type == MessageTypes.CommandOutput)
            {
                var piece = pushed.Payload!.Value.Deserialize(ProtocolJson.Default.CommandOutputPayload)!;
                pieces.Add(piece);
                output.Append(piece.StdoutChunk);
                error.Append(piece.StderrChunk);
            }
            else
            {
                Assert.Equal(MessageTypes.CommandExit, pushed.Type);
                return new Heard(output.ToString(), error.ToString(), pieces, timeouts,
                    pushed.Payload!.Value.Deserialize(ProtocolJson.Default.CommandExitPayload)!);
            }
        }
    }

    public async Task<IReadOnlyList<JsonElement>> LedgerAsync(Guid run)
    {
        var rows = await device.AskAsync(MessageTypes.LedgerList, new LedgerListRequest(Limit: 200), ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse);
        return [.. rows.Rows.Reverse().Select(r => JsonDocument.Parse(r.Body).RootElement)
            .Where(b => b.GetProperty("data").TryGetProperty("runId", out var id) && id.GetGuid() == run)];
    }
}

internal sealed record Heard(
    string Output, string Errors, IReadOnlyList<CommandOutputPayload> Pieces, int Timeouts, CommandExitPayload Exit);
