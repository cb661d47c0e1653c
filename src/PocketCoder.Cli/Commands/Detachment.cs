using System.Globalization;
using System.Runtime.InteropServices;
using static PocketCoder.Platform.Calls.FileCalls;
using static PocketCoder.Platform.Calls.ProcessCalls;

namespace PocketCoder.Cli.Commands;

/// <summary>
/// How a daemon leaves the terminal it was started from. It does so itself, because .NET can start a process only with its own streams or
/// pipes.
/// </summary>
internal static class Detachment
{
    private const string Descriptors = "/proc/self/fd";
    private const int ReadOnly = 0;
    private const int WriteCreateTruncate = 0x241; // O_WRONLY | O_CREAT | O_TRUNC on Linux
    private const int WriteCreateTruncateMac = 0x601;

    /// <summary>Leads a session of its own: a Ctrl-C or the end of the terminal is not for it. Does nothing where there are none.</summary>
    public static void LeaveSession()
    {
        if (!OperatingSystem.IsWindows())
        {
            _ = SetSid(); // fails only for who leads a group already, and then there is nothing to leave
        }
    }

    /// <summary>
    /// Points the standard streams away from the terminal (or from the pipe whose reader waits for its end), with every copy of them that
    /// the runtime's console has made; what the runtime itself says from now on goes to <paramref name="file"/> (mode 0600).
    /// </summary>
    public static void LeaveTerminal(string file)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var nothing = OpenPath("/dev/null", ReadOnly, 0);
        var output = OpenPath(file, OperatingSystem.IsMacOS() ? WriteCreateTruncateMac : WriteCreateTruncate, 0x180);
        if (nothing < 0 || output < 0)
        {
            throw new IOException($"Can't write {file} (error {Marshal.GetLastPInvokeError()}).");
        }

        foreach (var (descriptor, stream) in Standard())
        {
            _ = CopyDescriptor(stream == 0 ? nothing : output, descriptor);
        }

        _ = CloseDescriptor(nothing);
        _ = CloseDescriptor(output);
    }

    /// <summary>
    /// The descriptors that are a standard stream or a copy of one. A copy is replaced in place, so whoever owns it notices nothing.
    /// </summary>
    private static List<(int Descriptor, int Stream)> Standard()
    {
        List<(int Descriptor, int Stream)> found = [(0, 0), (1, 1), (2, 2)];
        if (!Directory.Exists(Descriptors))
        {
            return found;
        }

        var streams = found.ConvertAll(s => (Target: Target(s.Descriptor), s.Stream));
        foreach (var entry in Directory.EnumerateFileSystemEntries(Descriptors))
        {
            // What is no pipe, socket or terminal (a file, /dev/null) keeps nobody waiting and is not worth a mistake.
            if (int.TryParse(Path.GetFileName(entry.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
                && descriptor > 2
                && Target(descriptor) is { } target
                && (target.StartsWith("pipe:", StringComparison.Ordinal) || target.StartsWith("socket:", StringComparison.Ordinal)
                    || target.StartsWith("/dev/", StringComparison.Ordinal))
                && target != "/dev/null"
                && streams.FindIndex(s => s.Target == target) is >= 0 and var i)
            {
                found.Add((descriptor, streams[i].Stream));
            }
        }

        return found;
    }

    private static string? Target(int descriptor) => new FileInfo($"{Descriptors}/{descriptor}").LinkTarget;
}
