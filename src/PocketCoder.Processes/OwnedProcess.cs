// The one place that uses the banned starters: everything else comes through here.
#pragma warning disable RS0030

using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace PocketCoder.Processes;

/// <summary>
/// A child process that leads its own session and process group, with an environment built from nothing, argument lists and three pipes.
/// It is ended as a whole: see <see cref="ProcessGroup"/>. Streams are for one reader and one writer each; the rest is thread-safe. Linux
/// only.
/// </summary>
public sealed class OwnedProcess : IAsyncDisposable
{
    /// <summary>The one variable added to every environment: an id that finds descendants again. No secret.</summary>
    public const string MarkVariable = "PROCESS_MARK";

    /// <summary>Between the marks of a process and of those that it works for.</summary>
    internal const char MarkSeparator = '/';

    private static readonly TimeSpan s_disposeGrace = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly TimeProvider _time;
    // kept: a disposed Process names them no more, and says so by an exception that nobody foresees
    private Stream? _input, _output, _error;

    private OwnedProcess(Process process, string mark, long earliest, TimeProvider time)
    {
        _process = process;
        _time = time;

        // It may have ended already, and even be reaped. Then it began no earlier than this: others that bear the same mark and began
        // before are not what it started.
        Identity = new ProcessIdentity(process.Id, ProcessTable.Find(process.Id)?.StartTicks ?? earliest, ProcessTable.BootId)
        { Mark = mark };
        Exited = WaitAsync(process);
    }

    public ProcessIdentity Identity { get; }

    /// <exception cref="ObjectDisposedException">It was given up before anybody asked for this stream.</exception>
    public Stream StandardInput => _input ??= Pipe(static p => p.StandardInput.BaseStream);

    /// <exception cref="ObjectDisposedException">It was given up before anybody asked for this stream.</exception>
    public Stream StandardOutput => _output ??= Pipe(static p => p.StandardOutput.BaseStream);

    /// <exception cref="ObjectDisposedException">It was given up before anybody asked for this stream.</exception>
    public Stream StandardError => _error ??= Pipe(static p => p.StandardError.BaseStream);

    /// <summary>
    /// Completes with the exit code when the leader ended (128 + n: by signal n). Its pipes may still be held open by what it started.
    /// </summary>
    public Task<int> Exited { get; }

    /// <summary>A mark that nothing bears yet.</summary>
    public static string NewMark() => Guid.CreateVersion7().ToString("N", CultureInfo.InvariantCulture);

    /// <summary>Starts the process.</summary>
    /// <exception cref="ProcessStartException">Program or directory is missing, or the system refuses.</exception>
    public static OwnedProcess Start(ProcessStart start, TimeProvider time)
    {
        var program = Executables.Find(start.Program, start.Environment.GetValueOrDefault("PATH"))
            ?? throw new ProcessStartException($"No program {start.Program} that can be run.");
        if (!Path.IsPathFullyQualified(start.WorkingDirectory) || !Directory.Exists(start.WorkingDirectory))
        {
            throw new ProcessStartException($"No directory {start.WorkingDirectory}.");
        }

        var setsid = Executables.Find("setsid", "/usr/bin:/bin:/usr/local/bin")
            ?? throw new ProcessStartException("No setsid on this machine: install util-linux.");

        // util-linux setsid(1) forks only when it is already a group leader. A child of .NET is not: it makes the session and
        // executes the program in place, so pid = process group = session.
        var info = new ProcessStartInfo(setsid)
        {
            WorkingDirectory = start.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.ArgumentList.Add("--");
        info.ArgumentList.Add(program);
        foreach (var argument in start.Arguments)
        {
            info.ArgumentList.Add(argument);
        }

        var mark = start.Mark ?? NewMark();
        info.Environment.Clear();
        foreach (var (name, value) in start.Environment)
        {
            info.Environment[name] = value;
        }

        info.Environment[MarkVariable] = start.Within is { } outer ? $"{outer}{MarkSeparator}{mark}" : mark;
        Native.KeepDescriptorsFromChildren();
        Native.LetChildrenHaveBrokenPipe();
        var earliest = ProcessTable.Ticks;
        var child = new Process { StartInfo = info };
        try
        {
            child.Start();
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
        {
            child.Dispose();
            throw new ProcessStartException($"{program} could not be started: {e.Message}", e);
        }

        return new OwnedProcess(child, mark, earliest, time);
    }

    /// <summary>
    /// Gives it up: closes our ends of its pipes and lets it run on by itself. For what must outlive the daemon; find it again by
    /// <see cref="Identity"/>.
    /// </summary>
    public void Release() => _process.Dispose();

    /// <summary>SIGTERM to the whole group, <paramref name="grace"/>, SIGKILL. Returns whether all are gone.</summary>
    public async Task<bool> KillAsync(TimeSpan grace) => await ProcessGroup.KillAsync(Identity, grace, _time);

    /// <summary>Ends whatever still runs (2 s of grace) and closes the pipes.</summary>
    public async ValueTask DisposeAsync()
    {
        await KillAsync(s_disposeGrace);
        _process.Dispose();
    }

    private Stream Pipe(Func<Process, Stream> of)
    {
        try
        {
            return of(_process);
        }
        catch (InvalidOperationException e)
        {
            throw new ObjectDisposedException("The process was given up.", e);
        }
    }

    private static async Task<int> WaitAsync(Process process)
    {
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
