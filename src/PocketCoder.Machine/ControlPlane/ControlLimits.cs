namespace PocketCoder.Machine.ControlPlane;

/// <summary>
/// How long the command line waits for a daemon that says nothing. A request is judged by signs of life and not by its own time: work may
/// take long, silence may not.
/// </summary>
public sealed record ControlLimits
{
    /// <summary>
    /// A request that has waited for so long is watched: the daemon is asked on a connection of its own whether it lives.
    /// </summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long one such question waits, and the pause between two.</summary>
    public TimeSpan Beat { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Given up after so long without an answer and without processor time used by the daemon.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Given up after so long without an answer, whatever the daemon's process does.</summary>
    public TimeSpan Most { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest that an ordinary request takes while the daemon lives.</summary>
    public TimeSpan Request { get; init; } = TimeSpan.FromMinutes(5);

    public static ControlLimits Default { get; } = new();
}
