using System.Buffers.Text;
using System.Globalization;
using PocketCoder.Ledger;
using PocketCoder.Machine.Ledger;
using PocketCoder.Machine.Routing;
using PocketCoder.Protocol;
using Wire = PocketCoder.Protocol.LedgerHead;

namespace PocketCoder.Machine.Overview;

/// <summary>The ledger's messages.</summary>
internal static class LedgerRoutes
{
    private const int EpochLimit = 64;
    private const int HashLength = 64;
    private const int SignatureLimit = 128;

    public static MessageTable MapLedger(this MessageTable table, LedgerStore ledger, LedgerHeadFeed head) => table
        .MapShared(
            Verbs.LedgerHead, Scope.View,
            async (caller, request, cancellationToken) =>
            {
                if (request.Remembered is { } remembered && caller.Device is { } device) // the owner remembers none
                {
                    await CompareAsync(ledger, remembered, device.DeviceId, cancellationToken);
                    if (remembered.Epoch == ledger.Head.Epoch
                        && await ledger.HashAtAsync(remembered.Seq, cancellationToken) == remembered.Hash)
                    {
                        head.Confirm(device.DeviceId, remembered.Seq);
                    }
                }

                return new LedgerHeadResponse(
                    head.Current, request.AtSeq is { } seq ? await ledger.HashAtAsync(seq, cancellationToken) : null);
            })
        .MapShared(
            Verbs.LedgerList, Scope.View,
            (_, request, cancellationToken) => ListAsync(ledger, request, cancellationToken))
        .MapShared(
            Verbs.LedgerVerify, Scope.View,
            (_, _, cancellationToken) => VerifyAsync(ledger, head, cancellationToken),
            concurrent: true);

    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    public static async Task<LedgerListResponse> ListAsync(
        LedgerStore ledger, LedgerListRequest request, CancellationToken cancellationToken)
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
        return new LedgerListResponse(
            [.. rows.Take(request.Limit).Select(r => new LedgerRowInfo(r.Seq, r.HashHex, r.Body))], rows.Count > request.Limit);
    }

    public static async Task<LedgerVerifyResponse> VerifyAsync(LedgerStore ledger, LedgerHeadFeed head, CancellationToken cancellationToken)
    {
        var report = await ledger.VerifyAsync([], cancellationToken);
        List<string> looked =
        [
            "every row's hash, number and machine",
            "that nothing began without a decision about exactly that before it",
            "the head that this machine signed last and keeps outside of the database, at the start",
            "that no other program wrote rows since",
        ];
        looked.Add("how each decision that says so was proved: a device's signature, the owner at the machine, or an earlier allowance");
        List<string> not =
        [
            "the signatures of devices in decisions that do not say how they were proved, and what each digest covers: for those, pocketcoder ledger export, and docs/verify-ledger.mjs",
        ];
        if (report.Untold > 0)
        {
            not.Add(Text($"who made {report.Untold} decisions of an older version: they say that the owner did, and not how that was proved"));
        }

        if (head.Confirmed is { Devices: > 0 } confirmed)
        {
            looked.Add(Text($"the heads that devices remember: {confirmed.Devices} connected since the daemon started, and the newest row that one of them remembered is {confirmed.Seq}"));
            not.Add(Text($"whether rows above {confirmed.Seq} were cut off together with ledger.head: only a device that remembers them can tell, when it connects"));
        }
        else
        {
            not.Add("the heads that devices remember: none connected since the daemon started. Whether the end was cut off together with ledger.head, only they can tell");
        }

        if (report.SignedFrom is { } first)
        {
            looked.Add(Text(
                $"that every row from {first} on is signed by this machine, and the signatures of those that decide and of the last one"));
            if (first > 1)
            {
                not.Add(Text($"who wrote rows 1 to {first - 1}: they are unsigned, from before row {first}"));
            }
        }
        else
        {
            not.Add("who wrote the rows: none of them is signed");
        }

        return new LedgerVerifyResponse(
            report.Ok, report.Rows, report.Fault?.Seq, report.Fault?.Detail, head.Current, report.SignedFrom, report.Accepted, looked, not);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// What a device remembers may show that the chain was rewound or replaced. What this machine did not sign shows nothing.
    /// </summary>
    /// <exception cref="RequestFailure">INVALID_REQUEST</exception>
    private static async Task CompareAsync(LedgerStore ledger, Wire remembered, string device, CancellationToken cancellationToken)
    {
        if (remembered is not { Epoch.Length: <= EpochLimit, Hash.Length: HashLength, Signature.Length: <= SignatureLimit })
        {
            throw new RequestFailure(ErrorCode.InvalidRequest, "remembered must be a head as the machine signed it.");
        }

        try
        {
            await ledger.CompareAsync(new PocketCoder.Ledger.LedgerHead(remembered.Epoch, remembered.Seq, remembered.Hash),
                Base64Url.DecodeFromChars(remembered.Signature), device, cancellationToken);
        }
        catch (FormatException)
        {
            // Not base64url: no signature.
        }
    }
}
