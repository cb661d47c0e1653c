using System.Diagnostics;
using PocketCoder.Testing;

namespace PocketCoder.Ledger.Tests;

internal static class Command
{
    public static ProcessStartInfo Start(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo
        { FileName = program, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    /// <summary>Runs a program to its end, for at most a minute.</summary>
    public static async Task<(int Exit, string Output, string Errors)> RunAsync(string program, params IEnumerable<string> arguments)
    {
        using var limit = new CancellationTokenSource(Wait.Limit);
        using var process = Process.Start(Start(program, arguments))!;
        var output = process.StandardOutput.ReadToEndAsync(limit.Token);
        var errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output, await errors);
    }
}
