using PocketCoder.Sandboxes.Host;
using PocketCoder.Processes;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.None;

/// <summary>
/// No isolation at all: commands run as the daemon's user with all its rights, each in a process group of its own. Only by explicit choice,
/// and shown everywhere. Read-only binds, limits and relays of the specification mean nothing here. Linux.
/// </summary>
public sealed class NoneBackend(SandboxOptions options) : ISandboxBackend
{
    private const string Folder = HostSessions.None;

    public SandboxKind Kind => SandboxKind.None;

    public Task<SandboxProbe> ProbeAsync(CancellationToken cancellationToken) => Task.FromResult(new SandboxProbe(
        Kind,
        Usable: true,
        ["Nothing is isolated: commands that you allow run with all rights of the user that runs PocketCoder."],
        new Dictionary<string, string>(StringComparer.Ordinal),
        LimitSource.None));

    public Task<ISandbox> CreateAsync(SandboxSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec);
        SpecRules.NoState(spec);
        if (spec.WorkspaceReadOnly)
        {
            throw new SandboxException(SandboxError.Unsupported, "Without a sandbox nothing can be made read-only.");
        }

        if (spec.WorkspaceInside is { } inside && inside != spec.Workspace)
        {
            throw new SandboxException(SandboxError.InvalidSpec, "Without a sandbox the project has only its own path.");
        }

        var folder = HostSessions.Create(options, Folder, spec.Id);
        return Task.FromResult<ISandbox>(new HostSandbox(spec, Kind, folder, s => OwnedProcess.Start(s, options.Time), options));
    }

    public async Task<IReadOnlyList<ISandbox>> RecoverAsync(CancellationToken cancellationToken)
    {
        await HostSessions.CleanAsync(options, Folder, cancellationToken);
        return [];
    }
}
