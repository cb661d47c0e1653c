namespace PocketCoder.Machine.Guard;

/// <summary>
/// Something that runs in a project while that is guarded: from before it begins until its result may be told. Thread-safe.
/// </summary>
/// <param name="isOpen">It was allowed with protected configuration in view.</param>
/// <param name="planted">Told at once, from any thread, when something was planted while it ran and was put back; it should stop.</param>
public sealed class GuardedRun(ProjectGuard project, bool isOpen, Action? planted)
{
    private int _over;

    /// <summary>In a worktree: the same in the project that its repository is in; null: there is none.</summary>
    internal GuardedRun? Beside { get; init; }

    public bool IsOpen => isOpen;

    public void Stop() => planted?.Invoke();

    /// <summary>It ended, and nobody was told yet: what did it change? The second call, and later ones, find nothing.</summary>
    public async Task<GuardReport> EndAsync()
        => Interlocked.Exchange(ref _over, 1) == 0
            ? await BothAsync(await project.LeaveAsync(this, look: true), Beside?.EndAsync())
            : GuardReport.Nothing;

    /// <summary>What was planted so far and is not told yet, for what has no end soon.</summary>
    public async Task<GuardReport> PlantedAsync() => await BothAsync(await project.PlantedAsync(), Beside?.PlantedAsync());

    /// <summary>It did not begin after all.</summary>
    public async Task CancelAsync()
    {
        if (Interlocked.Exchange(ref _over, 1) == 0)
        {
            await project.LeaveAsync(this, look: false);
            await (Beside?.CancelAsync() ?? Task.CompletedTask);
        }
    }

    private static async Task<GuardReport> BothAsync(GuardReport own, Task<GuardReport>? beside)
        => beside is null ? own : new GuardReport([.. own.Findings, .. (await beside).Findings]);
}
