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
}

/// <summary>A command failed as commands do; the message says what to do next.</summary>
internal sealed class CommandFailure(string message, int exitCode = ExitCode.Failure) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
