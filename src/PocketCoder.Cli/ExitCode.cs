namespace PocketCoder.Cli;

/// <summary>What the program's exit code means; scripts rely on it.</summary>
internal static class ExitCode
{
    public const int Ok = 0;

    public const int Failure = 1;

    /// <summary>The command line itself was wrong.</summary>
    public const int Usage = 2;

    /// <summary>No daemon runs in this home.</summary>
    public const int NotRunning = 3;

    /// <summary><c>run</c>: the agent failed at the turn.</summary>
    public const int TurnFailed = 4;

    /// <summary><c>run</c>: the turn is over, and something that the agent wanted was denied.</summary>
    public const int Denied = 5;

    /// <summary><c>run</c>: the turn is over, and something waited in vain for a decision.</summary>
    public const int Expired = 6;

    /// <summary><c>run</c>: the turn was stopped, or its agent or the daemon died.</summary>
    public const int Interrupted = 7;

    /// <summary>What the command needs is not set up: an account gateway, an address to ask for updates.</summary>
    public const int NotSetUp = 8;

    /// <summary><c>exec</c>: the command reached its time limit. As timeout(1) has it.</summary>
    public const int TimedOut = 124;

    /// <summary><c>exec</c>: the command could not be run, or how it ended is not known.</summary>
    public const int NotKnown = 125;

    /// <summary>
    /// <c>run</c>, <c>exec</c>: left by a second Ctrl-C; what becomes of it is not known here. As shells have it for SIGINT.
    /// </summary>
    public const int Left = 130;

    /// <summary><c>exec</c>: the command was ended by a signal; 128 and its number, as shells have it.</summary>
    public static int OfSignal(string name)
    {
        const int signalBase = 128;
        return signalBase + Enumerable.Range(1, 64).FirstOrDefault(n => PocketCoder.Machine.Runs.Signals.Name(n) == name);
    }
}

/// <summary>A command failed as commands do; the message says what to do next.</summary>
/// <param name="code">For programs (<see cref="OwnCodes"/>); null: what the exit code says.</param>
internal sealed class CommandFailure(string message, int exitCode = ExitCode.Failure, string? code = null) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    public string Code { get; } = code ?? exitCode switch
    {
        Cli.ExitCode.Usage => Failure.Wire(Protocol.ErrorCode.InvalidRequest),
        Cli.ExitCode.NotSetUp => OwnCodes.NotSetUp,
        _ => OwnCodes.Refused,
    };
}
