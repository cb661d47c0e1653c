using PocketCoder.Sandboxes;
using PocketCoder.Sandboxes.Bubblewrap;
using PocketCoder.Sandboxes.Docker;
using PocketCoder.Sandboxes.Landlock;
using PocketCoder.Sandboxes.None;

namespace PocketCoder.Machine.Executions;

/// <summary>The kinds of sandbox that this machine may have, in the order of preference.</summary>
public static class Backends
{
    /// <summary>
    /// Nothing is tried here; an engine counts when its socket is there. They work by the real clock: they wait for real processes.
    /// </summary>
    /// <param name="closed">The daemon's own folders, by their real paths.</param>
    public static IReadOnlyList<ISandboxBackend> Of(string stateDirectory, IReadOnlyList<string> closed)
    {
        var options = new SandboxOptions { StateDirectory = stateDirectory, Closed = closed };
        var docker = Docker();
        return
        [
            new BubblewrapBackend(options),
            .. docker is not null && File.Exists(docker.Socket) ? (ISandboxBackend[])[new DockerBackend(options, docker)] : [],
            .. OperatingSystem.IsLinux() ? (ISandboxBackend[])[new LandlockBackend(options)] : [],
        ];
    }

    /// <summary>For projects whose owner wants no sandbox.</summary>
    public static ISandboxBackend Bare(string stateDirectory) => new NoneBackend(new SandboxOptions { StateDirectory = stateDirectory });

    /// <summary>Null: DOCKER_HOST names an engine that is not on this machine.</summary>
    private static DockerOptions? Docker()
    {
        try
        {
            return DockerOptions.FromHost(Environment.GetEnvironmentVariable("DOCKER_HOST"));
        }
        catch (SandboxException)
        {
            return null;
        }
    }
}
