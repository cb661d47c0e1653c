using PocketCoder.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Chain;

/// <summary>The ledger's messages.</summary>
internal static class LedgerRoutes
{
    public static MessageTable MapLedger(this MessageTable table, LedgerStore ledger, ChainHead head) => table
        .Map(
            MessageTypes.LedgerHead,
            Scope.View,
            ProtocolJson.Default.LedgerHeadRequest,
            ProtocolJson.Default.LedgerHeadResponse,
            async (_, request, cancellationToken) => new LedgerHeadResponse(head.Current, request.AtSeq is { } seq ? await ledger.HashAtAsync(seq, cancellationToken) : null))
        .Map(
            MessageTypes.LedgerList,
            Scope.View,
            ProtocolJson.Default.LedgerListRequest,
            ProtocolJson.Default.LedgerListResponse,
            (_, request, cancellationToken) => ListAsync(ledger, request, cancellationToken))
        .Map(
            MessageTypes.LedgerVerify,
            Scope.View,
            ProtocolJson.Default.LedgerVerifyRequest,
            ProtocolJson.Default.LedgerVerifyResponse,
            (_, _, cancellationToken) => VerifyAsync(ledger, head, cancellationToken),
            concurrent: true);

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static async Task<LedgerListResponse> ListAsync(LedgerStore ledger, LedgerListRequest request, CancellationToken cancellationToken)
    {
        if (request.Limit is < 1 or > 200)
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "limit must be 1 to 200.");
        }

        var filter = new LedgerFilter
        {
            NewestFirst = true,
            After = request.Before,
            Limit = request.Limit + 1,
            SessionId = request.AgentSessionId?.ToString(),
            ApprovalId = request.ApprovalId?.ToString(),
        };
        var rows = await ledger.ReadAsync(reader => reader.Rows(filter), cancellationToken);
        return new LedgerListResponse([.. rows.Take(request.Limit).Select(r => new LedgerRowInfo(r.Seq, r.HashHex, r.Body))], rows.Count > request.Limit);
    }

    public static async Task<LedgerVerifyResponse> VerifyAsync(LedgerStore ledger, ChainHead head, CancellationToken cancellationToken)
    {
        var report = await ledger.VerifyAsync([], cancellationToken);
        return new LedgerVerifyResponse(report.Ok, report.Rows, report.Fault?.Seq, report.Fault?.Detail, head.Current);
    }
}
