using Microsoft.Extensions.Hosting;

namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// The host's usual lifetime would take SIGINT and SIGTERM for itself; they are the program's, which stops everything in order.
/// </summary>
internal sealed class NoSignals : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
