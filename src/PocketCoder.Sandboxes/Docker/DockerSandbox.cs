using System.Text.Json.Nodes;
using PocketCoder.Sandboxes.Host;
using PocketCoder.Protocol;

namespace PocketCoder.Sandboxes.Docker;

/// <summary>A session in a container.</summary>
internal sealed class DockerSandbox(string id, string container, string inside, HostFolder folder, Engine engine, SandboxOptions options)
    : ISandbox
{
    public const string Mark = "POCKETCODER_COMMAND";

    /// <summary>
    /// Kills everything whose environment carries the mark ($0: of one command, or any), again and again until there is none: a fork may
    /// race with the look.
    /// </summary>
    private const string Sweep = """
        for round in 1 2 3 4 5 6 7 8 9 10; do
            found=
            for p in /proc/[0-9]*; do
                if tr '\0' '\n' < $p/environ 2> /dev/null | grep -q "$0"; then kill -9 ${p#/proc/} 2> /dev/null && found=1; fi
            done
            [ -n "$found" ] || exit 0
        done
        exit 1
        """;

    private volatile bool _ended;

    public string Id => id;

    public SandboxKind Kind => SandboxKind.Docker;

    public bool IsAlive => !_ended;

    public string? SocketDirectory => folder.Sockets;

    public IReadOnlyList<ISandboxExec> Recovered => [];

    public async Task<ISandboxExec> ExecAsync(ExecSpec spec, CancellationToken cancellationToken)
    {
        SpecRules.Check(spec);
        if (_ended)
        {
            throw new SandboxException(SandboxError.Lost, $"The sandbox {Id} is no longer running.");
        }

        var start = options.Time.GetTimestamp();
        var exec = await PrepareAsync(spec.Command, spec.WorkingDirectory ?? inside,
            [.. spec.Environment.Select(v => $"{v.Key}={v.Value}"), $"{Mark}={spec.Id}"], spec.KeepInputOpen, cancellationToken);
        var (stream, socket, client) = await engine.AttachAsync(exec, cancellationToken);
        return new DockerExec(spec, exec, stream, socket, client, engine, this, () => options.Time.GetElapsedTime(start), options.Time);
    }

    public Task<ITerminal> OpenTerminalAsync(TerminalSpec spec, CancellationToken cancellationToken)
        => throw new SandboxException(SandboxError.Unsupported, "There are no terminals in containers yet.");

    public Task<IReadOnlyList<TerminalFound>> TerminalsAsync(CancellationToken cancellationToken)
        => Task.FromResult<IReadOnlyList<TerminalFound>>([]);

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _ended = true;
        await engine.CallAsync(HttpMethod.Delete, $"/containers/{container}?force=true&v=true", null, cancellationToken,
            missingIsNull: true);
        await folder.RemoveAsync(options.Time);
    }

    /// <summary>Ends what a command (null: any command) started.</summary>
    public async Task SweepAsync(string? command, CancellationToken cancellationToken)
    {
        // Without the mark itself, or it would find itself.
        var exec = await PrepareAsync(
            ["/bin/sh", "-c", Sweep, command is null ? $"^{Mark}=" : $"^{Mark}={command}$"], "/", [], input: false, cancellationToken);
        var (stream, _, client) = await engine.AttachAsync(exec, cancellationToken);
        using (client)
        {
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
    }

    /// <summary>Sends a signal to what a command started.</summary>
    public async Task SignalAsync(string command, string signal, CancellationToken cancellationToken)
    {
        const string send =
            """for p in /proc/[0-9]*; do if tr '\0' '\n' < $p/environ 2> /dev/null | grep -q "$0"; then kill -$1 ${p#/proc/} 2> /dev/null; fi; done""";
        var exec = await PrepareAsync(["/bin/sh", "-c", send, $"^{Mark}={command}$", signal], "/", [], input: false, cancellationToken);
        var (stream, _, client) = await engine.AttachAsync(exec, cancellationToken);
        using (client)
        {
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
    }

    public async Task<bool> RunsAsync(CancellationToken cancellationToken)
        => (await engine.CallAsync(HttpMethod.Get, $"/containers/{container}/json", null, cancellationToken,
            missingIsNull: true))?["State"]?["Running"]?.GetValue<bool>() == true;

    private async Task<string> PrepareAsync(
        IReadOnlyList<string> command, string directory, IReadOnlyList<string> environment, bool input, CancellationToken cancellationToken)
    {
        const string created = "Id";
        var answer = await engine.CallAsync(
            HttpMethod.Post,
            $"/containers/{container}/exec",
            new JsonObject
            {
                ["AttachStdin"] = input,
                ["AttachStdout"] = true,
                ["AttachStderr"] = true,
                ["Tty"] = false,
                ["WorkingDir"] = directory,
                ["Env"] = new JsonArray([.. environment.Select(e => JsonValue.Create(e))]),
                ["Cmd"] = new JsonArray([.. command.Select(c => JsonValue.Create(c))]),
            },
            cancellationToken);
        return answer?[created]?.GetValue<string>()
            ?? throw new SandboxException(SandboxError.Engine, "The container engine gave no id for a command.");
    }
}
