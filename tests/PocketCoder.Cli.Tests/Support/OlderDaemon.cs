using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using PocketCoder.Machine;
using PocketCoder.Testing;

namespace PocketCoder.Cli.Tests;

/// <summary>
/// A daemon of a version that knows none of today's verbs: it has a home and a process with a command line, answers <c>/health</c> and
/// <c>/stop</c> as every version does, and refuses all else. This process answers for it, and is not the one that the home names.
/// </summary>
internal sealed class OlderDaemon : IAsyncDisposable
{
    public const string Version = "0.0.1";

    private readonly CliHome _home;
    private readonly DaemonLock _lock;
    private readonly RunningProgram _process;
    private readonly WebApplication _server;
    private readonly TaskCompletionSource<string> _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _stopping;

    private OlderDaemon(CliHome home, DaemonLock held, RunningProgram process)
    {
        (_home, _lock, _process, Pid) = (home, held, process, process.Pid);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server => server.ListenUnixSocket(home.Home.ControlSocket));
        _server = builder.Build();
        _server.Run(AnswerAsync);
        _stopping = StopAsync();
    }

    public int Pid { get; }

    /// <summary>Why it was asked to stop; null: it was not.</summary>
    public string? StoppedFor => _asked.Task is { IsCompletedSuccessfully: true } asked ? asked.Result : null;

    /// <param name="arguments">With which it seems to have been started.</param>
    public static async Task<OlderDaemon> StartAsync(CliHome home, params IEnumerable<string> arguments)
    {
        home.Home.Prepare();
        // Its name ends like a program's that dotnet runs, so that what follows is its command line.
        var program = Path.Combine(home.Folder, "older.dll");
        await File.WriteAllTextAsync(program, "while :; do sleep 1; done\n");
        var process = RunningProgram.Start("/bin/sh", [program, "start", .. arguments], home.Environment, home.Work);
        var held = DaemonLock.TryTake(home.Home, TimeProvider.System)!;
        var stat = await File.ReadAllTextAsync($"/proc/{process.Pid}/stat");
        var ticks = long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture); // starttime, proc(5)
        var told = DaemonLock.Holder(home.Home)! with { Pid = process.Pid, StartTicks = ticks };
        await File.WriteAllTextAsync(home.Home.PidFile, JsonSerializer.Serialize(told, JsonSerializerOptions.Web));
        var older = new OlderDaemon(home, held, process);
        await older._server.StartAsync();
        File.SetUnixFileMode(home.Home.ControlSocket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.True(DaemonLock.Holder(home.Home)!.IsAlive);
        return older;
    }

    public async ValueTask DisposeAsync()
    {
        _asked.TrySetResult("the test is over");
        await _stopping;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["PocketCoder-Version"] = Version;
        if (context.Request.Path == "/stop")
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body);
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            await context.Response.WriteAsync("""{"ok":true}""");
            await context.Response.CompleteAsync();
            _asked.TrySetResult(body.RootElement.GetProperty("reason").GetString()!);
        }
        else if (context.Request.Path != "/health")
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsync("""{"code":"VERSION_UNSUPPORTED","message":"No such operation.","details":null}""");
        }
    }

    /// <summary>Once it is asked to: nothing listens, the process is gone, and the home is free last.</summary>
    private async Task StopAsync()
    {
        await _asked.Task;
        await _server.StopAsync();
        await _server.DisposeAsync();
        File.Delete(_home.Home.ControlSocket);
        await _process.DisposeAsync();
        _lock.Dispose();
    }
}
