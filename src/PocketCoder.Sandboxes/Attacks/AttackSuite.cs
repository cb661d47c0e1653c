namespace PocketCoder.Sandboxes;

/// <summary>
/// Tries to break out of a backend's sandbox, attack by attack: for <c>pocketcoder doctor --attack</c> and for the tests. Harmless where
/// the defence holds; where it does not, the worst is a file in the scratch directory, a connection to a listener of its own, a signal to a
/// process of its own. One attack at a time.
/// </summary>
public sealed class AttackSuite : IAsyncDisposable
{
    private readonly AttackTargets _ground;

    private AttackSuite(AttackTargets ground) => _ground = ground;

    public static IReadOnlyList<Attack> All { get; } =
        [.. KernelAttacks.All, .. FileAttacks.All, .. ProcessAttacks.All, .. NetworkAttacks.All];

    /// <summary>Makes two sandboxes, and on the host what the attacks are after.</summary>
    /// <param name="scratch">An existing directory that users other than root can pass through. Emptied of what is made here at the
    /// end.</param>
    /// <param name="owner">When we are root: the user who gets the projects, or null to leave them root's.</param>
    /// <exception cref="SandboxException">The backend does not work.</exception>
    public static async Task<AttackSuite> StartAsync(
        ISandboxBackend backend, string scratch, uint? owner, TimeProvider time, CancellationToken cancellationToken)
        => new(await AttackTargets.CreateAsync(backend, scratch, owner, time, cancellationToken));

    public async Task<AttackResult> RunAsync(Attack attack, CancellationToken cancellationToken)
    {
        if (attack.NeedsWatch && _ground.Limits is LimitSource.Engine)
        {
            return new(attack.Id, AttackVerdict.NotRun, "Not watched in an engine's container.");
        }

        try
        {
            return await attack.Run(_ground, cancellationToken) with { Id = attack.Id };
        }
        catch (SandboxException e)
        {
            return new(attack.Id, AttackVerdict.NotRun, e.Message);
        }
    }

    public ValueTask DisposeAsync() => _ground.DisposeAsync();
}
