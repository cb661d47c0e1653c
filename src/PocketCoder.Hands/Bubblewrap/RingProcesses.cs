using PocketCoder.Processes;

namespace PocketCoder.Hands.Bubblewrap;

/// <summary>Looks from the host into the second ring of one command: <c>NSpid</c> in /proc/pid/status (proc(5)) tells a process's number in each namespace.</summary>
internal static class RingProcesses
{
    private const int Depth = 3; // host, ring one, ring two

    /// <summary>The init of the command's own ring; with it ends everything in it.</summary>
    public static ProcessIdentity? Init(ProcessIdentity leader)
        => ProcessGroup.WithDescendants(leader).FirstOrDefault(p => NumberInRing(p.Pid) == 1);

    /// <summary>The command and what it started, without the init.</summary>
    public static IEnumerable<ProcessIdentity> Command(ProcessIdentity leader)
        => ProcessGroup.WithDescendants(leader).Where(p => NumberInRing(p.Pid) > 1);

    /// <summary>Its pid within the second ring, 0 when it is not in one.</summary>
    private static int NumberInRing(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("NSpid:", StringComparison.Ordinal));
            var numbers = line?[6..].Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries) ?? [];
            return numbers.Length == Depth && int.TryParse(numbers[^1], out var number) ? number : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // ended meanwhile
        }
    }
}
