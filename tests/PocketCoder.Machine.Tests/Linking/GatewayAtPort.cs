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
    /// Starts one, and waits while the port is taken: a program that another test starts is a copy of this process, listening sockets
    /// included, between fork and exec, so the port of a gateway that was stopped stays taken for that moment.
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
