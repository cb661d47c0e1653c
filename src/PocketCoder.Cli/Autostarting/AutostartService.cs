namespace PocketCoder.Cli.Autostarting;

/// <summary>What can be started with its user's session: the daemon, or a gateway that runs on its own.</summary>
/// <param name="Title">As people and the service managers call it.</param>
/// <param name="What">The same in a sentence.</param>
/// <param name="Unit">Its systemd unit.</param>
/// <param name="Agent">Its launchd label.</param>
/// <param name="Task">Its task of Windows.</param>
/// <param name="Arguments">Words without anything that would have to be quoted.</param>
/// <param name="Out">Where launchd puts what it writes beside its log.</param>
internal sealed record AutostartService(
    string Title, string What, string Unit, string Agent, string Task, IReadOnlyList<string> Arguments, string Out)
{
    public static AutostartService Daemon { get; } = new(
        "PocketCoder", "daemon", "pocketcoder.service", "dev.pocketcoder.daemon", "PocketCoder", ["start", "--foreground"], "daemon.out");

    public static AutostartService Gateway { get; } = new(
        "PocketCoder gateway", "gateway", "pocketcoder-gateway.service", "dev.pocketcoder.gateway", "PocketCoder gateway",
        ["gateway", "run"], "gateway.out");
}
