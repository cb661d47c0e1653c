namespace PocketCoder.Sandboxes.Docker;

/// <summary>Which engine, and what is in its containers.</summary>
public sealed record DockerOptions
{
    /// <summary>The engine's Unix socket. Other addresses are not spoken to: the project must be on the engine's own disk.</summary>
    public string Socket { get; init; } = "/var/run/docker.sock";

    /// <summary>
    /// Null: an empty image made here (nothing is pulled), with the host's /usr to be seen read-only, so that commands find the host's
    /// tools.
    /// </summary>
    public string? Image { get; init; }

    /// <summary>A runtime that the engine knows (runsc), or null for its default.</summary>
    public string? Runtime { get; init; }

    /// <summary>As the docker command reads DOCKER_HOST.</summary>
    /// <exception cref="SandboxException">It names something else than a Unix socket: <see cref="SandboxError.NotAvailable"/>.</exception>
    public static DockerOptions FromHost(string? dockerHost) => dockerHost switch
    {
        null or "" => new(),
        _ when dockerHost.StartsWith("unix:///", StringComparison.Ordinal) => new() { Socket = dockerHost["unix://".Length..] },
        _ => throw new SandboxException(SandboxError.NotAvailable, $"Only engines on a Unix socket can be used, not {dockerHost}."),
    };
}
