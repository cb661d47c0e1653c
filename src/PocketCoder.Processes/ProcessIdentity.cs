namespace PocketCoder.Processes;

/// <summary>
/// A process that can be recognised again, also by a later daemon: a pid alone is reused by the kernel,
/// so its start time (clock ticks since boot, <c>/proc/&lt;pid&gt;/stat</c> field 22) and the boot id go with it.
/// </summary>
/// <param name="Pid">Process id; also the id of its process group and session, since every process here is started as a group
/// leader.</param>
public sealed record ProcessIdentity(int Pid, long StartTicks, string BootId)
{
    /// <summary>
    /// In <see cref="OwnedProcess.MarkVariable"/> in the environment of the process, of everything it started and of what works for it. It
    /// finds descendants that left the process group (Claude starts its shell in a session of its own) after their parent is gone. Null for
    /// a process that was not started here.
    /// </summary>
    public string? Mark { get; init; }

    /// <summary>
    /// Whatever will be started with this mark on this boot: an identity that can be written down before there is a process, so that a
    /// crash right after the start leaves nothing unknown. Process id 0 belongs to nobody; only the mark counts.
    /// </summary>
    public static ProcessIdentity ToCome(string mark) => new(0, 0, ProcessTable.BootId) { Mark = mark };
}
