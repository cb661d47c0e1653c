using PocketCoder.Processes;

namespace PocketCoder.Machine.Sessions.Watching;

internal enum ProcessState
{
    /// <summary>It used the processor since the last look.</summary>
    Works,

    /// <summary>It did not.</summary>
    Sleeps,

    /// <summary>It was stopped by a signal and does nothing until it is continued.</summary>
    Stopped,

    /// <summary>It ended.</summary>
    Gone,
}

/// <summary>Looks at one agent's process and all that it started, again and again. One caller at a time.</summary>
internal sealed class ProcessProbe(ProcessIdentity process)
{
    private long? _cpu;

    public ProcessIdentity Process => process;

    /// <summary>Null the first time for one that runs: how busy it is shows by comparing.</summary>
    public ProcessState? Again()
    {
        if (ProcessGroup.Usage(process) is not { } now)
        {
            return ProcessState.Gone;
        }

        var before = _cpu;
        _cpu = now.CpuTicks;
        return now.IsStopped ? ProcessState.Stopped
            : before is null ? null
            : now.CpuTicks > before ? ProcessState.Works
            : ProcessState.Sleeps;
    }

    /// <summary>Costs one file read: whether it is gone.</summary>
    public bool IsGone() => !ProcessGroup.IsAlive(process);
}
