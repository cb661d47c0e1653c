using System.Diagnostics;
using System.Text;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>A program under test with its two outputs. What still runs when the test is over is ended by its process id.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();
    private readonly Task _reading;

    private RunningProgram(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _out), ReadAsync(process.StandardError, _error));
    }

    public int Pid => _process.Id;

    public bool HasExited => _process.HasExited;

    /// <summary>What it has said so far.</summary>
    public string Out => Text(_out);

    public string Error => Text(_error);

    public static RunningProgram Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment,
        string directory, string input = "")
    {
        var info = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            info.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
        {
            info.Environment[name] = value; // null removes it
        }

        var process = Process.Start(info)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return new RunningProgram(process);
    }

    /// <summary>Waits for its end and the end of its outputs: a daemon that kept them would show here.</summary>
    public async Task<Ran> EndAsync(TimeSpan? limit = null)
    {
        try
        {
            await Task.WhenAll(_process.WaitForExitAsync(), _reading).WaitAsync(limit ?? Wait.Limit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(
                $"{(_process.HasExited ? "it ended but something holds its outputs" : "it did not end")}\n--- out\n{Out}\n--- error\n{Error}", e);
        }

        return new Ran(_process.ExitCode, Out, Error);
    }

    public async Task SignalAsync(string signal) => await SignalAsync(Pid, signal);

    public static async Task SignalAsync(int pid, string signal)
    {
        await using var kill = Start(
            "/bin/sh", ["-c", $"kill -s {signal} {pid}"], new Dictionary<string, string?>(StringComparer.Ordinal), "/");
        (await kill.EndAsync()).Succeeded();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    private static async Task ReadAsync(StreamReader reader, StringBuilder text)
    {
        var buffer = new char[4096];
        int count;
        while ((count = await reader.ReadAsync(buffer)) > 0)
        {
            lock (text)
            {
                text.Append(buffer, 0, count);
            }
        }
    }
}
