using Microsoft.Extensions.Logging;

namespace PocketCoder.Gateway.Relay.Machines;

/// <summary>Ends the connections of machines that were removed while the gateway runs, from the command line. Owns its work.</summary>
internal sealed partial class EnrolmentWatch : IAsyncDisposable
{
    /// <summary>How often the file is looked at: a removed machine is gone within this.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public EnrolmentWatch(Enrolments enrolments, LinkedMachines machines, TimeProvider time, ILogger<EnrolmentWatch> log)
        => _running = RunAsync(enrolments, machines, time, log, _stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private static async Task RunAsync(
        Enrolments enrolments, LinkedMachines machines, TimeProvider time, ILogger log, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_period, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                DisconnectRemoved(enrolments, machines, log);
            }
        }
        catch (OperationCanceledException)
        {
            // the gateway stops
        }
    }

    private static void DisconnectRemoved(Enrolments enrolments, LinkedMachines machines, ILogger log)
    {
        try
        {
            // Those that are connected first: one that comes in between is in the file.
            if (machines.Now is { Count: > 0 } now)
            {
                var known = enrolments.Machines.Select(m => m.MachineId).ToHashSet(StringComparer.Ordinal);
                foreach (var (machine, _, _) in now.Where(m => !known.Contains(m.MachineId)))
                {
                    LogRemoved(log, machine);
                    machines.End(machine);
                }
            }
        }
        catch (GatewayRefusal e)
        {
            LogUnreadable(log, e.Message); // who is connected stays, nobody new comes in
        }
    }

    [LoggerMessage(EventId = 2054, Level = LogLevel.Information, Message = "Machine {Machine} was removed; its connection ends")]
    private static partial void LogRemoved(ILogger log, string machine);

    [LoggerMessage(EventId = 2055, Level = LogLevel.Error, Message = "The list of machines can't be read: {Why}")]
    private static partial void LogUnreadable(ILogger log, string why);
}
