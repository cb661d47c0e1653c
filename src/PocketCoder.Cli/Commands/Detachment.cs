using System.Runtime.InteropServices;

namespace PocketCoder.Cli.Commands;

/// <summary>How a daemon leaves the terminal it was started from. It does so itself, because .NET can start a process only with its own streams or pipes.</summary>
internal static partial class Detachment
{
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

    /// <summary>Points the standard streams away from the terminal; what the runtime itself says from now on goes to <paramref name="file"/> (mode 0600).</summary>
    public static void LeaveTerminal(string file)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var nothing = Open("/dev/null", ReadOnly, 0);
        var output = Open(file, OperatingSystem.IsMacOS() ? WriteCreateTruncateMac : WriteCreateTruncate, 0x180);
        if (nothing < 0 || output < 0)
        {
            throw new IOException($"{file} can't be written (error {Marshal.GetLastPInvokeError()}).");
        }

        _ = Dup2(nothing, 0);
        _ = Dup2(output, 1);
        _ = Dup2(output, 2);
        _ = Close(nothing);
        _ = Close(output);
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int SetSid();

    // open(2) is variadic; passing the mode as a third integer is how every 64-bit Linux ABI passes it. Apple's arm64 does not, and gets the umask's mode.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Dup2(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
