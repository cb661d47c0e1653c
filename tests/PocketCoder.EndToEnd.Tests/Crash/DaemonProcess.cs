// The daemon under test is a program of its own, started and killed as the kernel's out-of-memory killer would.
#pragma warning disable RS0030

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using PocketCoder.Machine;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Crash;

/// <summary>The real program, <c>pocketcoder start --foreground</c>, as one process that can be killed at any moment.</summary>
internal sealed class DaemonProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly TaskCompletionSource _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _disposed;

    private DaemonProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) =>
        {
            // Printed when devices can connect.
            if (line.Data?.Contains("  Open ", StringComparison.Ordinal) == true)
            {
                _listening.TrySetResult();
            }
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                _errors.AppendLine(line.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>What it wrote to its log so far.</summary>
    public string Log
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it and does not wait.</summary>
    public static DaemonProcess Launch(Home home, int port, IReadOnlyDictionary<string, string> environment, bool demo)
        => new(Start(home, environment,
            ["start", "--foreground", "--sandbox", "none", "--listen", $"127.0.0.1:{port}", .. demo ? ["--demo"] : Array.Empty<string>()]));

    /// <summary>Starts it and waits until devices can connect.</summary>
    public static async Task<DaemonProcess> StartAsync(Home home, int port, IReadOnlyDictionary<string, string> environment, bool demo)
    {
        var daemon = Launch(home, port, environment, demo);
        try
        {
            await daemon.ListeningAsync();
            return daemon;
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs another command of the program to its end.</summary>
    public static async Task<(int Exit, string Output)> RunAsync(
        Home home, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using var process = Start(home, environment, arguments);
        return await EndAsync(process);
    }

    /// <summary>Runs a program of the system; false when it is not there or does not succeed.</summary>
    public static async Task<bool> SystemAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments)
            { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
            return (await EndAsync(process)).Exit == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static async Task<(int Exit, string Output)> EndAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        return (process.ExitCode, await output + await errors);
    }

    public async Task ListeningAsync()
    {
        var over = _process.WaitForExitAsync();
        if (await Task.WhenAny(_listening.Task, over).WaitAsync(Wait.Limit) == over && !_listening.Task.IsCompleted)
        {
            throw new InvalidOperationException($"the daemon did not start (exit code {_process.ExitCode}):\n{Log}");
        }
    }

    /// <summary>SIGKILL to this one process, at once; what it started lives on.</summary>
    public void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It was gone already.
        }
    }

    public Task GoneAsync() => _process.WaitForExitAsync().WaitAsync(Wait.Limit);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Kill();
        await GoneAsync();
        _process.Dispose();
    }

    private static Process Start(Home home, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(BuiltProgram.Path)
        { UseShellExecute = false, WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        start.Environment["HOME"] = home.Root;
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } runtime)
        {
            start.Environment["DOTNET_ROOT"] = runtime;
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        start.Environment["POCKETCODER_HOME"] = home.Root;
        start.Environment["POCKETCODER_PORT"] = "0"; // tests beside this one have ports of their own
        return Process.Start(start) ?? throw new InvalidOperationException($"{BuiltProgram.Path} does not start");
    }
}
