using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PocketCoder.Processes;

/// <summary>
/// Hands this program's terminal to another program until that ends: a person goes on there, with the person's own environment.
/// </summary>
public static class ForegroundRun
{
    /// <param name="program">Name or path; looked for on PATH.</param>
    /// <param name="environment">Added to this program's own.</param>
    /// <param name="started">Is told the process id as soon as it runs; whatever it throws is thrown when the program has ended.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="IOException">It could not be started.</exception>
    public static async Task<int> RunAsync(
        string program, IReadOnlyList<string> arguments, string workingDirectory, IReadOnlyDictionary<string, string> environment,
        Func<int, Task> started, CancellationToken ct)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, WorkingDirectory = workingDirectory };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        // Keys that signal go to all of the terminal's foreground group: they are the other program's business.
        using var interrupts = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var quits = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, signal => signal.Cancel = true);
        try
        {
            using var process = Process.Start(start) ?? throw new IOException($"{program} could not be started.");
            var told = started(process.Id);
            await process.WaitForExitAsync(ct);
            await told;
            return process.ExitCode;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program} could not be started: {e.Message}", e);
        }
    }
}
