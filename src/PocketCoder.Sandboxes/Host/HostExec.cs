using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Host;

/// <summary>A command that is a process group of the host.</summary>
internal sealed class HostExec : ISandboxExec, ILimited
{
    private readonly OwnedProcess _process;
    private readonly CancellationTokenSource _timeLimit;
    private volatile bool _killed, _timedOut;
    private volatile string? _overLimit;

    public HostExec(ExecSpec spec, OwnedProcess process, TimeProvider time, Action onEnd)
    {
        _process = process;
        Id = spec.Id;
        _timeLimit = spec.TimeLimit is { } limit ? new CancellationTokenSource(limit, time) : new CancellationTokenSource();
        var start = time.GetTimestamp();
        Exited = FinishAsync(() => time.GetElapsedTime(start), onEnd);
    }

    public string Id { get; }

    public int? HostPid => _process.Identity.Pid;

    ProcessIdentity ILimited.Leader => _process.Identity;

    Task ILimited.Over => Exited;

    public Stream StandardInput => _process.StandardInput;

    public Stream StandardOutput => _process.StandardOutput;

    public Stream StandardError => _process.StandardError;

    public string? SpoolDirectory => null;

    public Task<ExecOutcome> Exited { get; }

    public Task InterruptAsync()
    {
        foreach (var member in ProcessGroup.WithDescendants(_process.Identity))
        {
            ProcessGroup.TrySignal(member, Native.Interrupt);
        }

        return Task.CompletedTask;
    }

    async Task ILimited.EndAsync(string why)
    {
        if (!Exited.IsCompleted)
        {
            _overLimit ??= why;
            await _process.KillAsync(TimeSpan.Zero);
            await Exited;
        }
    }

    public async Task KillAsync(TimeSpan grace)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        _killed = true;
        await _process.KillAsync(grace);
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync(TimeSpan.Zero);
        await _process.DisposeAsync();
        _timeLimit.Dispose();
    }

    private async Task<ExecOutcome> FinishAsync(Func<TimeSpan> duration, Action onEnd)
    {
        int code;
        try
        {
            code = await _process.Exited.WaitAsync(_timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            _timedOut = true;
            await _process.KillAsync(TimeSpan.Zero);
            code = await _process.Exited;
        }

        await _process.KillAsync(TimeSpan.Zero); // what it left behind ends with it, as it does in a real sandbox
        onEnd();
        return ExecOutcomes.From(code, duration(), _timedOut, _killed, lost: false, _overLimit);
    }
}
