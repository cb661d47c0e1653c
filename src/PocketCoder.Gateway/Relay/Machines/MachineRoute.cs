using System.Buffers.Text;
using System.Net;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using PocketCoder.Gateway.Hosting;
using PocketCoder.Link;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>
/// <c>GET /v1/machine</c>: a machine connects, proves its key and is reachable for devices until the connection ends (docs/link.md).
/// </summary>
internal sealed partial class MachineRoute(
    LinkedMachines machines, Enrolments enrolments, MachineLogins? logins, GatewayOptions options, RelayDoor door, TimeProvider time,
    ILogger<MachineRoute> log, CancellationToken stopping)
{
    private const string Unknown = "unknown_machine";

    /// <summary>How long a machine may take to prove itself.</summary>
    private static readonly TimeSpan s_proofLimit = TimeSpan.FromSeconds(10);

    private static readonly string s_version
        = typeof(MachineRoute).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    public async Task HandleAsync(HttpContext context)
    {
        if (!await RelayDoor.AsksForAsync(context, LinkFrame.Subprotocol, "This address is for machines: pocketcoder link"))
        {
            return;
        }

        // No page has any business here, of whatever origin.
        if (context.Request.Headers.Origin.Count > 0)
        {
            await PlainText.WriteAsync(context, StatusCodes.Status403Forbidden, "Pages do not connect here.\n");
            return;
        }

        await door.AdmitAsync(context, LinkFrame.Subprotocol, async (socket, visit) =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, context.RequestAborted);
            await using var link = new LinkSocket(socket, time, stop.Token);
            await ServeAsync(link, OriginOf(context), visit, stop.Token);
        });
    }

    private async Task ServeAsync(LinkSocket link, string origin, Visit visit, CancellationToken ct)
    {
        RemoteMachine? machine = null;
        try
        {
            var nonce = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(LinkProofs.NonceBytes));
            await link.SendAsync(
                LinkJson.Write(LinkKind.Challenge, 0, new LinkChallenge(1, nonce), LinkTypes.Default.LinkChallenge), ct);
            var proof = await ProofAsync(link, ct);
            machine = new RemoteMachine(proof.MachineId, link, options.MaxConnections, proof.Letters is true);
            if (await RefusalAsync(proof, origin, nonce, visit, ct) is { } refusal)
            {
                if (refusal.Code is not (LinkAsks.Pending or LinkAsks.SlowDown or LinkAsks.Left))
                {
                    LogRefused(log, refusal.Code, visit.Remote);
                }

                // A machine that proved its key and is not known, or asks to be, guessed nothing.
                if (refusal.Code is "bad_code" or "bad_proof" or "other_key" or "unsupported_version")
                {
                    visit.ReportFailure();
                }

                await machine.RefuseAsync(refusal);
                return;
            }

            var by = enrolments.Find(proof.MachineId)?.AddedBy;
            var welcome = new LinkWelcome(1, s_version, options.MaxConnections, by);
            await link.SendAsync(LinkJson.Write(LinkKind.Welcome, 0, welcome, LinkTypes.Default.LinkWelcome), ct);
            using var entry = machines.Add(machine, time.GetUtcNow());
            LogConnected(log, proof.MachineId, visit.Remote, proof.Version);
            await machine.RunAsync(ct);
        }
        catch (LinkException e) when (e.Error is LinkError.Malformed or LinkError.WindowExceeded or LinkError.TooSlow)
        {
            LogBroken(log, machine?.MachineId ?? "-", visit.Remote, e.Message);
            visit.ReportFailure();
            machine ??= new RemoteMachine("-", link, 0);
            await machine.RefuseAsync(new LinkRefusal(e.Error == LinkError.TooSlow ? "too_slow" : "malformed", e.Message));
        }
        catch (GatewayRefusal e)
        {
            // Nothing that the machine did: its owner is told in general, the gateway's in full.
            LogUnable(log, machine?.MachineId ?? "-", e.Message);
            machine ??= new RemoteMachine("-", link, 0);
            await machine.RefuseAsync(e.Reason == RefusalReason.TooMany
                ? new LinkRefusal("too_many_machines", "This gateway has as many machines as it can have.")
                : new LinkRefusal("unavailable", "This gateway can't use its list of machines; its log says why."));
        }
        catch (Exception e) when (e is LinkException or OperationCanceledException)
        {
            // The connection is over: the usual end.
        }

        if (machine is not null)
        {
            LogEnded(log, machine.MachineId);
        }
    }

    private async Task<LinkProof> ProofAsync(LinkSocket link, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(s_proofLimit, time);
        try
        {
            // Not cancelled: that would cut the connection, and with it the reason.
            var frame = await link.ReceiveAsync(ct).AsTask().WaitAsync(limit.Token)
                ?? throw new LinkException(LinkError.Lost, "The machine left.");
            return LinkJson.Read(frame, LinkKind.Proof, LinkTypes.Default.LinkProof);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new LinkException(LinkError.TooSlow, "The machine did not prove itself in time.");
        }
    }

    /// <summary>Why the machine is not taken; null: it is.</summary>
    private async Task<LinkRefusal?> RefusalAsync(LinkProof proof, string origin, string nonce, Visit visit, CancellationToken ct)
    {
        if (proof.V != 1)
        {
            return new LinkRefusal(
                "unsupported_version", "This gateway speaks version 1 of the link. Update the older of the two programs.");
        }

        if (!MachineIds.IsValid(proof.MachineId) || !MachineKey.HasSigned(proof, origin, nonce))
        {
            return new LinkRefusal("bad_proof",
                $"The proof of the machine's key is not valid here. The machine must use an address that this gateway knows: {origin}");
        }

        var known = enrolments.Find(proof.MachineId);
        if (known is not null && known.SigningKey != proof.SigningKey)
        {
            return new LinkRefusal("other_key", "A machine with this id and another key is known here.");
        }

        if (proof.Ask == LinkAsks.Leave)
        {
            return await ForgetAsync(proof, known, ct);
        }

        if (proof.Code is not { } code)
        {
            return known is not null ? null : AskedRefusal(proof, visit);
        }

        var label = MachineLabels.Shown(proof.Label, proof.MachineId);
        // One that is known came by this code before, and its answer was lost.
        return await enrolments.TryEnrolAsync(code, proof.MachineId, proof.SigningKey, label, ct) || known is not null ? null
            : new LinkRefusal(
                "bad_code", "This code is not valid, was used, or has ended. On the gateway, type: pocketcoder gateway invite");
    }

    /// <summary>What a machine that is not known is told: where people let machines in, one that asks for it is put before them.</summary>
    private LinkRefusal AskedRefusal(LinkProof proof, Visit visit)
    {
        if (logins is null || proof.Ask is not (LinkAsks.Add or LinkAsks.Wait))
        {
            return new LinkRefusal(Unknown, "This machine is not known here. On the gateway, type: pocketcoder gateway invite");
        }

        if (proof.Ask == LinkAsks.Wait)
        {
            return logins.Poll(proof);
        }

        var told = logins.Begin(proof, visit.Caller, MachineLabels.Shown(proof.Label, proof.MachineId));
        LogAsked(log, proof.MachineId, visit.Remote, told.Code);
        return told;
    }

    /// <summary>A machine says goodbye: it is not known from now on. One that was not known is not either.</summary>
    private async Task<LinkRefusal> ForgetAsync(LinkProof proof, EnrolledMachine? known, CancellationToken ct)
    {
        logins?.Forget(proof);
        if (known is not null) // strangers write nothing
        {
            await enrolments.RemoveAsync(proof.MachineId, ct);
            machines.End(proof.MachineId);
            LogLeft(log, proof.MachineId);
        }

        return new LinkRefusal(LinkAsks.Left, "This gateway has forgotten the machine.");
    }

    /// <summary>The address as the machine must have dialled it: the doorkeeper let only names of ours in.</summary>
    private string OriginOf(HttpContext context)
        => LinkProofs.OriginOf(new Uri($"{(options.HasTls || options.BehindProxy ? "https" : "http")}://{context.Request.Host}"));

    [LoggerMessage(EventId = 2050, Level = LogLevel.Information, Message = "Machine {Machine} connected from {Remote}, version {Version}")]
    private static partial void LogConnected(ILogger log, string machine, IPAddress? remote, string version);

    [LoggerMessage(EventId = 2051, Level = LogLevel.Information, Message = "Machine {Machine} is gone")]
    private static partial void LogEnded(ILogger log, string machine);

    [LoggerMessage(EventId = 2052, Level = LogLevel.Warning, Message = "A machine was refused ({Code}), from {Remote}")]
    private static partial void LogRefused(ILogger log, string code, IPAddress? remote);

    [LoggerMessage(EventId = 2053, Level = LogLevel.Warning,
        Message = "Machine {Machine} from {Remote} broke the rules of the link: {Why}")]
    private static partial void LogBroken(ILogger log, string machine, IPAddress? remote, string why);

    [LoggerMessage(EventId = 2057, Level = LogLevel.Information,
        Message = "Machine {Machine} asks from {Remote} to be let in: {Told}")]
    private static partial void LogAsked(ILogger log, string machine, IPAddress? remote, string told);

    [LoggerMessage(EventId = 2058, Level = LogLevel.Information, Message = "Machine {Machine} left this gateway")]
    private static partial void LogLeft(ILogger log, string machine);

    [LoggerMessage(EventId = 2056, Level = LogLevel.Error, Message = "Machine {Machine} could not be taken: {Why}")]
    private static partial void LogUnable(ILogger log, string machine, string why);
}
