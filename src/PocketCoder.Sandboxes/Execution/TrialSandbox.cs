using PocketCoder.Platform;

namespace PocketCoder.Sandboxes.Execution;

/// <summary>
/// Tries a backend: makes a sandbox with a project of its own, looks from inside (<see cref="InsideChecks"/>), and removes both.
/// </summary>
/// <param name="folder">In the state directory; nothing else is kept there.</param>
internal sealed class TrialSandbox(SandboxOptions options, string folder)
{
    public SortedDictionary<string, string> Facts { get; } = new(StringComparer.Ordinal);

    /// <summary>Why it can't be used, or is less than it could be; for people.</summary>
    public List<string> Reasons { get; } = [];

    /// <param name="ready">Runs first: what must work before a sandbox is made.</param>
    /// <param name="create">Makes the sandbox for the project.</param>
    /// <returns>Whether everything that was looked at holds; else <see cref="Reasons"/> say why not.</returns>
    public async Task<bool> HoldsAsync(
        Func<Task> ready, Func<SandboxSpec, Task<ISandbox>> create, bool hasOwnNamespaces, CancellationToken cancellationToken)
    {
        var workspace = Path.Combine(options.StateDirectory, folder, Guid.CreateVersion7().ToString("N"));
        try
        {
            await ready();
            Directory.CreateDirectory(workspace);
            if (CurrentUser.Id == 0)
            {
                Native.GiveTo(workspace, options.FirstUser, options.FirstUser);
            }

            var sandbox = await create(new SandboxSpec { Id = $"probe-{Guid.CreateVersion7():N}", Workspace = workspace });
            try
            {
                return InsideChecks.Judge(
                    await InsideChecks.RunAsync(sandbox, hasFilter: true, hasOwnNamespaces, cancellationToken), Facts, Reasons);
            }
            finally
            {
                await sandbox.KillAsync(CancellationToken.None);
            }
        }
        catch (Exception e) when (e is SandboxException or IOException or UnauthorizedAccessException)
        {
            Reasons.Add(e.Message);
            return false;
        }
        finally
        {
            if (Directory.Exists(workspace))
            {
                Directory.Delete(Path.GetDirectoryName(workspace)!, recursive: true);
            }
        }
    }
}
