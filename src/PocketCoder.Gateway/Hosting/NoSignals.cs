using Microsoft.Extensions.Hosting;

namespace PocketCoder.Gateway.Hosting;

/// <summary>
/// The host's usual lifetime would take SIGINT and SIGTERM for itself, and close every connection before the program that embeds the
/// gateway could say why. Signals are that program's.
/// </summary>
internal sealed class NoSignals : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
