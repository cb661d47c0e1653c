// Beside OwnedProcess the one place that starts a process: the daemon must outlive the command that started it, so it is not owned.
#pragma warning disable RS0030

using System.ComponentModel;
using System.Diagnostics;

namespace PocketCoder.Processes;

/// <summary>
/// This very program, started once more with this terminal's streams and environment, but for its standard error, which the caller reads.
/// </summary>
public static class OwnProgram
{
    /// <summary>Starts it. The caller disposes the handle; the process goes on.</summary>
    /// <param name="arguments">Taken as they are, by no shell.</param>
    /// <param name="workingDirectory">An existing directory.</param>
    /// <param name="environment">Variables to set beside the ones this process has.</param>
    /// <exception cref="ProcessStartException">The program can't be found or started.</exception>
    public static Process StartAgain(
        IEnumerable<string> arguments, string workingDirectory, IReadOnlyDictionary<string, string> environment)
    {
        var program = Environment.ProcessPath ?? throw new ProcessStartException("The path of this program is unknown.");
        var start = new ProcessStartInfo(program)
        { UseShellExecute = false, WorkingDirectory = workingDirectory, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "pocketcoder.dll"));
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        Native.KeepDescriptorsFromChildren(); // what a shell or a lock file had open must not stay open as long as the daemon lives
        try
        {
            return Process.Start(start) ?? throw new ProcessStartException($"{program} could not be started.");
        }
        catch (Win32Exception e)
        {
            throw new ProcessStartException($"{program} could not be started: {e.Message}", e);
        }
    }
}
