using System.Globalization;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared.Acting;

/// <summary>
/// One <c>bash -c</c> that we run for an agent after a person allowed exactly this text: for agents whose own shell can't be held to what
/// was approved.
/// </summary>
internal sealed record ShellCommand(string CommandLine, string WorkingDirectory, TimeSpan TimeLimit)
{
    /// <summary>Bytes of output that the model gets.</summary>
    private const int OutputLimit = 256 * 1024;

    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(10);
    public static readonly TimeSpan MaxLimit = TimeSpan.FromHours(2);

    /// <summary>Runs it to its end; cancelled, the whole group is dead when this returns.</summary>
    /// <param name="environment">The whole environment: the basic allow-list, no keys of a model provider.</param>
    /// <param name="agent">The agent's mark, so that whatever outlives it or a killed daemon is found.</param>
    public async Task<ShellResult> RunAsync(
        IReadOnlyDictionary<string, string> environment, string? agent, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var start = new ProcessStart
            {
                Program = "bash",
                Arguments = ["-c", CommandLine],
                WorkingDirectory = WorkingDirectory,
                Environment = environment,
                Within = agent
            };
            var result = await CommandRun.RunAsync(start, TimeLimit, OutputLimit, time, cancellationToken);
            return new ShellResult(result.Output, result.ExitCode, result.TimedOut);
        }
        catch (ProcessStartException e)
        {
            return new ShellResult(e.Message, null, false);
        }
    }

    /// <summary>For the model: the output, then how it ended.</summary>
    public string Words(ShellResult result)
    {
        var output = result.Output.Length == 0 || result.Output.EndsWith('\n') ? result.Output : $"{result.Output}\n";
        return result switch
        {
            { TimedOut: true } => string.Create(CultureInfo.InvariantCulture, $"{output}[ended after {TimeLimit.TotalSeconds:0} s]"),
            { ExitCode: { } code } => string.Create(CultureInfo.InvariantCulture, $"{output}[exit code: {code}]"),
            _ => $"{output}[it could not be started]",
        };
    }
}

/// <param name="ExitCode">128 + n when it was ended by signal n; null: it never ran.</param>
internal sealed record ShellResult(string Output, int? ExitCode, bool TimedOut);
