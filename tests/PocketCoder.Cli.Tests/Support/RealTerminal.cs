using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>A shell in a terminal of a tmux server that only this test knows.</summary>
internal sealed class RealTerminal : IAsyncDisposable
{
    private readonly CliHome _home;
    private readonly string _socket;

    private RealTerminal(CliHome home) => (_home, _socket) = (home, Path.Combine(home.Folder, "tmux"));

    public static async Task<RealTerminal> StartAsync(CliHome home, int columns, int rows)
    {
        var terminal = new RealTerminal(home);
        await terminal.RunAsync(
            "-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", $"{columns}", "-y", $"{rows}", "env PS1=outside: /bin/sh");
        await terminal.UntilAsync("outside:");
        return terminal;
    }

    public async Task<string> RunAsync(params IEnumerable<string> arguments)
    {
        await using var tmux = RunningProgram.Start("tmux", ["-S", _socket, .. arguments], _home.Environment, _home.Work);
        return (await tmux.EndAsync()).Succeeded().Out;
    }

    public Task<string> ScreenAsync() => RunAsync("capture-pane", "-p", "-J", "-S", "-200", "-t", "t");

    /// <summary>Types a line.</summary>
    public async Task TypeAsync(string line)
    {
        if (line.Length > 0)
        {
            await RunAsync("send-keys", "-t", "t", "-l", line);
        }

        await RunAsync("send-keys", "-t", "t", "Enter");
    }

    public async Task UntilAsync(string wanted, string? what = null)
    {
        var screen = "";
        try
        {
            await Wait.UntilAsync(async () => (screen = await ScreenAsync()).Contains(wanted, StringComparison.Ordinal), what ?? wanted);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{screen}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("kill-server");
    }
}
