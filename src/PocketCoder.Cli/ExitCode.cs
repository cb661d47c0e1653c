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

    /// <summary><c>run</c>: left by a second Ctrl-C; what becomes of the turn is not known here. As shells have it for SIGINT.</summary>
    public const int Left = 130;
}

/// <summary>A command failed as commands do; the message says what to do next.</summary>
internal sealed class CommandFailure(string message, int exitCode = ExitCode.Failure) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
