using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PocketCoder.Gateway;
using PocketCoder.Gateway.Relay.Machines;
using PocketCoder.Testing;

namespace PocketCoder.Machine.Tests.Linking;

/// <summary>A gateway that machines find at one port, however often it is stopped and started.</summary>
internal static class GatewayAtPort
{
    /// <summary>
    /// Starts one. The port may be taken for a moment, also by one that was stopped: a program that another test starts has copies of all
    /// sockets of this process until it has begun.
    /// </summary>
    /// <param name="accounts">The file of its people; null: it has none.</param>
    public static async Task<GatewayServer> StartAsync(int port, LinkedMachines machines, string enrolments, string? accounts = null)
    {
        var options = GatewayOptions.Default with
        {
            Listen = [new IPEndPoint(IPAddress.Loopback, port)],
            EnrolmentFile = enrolments,
            AccountsFile = accounts,
            ConnectBurst = 1000,
        };
        GatewayServer? started = null;
        await Wait.UntilAsync(
            async () =>
            {
                try
                {
                    started = await GatewayServer.StartAsync(options, machines, NullLoggerFactory.Instance, TimeProvider.System);
                    return true;
                }
                catch (GatewayRefusal e) when (e.Reason == RefusalReason.PortBusy)
                {
                    return false;
                }
            },
            $"port {port}");
        return started!;
    }
}
