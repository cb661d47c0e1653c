using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>
/// Looks from the host into the second ring of one command: <c>NSpid</c> in /proc/pid/status (proc(5)) tells a process's number in each
/// namespace.
/// </summary>
internal static class SandboxProcesses
{
    private const int Depth = 3; // host, ring one, ring two

    /// <summary>The init of the command's own ring; with it ends everything in it.</summary>
    public static ProcessIdentity? Init(ProcessIdentity leader)
        => ProcessGroup.WithDescendants(leader).FirstOrDefault(p => NumberInRing(p.Pid) == 1);

    /// <summary>Whether this is the first process of a second ring.</summary>
    public static bool IsInit(int pid) => NumberInRing(pid) == 1;

    /// <summary>The command and what it started, without the init.</summary>
    public static IEnumerable<ProcessIdentity> Command(ProcessIdentity leader)
        => ProcessGroup.WithDescendants(leader).Where(p => NumberInRing(p.Pid) > 1);

    /// <summary>
    /// Whether it runs and nobody has killed it. A process namespace takes a moment to die: its init is still in the table while commands
    /// that try to enter already fail.
    /// </summary>
    public static bool IsWhole(ProcessIdentity holder)
    {
        const ulong killed = 1UL << 8;
        const uint exiting = 0x4; // PF_EXITING
        try
        {
            foreach (var line in File.ReadLines($"/proc/{holder.Pid}/status"))
            {
                if ((line.StartsWith("SigPnd:", StringComparison.Ordinal) || line.StartsWith("ShdPnd:", StringComparison.Ordinal))
                    && ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var pending)
                    && (pending & killed) != 0)
                {
                    return false;
                }
            }

            var stat = File.ReadAllText($"/proc/{holder.Pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // from field 3 on; the flags are field 9
            return !(uint.TryParse(fields[6], NumberStyles.None, CultureInfo.InvariantCulture, out var flags) && (flags & exiting) != 0)
                && ProcessGroup.IsAlive(holder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // gone
        }
    }

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
