using System.Runtime.InteropServices;
using PocketCoder.Platform.Calls;

namespace PocketCoder.Cli.Attaching;

/// <summary>
/// The terminal hands on every key as it is (termios(3), cfmakeraw) until disposed. It is put back also when the program ends in another
/// way, short of being killed. Not on Windows.
/// </summary>
internal sealed class RawMode : IDisposable
{
    /// <summary>More than any system's structure has; its layout is never looked at.</summary>
    private const int RoomForTermios = 512;

    private const int Input = 0;
    private const int AfterOutput = 1; // TCSADRAIN on Linux and macOS

    private readonly byte[] _before;
    private int _restored;

    private RawMode(byte[] before)
    {
        _before = before;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Whether a person sits at both ends.</summary>
    public static bool IsTerminal => !OperatingSystem.IsWindows() && TerminalCalls.IsATty(Input) == 1 && TerminalCalls.IsATty(1) == 1;

    /// <exception cref="IOException">This is no terminal.</exception>
    public static RawMode Enter()
    {
        var before = new byte[RoomForTermios];
        if (TerminalCalls.GetSettings(Input, before) != 0)
        {
            throw new IOException($"Can't read the terminal's settings (error {Marshal.GetLastPInvokeError()}).");
        }

        var raw = before.AsSpan().ToArray();
        TerminalCalls.MakeRaw(raw);
        var mode = new RawMode(before);
        if (TerminalCalls.SetSettings(Input, AfterOutput, raw) != 0)
        {
            mode.Dispose();
            throw new IOException($"Can't change the terminal's settings (error {Marshal.GetLastPInvokeError()}).");
        }

        return mode;
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        Restore();
    }

    private void OnExit(object? sender, EventArgs e) => Restore();

    private void Restore()
    {
        if (Interlocked.Exchange(ref _restored, 1) == 0)
        {
            _ = TerminalCalls.SetSettings(Input, AfterOutput, _before);
        }
    }
}
