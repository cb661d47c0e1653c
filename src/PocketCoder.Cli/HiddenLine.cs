using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Cli;

/// <summary>
/// A line that a person types at the terminal and nobody sees: the echo is off from before the question until the line has ended, also
/// between the keys of what is pasted. Keys that stop or end the program do so, and leave the terminal as it was. Linux and macOS.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed class HiddenLine : IDisposable
{
    private const int Input = 0;
    private const int AfterOutput = 1; // TCSADRAIN on Linux and macOS
    private const int RoomForTermios = 512; // more than any system's structure has
    private const int LongestLine = 64 * 1024;
    private const byte EndOfFile = 4; // Ctrl-D
    private const byte Backspace = 8;
    private const byte Delete = 127;
    private const byte KillLine = 21; // Ctrl-U

    private readonly byte[] _before;
    private readonly PosixSignalRegistration[] _signals;

    private HiddenLine(byte[] before)
    {
        _before = before;
        // Whoever ends by a signal runs nothing more; whoever goes on after Ctrl-Z has the shell's settings.
        _signals =
        [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }
                .Select(s => PosixSignalRegistration.Create(s, _ => Apply(_before))),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => Apply(Silent(_before))),
        ];
    }

    /// <param name="question">Written to standard error, since standard output may be a file.</param>
    /// <returns>Without the line's end; what was typed before Ctrl-D.</returns>
    /// <exception cref="IOException">This is no terminal, or the line has more than 64 KiB.</exception>
    public static string Ask(string question)
    {
        var before = new byte[RoomForTermios];
        if (TerminalCalls.GetSettings(Input, before) != 0)
        {
            throw new IOException($"Can't read the terminal's settings (error {Marshal.GetLastPInvokeError()}).");
        }

        using var hidden = new HiddenLine(before);
        Apply(Silent(before));
        Console.Error.Write(question);
        var line = Read();
        Console.Error.WriteLine();
        return line;
    }

    public void Dispose()
    {
        Apply(_before);
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }
    }

    private static string Read()
    {
        using var input = new FileStream(new SafeFileHandle(Input, ownsHandle: false), FileAccess.Read, bufferSize: 0);
        List<byte> line = [];
        var one = new byte[1]; // what follows the line is for whoever reads next
        while (input.Read(one) == 1 && one[0] is not ((byte)'\r' or (byte)'\n' or EndOfFile))
        {
            switch (one[0])
            {
                case Backspace or Delete:
                    Shorten(line);
                    break;
                case KillLine:
                    line.Clear();
                    break;
                case >= (byte)' ':
                    line.Add(one[0]);
                    break;
            }

            if (line.Count > LongestLine)
            {
                throw new IOException($"A line has at most {LongestLine} bytes. Pipe it instead.");
            }
        }

        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(line));
    }

    /// <summary>Takes the last character away, which may be several bytes.</summary>
    private static void Shorten(List<byte> line)
    {
        while (line.Count > 0)
        {
            var last = line[^1];
            line.RemoveAt(line.Count - 1);
            if ((last & 0xC0) != 0x80)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Without echo and without the terminal's own editing, which takes no line of more than 4,095 bytes. Signals stay. The fourth number
    /// of termios(3) are the local flags; numbers are 32 bits on Linux and 64 on macOS.
    /// </summary>
    private static byte[] Silent(byte[] before)
    {
        var (at, echo, editing) = OperatingSystem.IsMacOS() ? (24, 0x8u, 0x100u) : (12, 0x8u, 0x2u);
        var silent = before.AsSpan().ToArray();
        var flags = silent.AsSpan(at, sizeof(uint));
        BinaryPrimitives.WriteUInt32LittleEndian(flags, BinaryPrimitives.ReadUInt32LittleEndian(flags) & ~(echo | editing));
        return silent;
    }

    private static void Apply(byte[] settings) => _ = TerminalCalls.SetSettings(Input, AfterOutput, settings);
}
