using PocketCoder.Hands.Execution;
using PocketCoder.Processes;

namespace PocketCoder.Hands.Host;

/// <summary>A command that is a process group of the host.</summary>
internal sealed class HostExec : ISandboxExec
{
    private readonly OwnedProcess process;
    private readonly CancellationTokenSource timeLimit;
    private volatile bool killed, timedOut;

    public HostExec(ExecSpec spec, OwnedProcess process, TimeProvider time, Action onEnd)
    {
        this.process = process;
        Id = spec.Id;
        timeLimit = spec.TimeLimit is { } limit ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        var start = time.GetTimestamp();
        Exited = FinishAsync(() => time.GetElapsedTime(start), onEnd);
    }

    public string Id { get; }

    public int? HostPid => process.Identity.Pid;

    public Stream StandardInput => process.StandardInput;

    public Stream StandardOutput => process.StandardOutput;

    public Stream StandardError => process.StandardError;

    public string? SpoolDirectory => null;

    public Task<ExecOutcome> Exited { get; }

    public Task InterruptAsync()
    {
        foreach (var member in ProcessGroup.WithDescendants(process.Identity))
        {
            ProcessGroup.TrySignal(member, Native.Interrupt);
        }

        return Task.CompletedTask;
    }

    public async Task KillAsync(TimeSpan grace)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        killed = true;
        await process.KillAsync(grace);
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync(TimeSpan.Zero);
        await process.DisposeAsync();
        timeLimit.Dispose();
    }

    private async Task<ExecOutcome> FinishAsync(Func<TimeSpan> duration, Action onEnd)
    {
        int code;
        try
        {
            code = await process.Exited.WaitAsync(timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            timedOut = true;
            await process.KillAsync(TimeSpan.Zero);
            code = await process.Exited;
        }

        await process.KillAsync(TimeSpan.Zero); // what it left behind ends with it, as it does in a real sandbox
        onEnd();
        return ExecOutcomes.From(code, duration(), timedOut, killed, lost: false);
    }
}
