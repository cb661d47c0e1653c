using PocketCoder.Hands;
using PocketCoder.Hands.Bubblewrap;
using PocketCoder.Hands.Docker;
using PocketCoder.Hands.Landlock;
using PocketCoder.Hands.None;

namespace PocketCoder.Machine.Executions;

/// <summary>The kinds of sandbox that this machine may have, in the order of preference.</summary>
internal static class Backends
{
    /// <summary>Nothing is tried here; an engine counts when its socket is there. They work by the real clock: they wait for real processes.</summary>
    public static IReadOnlyList<ISandboxBackend> Of(string stateDirectory)
    {
        var options = new HandsOptions { StateDirectory = stateDirectory };
        var docker = Docker();
        return
        [
            new BubblewrapBackend(options),
            .. docker is not null && File.Exists(docker.Socket) ? (ISandboxBackend[])[new DockerBackend(options, docker)] : [],
            .. OperatingSystem.IsLinux() ? (ISandboxBackend[])[new LandlockBackend(options)] : [],
        ];
    }

    /// <summary>For projects whose owner wants no sandbox.</summary>
    public static ISandboxBackend Bare(string stateDirectory) => new NoneBackend(new HandsOptions { StateDirectory = stateDirectory });

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
