using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using PocketCoder.Machine;
using PocketCoder.Testing;
using PocketCoder.Testing.Devices;
using PocketCoder.Testing.Homes;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// The program with a home, a folder to stand in and a port of its own. A daemon that is left is ended at the end. The daemon is always a
/// process of its own; commands run in this process where that is the same (<see cref="InProcess"/>), and in their own with
/// <see cref="Begin"/>.
/// </summary>
internal sealed class CliHome : IAsyncDisposable
{
    private readonly IReadOnlyList<string> _before;
    private readonly List<RunningProgram> _daemons = [];

    /// <param name="program">Another build of it.</param>
    /// <param name="before">Program and arguments to run it through, such as <c>setpriv</c>.</param>
    public CliHome(string? program = null, IReadOnlyList<string>? before = null)
    {
        (Program, _before) = (program ?? Built, before ?? []);
        Folder = Directory.CreateTempSubdirectory("pcc-").FullName;
        Root = Path.Combine(Folder, "home");
        Work = Directory.CreateDirectory(Path.Combine(Folder, "work")).FullName;
        Environment["POCKETCODER_HOME"] = Root;
        Environment["NO_COLOR"] = "1";
        Environment["LOG_LEVEL"] = null;
        Environment["POCKETCODER_PORT"] = "0"; // tests beside this one have ports of their own
    }

    /// <inheritdoc cref="BuiltProgram.Path"/>
    public static string Built => BuiltProgram.Path;

    public string Program { get; }

    /// <summary>All of it: the home and the working folder.</summary>
    public string Folder { get; }

    /// <summary>POCKETCODER_HOME.</summary>
    public string Root { get; init; }

    /// <summary>Where commands are typed.</summary>
    public string Work { get; }

    public int Port { get; } = Ports.Free();

    public string Url => $"http://127.0.0.1:{Port}";

    public string Listen => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");

    public Home Home => Home.At(Root);

    public Dictionary<string, string?> Environment { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether this is the program of these tests as the user who runs them.</summary>
    private bool IsOwn => _before.Count == 0 && Program == Built;

    /// <summary>A process of its own.</summary>
    public RunningProgram Begin(params IEnumerable<string> arguments)
    {
        var all = _before.Append(Program).Concat(arguments).ToList();
        return RunningProgram.Start(all[0], all.Skip(1), Environment, Work);
    }

    /// <summary>Runs a command with this on its standard input.</summary>
    public async Task<Ran> FeedAsync(string input, params IEnumerable<string> arguments)
    {
        var words = arguments.ToList();
        if (IsOwn && InProcess.Takes(words))
        {
            return await InProcess.RunAsync(words, Environment, Work, input);
        }

        var all = _before.Append(Program).Concat(words).ToList();
        await using var program = RunningProgram.Start(all[0], all.Skip(1), Environment, Work, input);
        return await program.EndAsync();
    }

    public Task<Ran> RunAsync(params IEnumerable<string> arguments) => FeedAsync("", arguments);

    /// <summary>Runs a command that must succeed and gives its JSON.</summary>
    public async Task<JsonElement> AskAsync(params IEnumerable<string> arguments)
        => (await RunAsync(arguments.Append("--json"))).Succeeded().Json;

    /// <summary>Starts the daemon as the demonstration, waits until it answers, and gives its process id.</summary>
    public async Task<int> StartAsync(params IEnumerable<string> arguments)
    {
        if (!IsOwn)
        {
            return await StartDetachedAsync(arguments);
        }

        // Without the command that starts it in the background and waits for it: that is one more process.
        var daemon = Begin(["start", "--foreground", "--demo", "--listen", Listen, "--json", .. arguments]);
        _daemons.Add(daemon);
        await Wait.UntilAsync(() => daemon.HasExited || daemon.Out.EndsWith('\n'), "the daemon starts");
        Assert.False(daemon.HasExited, $"the daemon ended\n--- out\n{daemon.Out}\n--- error\n{daemon.Error}");
        return new Ran(0, daemon.Out, "").Json.GetProperty("pid").GetInt32();
    }

    /// <summary>The same as people start it: in the background, away from this process.</summary>
    public async Task<int> StartDetachedAsync(params IEnumerable<string> arguments)
        => (await AskAsync([.. (string[])["start", "--demo", "--listen", Listen], .. arguments])).GetProperty("pid").GetInt32();

    public async Task<string> LinkAsync(params IEnumerable<string> scopes)
        => (await AskAsync(["pair", "--no-wait", .. scopes.SelectMany(s => (string[])["--scope", s])])).GetProperty(
            "links")[0].GetString()!;

    public async Task<TestDevice> PairAsync(string name = "phone") => await TestDevice.PairAsync(await LinkAsync(), name);

    public async ValueTask DisposeAsync()
    {
        if (DaemonLock.Holder(Home) is { IsAlive: true })
        {
            await RunAsync("stop"); // in order: a killed daemon leaves its sandboxes to the next one, and there is none
        }

        if (DaemonLock.Holder(Home) is { IsAlive: true } holder)
        {
            using var daemon = System.Diagnostics.Process.GetProcessById(holder.Pid);
            daemon.Kill();
            await daemon.WaitForExitAsync();
        }

        foreach (var daemon in _daemons)
        {
            await daemon.DisposeAsync();
        }

        await HomeRemains.ClearAsync(Home.Sandboxes, Home.AgentFiles, Folder);
    }
}
