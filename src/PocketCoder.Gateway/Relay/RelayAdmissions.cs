using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PocketCoder.Accounts;

namespace PocketCoder.Gateway.Relay;

/// <summary>
/// Lets a device to a machine only for somebody who may meet it, and ends the connection once they may not any more: at once when it was
/// changed here, within a second when it was changed from the command line or ended by itself. Thread-safe.
/// </summary>
internal sealed partial class RelayAdmissions(SignIns signIns, TimeProvider time, ILogger<RelayAdmissions> log)
{
    /// <summary>A ticket comes as a subprotocol beside ours: pages can set no header, and addresses end up in logs.</summary>
    public const string TicketPrefix = "pocketcoder.ticket.";

    /// <summary>How often all are looked at.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<Admitted, byte> _admitted = [];

    /// <summary>
    /// Uses up the ticket among what a client offers. Null: it may not meet this machine, and was told so.
    /// </summary>
    public IDisposable? Enter(IList<string> offered, string machine, DeviceLink link)
    {
        var tickets = offered.Where(o => o.StartsWith(TicketPrefix, StringComparison.Ordinal)).ToList();
        var signIn = tickets is [var ticket] ? signIns.UseTicket(ticket[TicketPrefix.Length..], machine) : null;
        if (signIn is null)
        {
            LogNoTicket(log, link.Remote);
            link.RequestClose(RelayClose.SignInNeeded, "Sign in to this gateway first.");
            return null;
        }

        var admission = new Admitted(this, signIn, machine, link);
        _admitted[admission] = 0; // first, so that a change from here on ends it
        if (!End(admission))
        {
            return admission;
        }

        admission.Dispose();
        return null;
    }

    /// <summary>Ends the connections of those who may not have them any more.</summary>
    public void EndForbidden()
    {
        foreach (var admission in _admitted.Keys)
        {
            End(admission);
        }
    }

    /// <summary>Looks at all of them until it is stopped.</summary>
    public async Task WatchAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                EndForbidden();
            }
        }
        catch (OperationCanceledException)
        {
            // the gateway stops
        }
    }

    /// <summary>Ends the connection unless it is allowed. Whether it did.</summary>
    private bool End(Admitted admission)
    {
        try
        {
            if (signIns.MayMeet(admission.SignIn, admission.Machine))
            {
                admission.WasAllowed = true;
                return false;
            }

            LogEnded(log, admission.Link.ConnectionId);
            admission.Link.RequestClose(RelayClose.SignInNeeded, "This sign-in has ended, or may not reach this machine any more.");
            return true;
        }
        catch (AccountRefusal e)
        {
            var why = e.InnerException?.Message ?? e.Message;
            LogUnreadable(log, why);
            if (admission.WasAllowed)
            {
                return false; // who is connected stays, nobody new comes in
            }

            admission.Link.RequestClose(RelayClose.MachineFailed, e.Message);
            return true;
        }
    }

    [LoggerMessage(EventId = 2063, Level = LogLevel.Warning, Message = "A device without a ticket was refused, from {Remote}")]
    private static partial void LogNoTicket(ILogger log, System.Net.IPAddress? remote);

    [LoggerMessage(EventId = 2064, Level = LogLevel.Information, Message = "Connection {Connection} ends: its sign-in may not have it any more")]
    private static partial void LogEnded(ILogger log, string connection);

    [LoggerMessage(EventId = 2065, Level = LogLevel.Error, Message = "The list of people can't be used: {Why}")]
    private static partial void LogUnreadable(ILogger log, string why);

    private sealed class Admitted(RelayAdmissions owner, string signIn, string machine, DeviceLink link) : IDisposable
    {
        public string SignIn { get; } = signIn;

        public string Machine { get; } = machine;

        public DeviceLink Link { get; } = link;

        public bool WasAllowed { get; set; }

        public void Dispose() => owner._admitted.TryRemove(this, out _);
    }
}
