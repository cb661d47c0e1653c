using System.Text;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Networks;

/// <summary>
/// A network namespace with its loopback, and cables to others. It is there as long as the process that holds it, which ends with this one.
/// </summary>
internal sealed class Network : IAsyncDisposable
{
    private static readonly Dictionary<string, string> s_environment = new()
    { ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

    private readonly OwnedProcess _holder;

    private Network(OwnedProcess holder) => _holder = holder;

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? Missing { get; } = Environment.IsPrivilegedProcess ? null : "only root can make network namespaces";

    public static async Task<Network> CreateAsync()
    {
        // It reads what never comes, and the end of it when this process is gone.
        var holder = OwnedProcess.Start(
            new ProcessStart { Program = "unshare", Arguments = ["--net", "cat"], WorkingDirectory = "/", Environment = s_environment },
            TimeProvider.System);
        _ = holder.StandardInput;
        var network = new Network(holder);
        var own = new FileInfo("/proc/self/ns/net").LinkTarget;
        await Wait.UntilAsync(() => new FileInfo(network.Path).LinkTarget is { } other && other != own, "the namespace");
        await network.IpAsync("link", "set", "lo", "up");
        return network;
    }

    /// <summary>What a program is started through, to be in it.</summary>
    public IReadOnlyList<string> Through => ["nsenter", $"--net={Path}", "--"];

    private string Path => $"/proc/{_holder.Identity.Pid}/ns/net";

    /// <summary>A cable to another one; each end gets a name and is up.</summary>
    public async Task ConnectAsync(string name, Network other, string otherName)
    {
        await IpAsync("link", "add", name, "type", "veth", "peer", "name", otherName, "netns", $"{other._holder.Identity.Pid}");
        await IpAsync("link", "set", name, "up");
        await other.IpAsync("link", "set", otherName, "up");
    }

    /// <summary>Runs <c>ip</c> in it.</summary>
    public async Task IpAsync(params string[] arguments)
    {
        var (code, said) = await RunAsync("ip", arguments);
        Assert.True(code == 0, $"ip {string.Join(' ', arguments)}: {said}");
    }

    /// <summary>Runs a program in it to its end.</summary>
    public async Task<(int Code, string Said)> RunAsync(string program, params string[] arguments)
    {
        await using var process = Start(program, arguments, s_environment);
        process.StandardInput.Close();
        var said = await Task.WhenAll(
            new StreamReader(process.StandardOutput, Encoding.UTF8).ReadToEndAsync(),
            new StreamReader(process.StandardError, Encoding.UTF8).ReadToEndAsync()).WaitAsync(Wait.Limit);
        return (await process.Exited.WaitAsync(Wait.Limit), string.Concat(said));
    }

    /// <param name="environment">All of it.</param>
    public OwnedProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
        => OwnedProcess.Start(
            new ProcessStart
            {
                Program = Through[0],
                Arguments = [.. Through.Skip(1), program, .. arguments],
                WorkingDirectory = "/",
                Environment = environment,
            },
            TimeProvider.System);

    public async ValueTask DisposeAsync()
    {
        await _holder.KillAsync(TimeSpan.Zero);
        await _holder.DisposeAsync();
    }
}
