namespace PocketCoder.Sandboxes.Execution;

/// <summary>Reads an exit code as a shell writes it.</summary>
internal static class ExecOutcomes
{
    private const int SignalBase = 128, LastSignal = 64;

    public static ExecOutcome From(int code, TimeSpan duration, bool timedOut, bool killed, bool lost, string? overLimit = null)
    {
        int? signal = code is > SignalBase and <= SignalBase + LastSignal ? code - SignalBase : null;
        if (overLimit is not null)
        {
            return new(ExecEnd.OverLimit, code, signal, duration, overLimit);
        }

        var end = (timedOut, killed, lost) switch
        {
            (true, _, _) => ExecEnd.TimedOut,
            (_, true, _) => ExecEnd.Killed,
            (_, _, true) => ExecEnd.Lost,
            _ => signal is null ? ExecEnd.Exited : ExecEnd.Signalled,
        };
        return end is ExecEnd.Lost ? new(end, -1, null, duration) : new(end, code, signal, duration);
    }
}
