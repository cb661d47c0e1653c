using PocketCoder.Sandboxes;
using PocketCoder.Sandboxes.Bubblewrap;

namespace PocketCoder.Testing.Homes;

/// <summary>Takes away what a daemon leaves to its successor when a test has no successor.</summary>
public static class HomeRemains
{
    /// <summary>
    /// Ends the sandboxes that outlived their daemon (by a kill, or for an open terminal), then deletes the folders that are there.
    /// </summary>
    /// <param name="sandboxes">Where sandboxes keep their state; elsewhere than the home when we are root.</param>
    public static async Task ClearAsync(string sandboxes, params IReadOnlyList<string> folders)
    {
        if (Directory.Exists(sandboxes))
        {
            foreach (var left in await new BubblewrapBackend(new SandboxOptions { StateDirectory = sandboxes }).RecoverAsync(
                CancellationToken.None))
            {
                await left.KillAsync(CancellationToken.None);
            }
        }

        foreach (var folder in folders.Prepend(sandboxes).Where(Directory.Exists))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
