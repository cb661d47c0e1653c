using PocketCoder.Machine;
using PocketCoder.Processes;
using PocketCoder.Testing;

namespace PocketCoder.EndToEnd.Tests.Networks;

/// <summary>The real program in a network, with a home of its own.</summary>
internal sealed class Program(Network network, Home home, IReadOnlyDictionary<string, string> environment) : IAsyncDisposable
{
    private OwnedProcess? _running;
    private OutputCapture _said = new(100_000);

    public Home Home => home;

    /// <summary>Starts it and waits until it has said <paramref name="ready"/>.</summary>
    public async Task StartAsync(string ready, params string[] arguments)
    {
        var process = _running = network.Start(BuiltProgram.Path, arguments, Environment());
        process.StandardInput.Close();
        var said = _said = new OutputCapture(100_000);
        _ = said.ReadToEndAsync(process.StandardOutput, CancellationToken.None);
        _ = said.ReadToEndAsync(process.StandardError, CancellationToken.None);
        await Wait.UntilAsync(
            () => process.Exited.IsCompleted || said.ToString().Contains(ready, StringComparison.Ordinal),
            $"{arguments[0]} to say '{ready}'");
        Assert.False(process.Exited.IsCompleted, said.ToString());
    }

    public async Task RunAsync(params string[] arguments)
    {
        await using var process = network.Start(BuiltProgram.Path, arguments, Environment());
        process.StandardInput.Close();
        Assert.True(await process.Exited.WaitAsync(Wait.Limit) == 0, string.Join(' ', arguments));
    }

    /// <summary>SIGKILL, as by the kernel when memory is short.</summary>
    public async Task KillAsync()
    {
        if (_running is { } running)
        {
            _running = null;
            await running.KillAsync(TimeSpan.Zero);
            await running.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(_said.ToString());
    }

    private Dictionary<string, string> Environment()
    {
        var all = new Dictionary<string, string>(environment, StringComparer.Ordinal)
        {
            ["PATH"] = System.Environment.GetEnvironmentVariable("PATH")!,
            ["HOME"] = home.Root,
            ["POCKETCODER_HOME"] = home.Root,
            ["POCKETCODER_PORT"] = "0",
        };
        if (System.Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } runtime)
        {
            all["DOTNET_ROOT"] = runtime;
        }

        return all;
    }
}
