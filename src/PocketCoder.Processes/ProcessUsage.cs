namespace PocketCoder.Processes;

/// <summary>How busy processes are. To be compared with a later one.</summary>
/// <param name="CpuTicks">Processor time that those of them used that run now, in hundredths of a second.</param>
/// <param name="ResidentBytes">Memory that they have in RAM now. What they share is counted for each, so it is rather too much than too
/// little.</param>
/// <param name="IsStopped">The first of them was stopped by a signal and does nothing until it is continued.</param>
public readonly record struct ProcessUsage(long CpuTicks, long ResidentBytes, bool IsStopped);
