using System.Text.RegularExpressions;
using PocketCoder.Processes;

namespace PocketCoder.Agents.Shared;

/// <summary>Looks for an agent's program and asks it for its version. Immutable.</summary>
/// <param name="name">What people call the agent.</param>
/// <param name="program">Path, or name to be found in the PATH.</param>
/// <param name="install">The command that installs it; null: nobody knows one.</param>
/// <param name="tested">Versions the tests run against; empty: any will do.</param>
internal sealed partial class ProgramProbe(string name, string program, string? install, IReadOnlyList<string> tested)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private string Advice => install is null ? $"{program} is not in the PATH." : $"Install it with: {install}";

    public async Task<AgentProbe> LookAsync(
        IReadOnlyDictionary<string, string> environment, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Find(environment) is not { } path)
        {
            return new AgentProbe(Installed: false, Advice: Advice);
        }

        return await AskAsync(path, environment, tested, Advice,
            version => $"Not tested with {version}; tested: {string.Join(", ", tested)}. When it misbehaves: {install}@{tested[^1]}", time,
            cancellationToken);
    }

    /// <summary>
    /// Asks a program that is there for its version. One that does not answer in time is not missing: a machine under load takes long to
    /// start one.
    /// </summary>
    /// <param name="tested">Empty: any version will do, and none is needed.</param>
    /// <param name="advice">What to do when it does not work.</param>
    /// <param name="untested">What to say of another version.</param>
    public static async Task<AgentProbe> AskAsync(
        string path, IReadOnlyDictionary<string, string> environment, IReadOnlyList<string> tested, string advice,
        Func<string, string> untested, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var start = new ProcessStart { Program = path, Arguments = ["--version"], WorkingDirectory = "/", Environment = environment };
            var result = await CommandRun.RunAsync(start, s_limit, 64 * 1024, time, cancellationToken);
            var version = Version().Match(result.Output) is { Success: true } match ? match.Value : null;
            if (tested.Count > 0 && result.TimedOut)
            {
                return new AgentProbe(Installed: true, Path: path, Advice: $"{path} has not answered yet. It is asked again.")
                { Unanswered = true };
            }

            if (tested.Count > 0 && (result.ExitCode != 0 || version is null))
            {
                return new AgentProbe(Installed: true, Path: path,
                    Advice: $"{path} does not tell its version. If it does not work: {advice}")
                { Unanswered = true };
            }

            return new AgentProbe(Installed: true, version, path, tested.Count == 0
                || tested.Contains(version, StringComparer.Ordinal) ? null : untested(version!));
        }
        catch (ProcessStartException e)
        {
            return new AgentProbe(Installed: true, Path: path, Advice: $"{e.Message} {advice}") { Unanswered = true };
        }
    }

    /// <summary>Where it is.</summary>
    /// <exception cref="AgentException">Nowhere.</exception>
    public string Require(IReadOnlyDictionary<string, string> environment)
        => Find(environment) ?? throw new AgentException(AgentError.NotInstalled, $"{name} is not on this machine. {Advice}");

    /// <exception cref="AgentException">There is no such directory.</exception>
    public static void RequireDirectory(string directory)
    {
        if (!Path.IsPathFullyQualified(directory) || !Directory.Exists(directory))
        {
            throw new AgentException(AgentError.FailedToStart, $"The project's directory {directory} does not exist.");
        }
    }

    /// <summary>Where it is; null: nowhere.</summary>
    public string? Find(IReadOnlyDictionary<string, string> environment)
        => Executables.Find(program, environment.GetValueOrDefault("PATH"));

    [GeneratedRegex(@"\b\d+\.\d+\.\d+\b", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Version();
}
