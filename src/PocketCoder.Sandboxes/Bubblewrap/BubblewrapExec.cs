using System.Globalization;
using System.Text;
using PocketCoder.Sandboxes.Execution;
using PocketCoder.Sandboxes.Limits;
using PocketCoder.Processes;

namespace PocketCoder.Sandboxes.Bubblewrap;

/// <summary>A command in its own second ring: started here, or found again with its spool.</summary>
internal sealed class BubblewrapExec : ISandboxExec, ILimited
{
    /// <summary>
    /// After the end of the ring was ordered, how long its launcher may take to pass on the rest of the output before it is ended too.
    /// </summary>
    private static readonly TimeSpan s_drainLimit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(20);

    private readonly OwnedProcess? _process;
    private readonly ProcessIdentity _leader;
    private readonly SessionFolder _folder;
    private readonly Func<bool> _isSandboxAlive;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _timeLimit;
    private volatile bool _killed, _timedOut;
    private volatile string? _overLimit;

    public BubblewrapExec(ExecSpec spec, OwnedProcess process, SessionFolder folder, Func<bool> isSandboxAlive, SandboxOptions options)
        : this(spec.Id, process.Identity with { Mark = null }, folder, isSandboxAlive, options.Time, spec.TimeLimit)
    {
        _process = process;
        StandardInput = process.StandardInput;
        StandardOutput = process.StandardOutput;
        StandardError = process.StandardError;
        SpoolDirectory = spec.Spooled ? folder.Spool(spec.Id) : null;
        var start = _time.GetTimestamp();
        Exited = FinishAsync(process.Exited, () => _time.GetElapsedTime(start));
    }

    /// <summary>Found again. Its output is read from the spool, from the beginning.</summary>
    public BubblewrapExec(CommandState state, SessionFolder folder, Func<bool> isSandboxAlive, SandboxOptions options)
        : this(state.Id, state.Leader!, folder, isSandboxAlive, options.Time, null)
    {
        SpoolDirectory = folder.Spool(state.Id);
        StandardInput = Stream.Null;
        Exited = FinishAsync(WatchAsync(), () => _time.GetUtcNow() - state.StartedAt);
        StandardOutput = new FollowStream(Path.Combine(SpoolDirectory, "stdout"), () => Exited.IsCompleted);
        StandardError = new FollowStream(Path.Combine(SpoolDirectory, "stderr"), () => Exited.IsCompleted);
    }

    private BubblewrapExec(string id, ProcessIdentity leader, SessionFolder folder, Func<bool> isSandboxAlive, TimeProvider time,
        TimeSpan? limit)
    {
        Id = id;
        _leader = leader;
        _folder = folder;
        _isSandboxAlive = isSandboxAlive;
        _time = time;
        _timeLimit = limit is { } t ? new CancellationTokenSource(t, time) : new CancellationTokenSource();
        StandardInput = StandardOutput = StandardError = Stream.Null;
        Exited = Task.FromResult(new ExecOutcome(ExecEnd.Lost, -1, null, TimeSpan.Zero));
    }

    public string Id { get; }

    public int? HostPid => _leader.Pid;

    ProcessIdentity ILimited.Leader => _leader;

    Task ILimited.Over => Exited;

    public Stream StandardInput { get; }

    public Stream StandardOutput { get; }

    public Stream StandardError { get; }

    public string? SpoolDirectory { get; }

    public Task<ExecOutcome> Exited { get; }

    public Task InterruptAsync()
    {
        Signal(Native.Interrupt);
        return Task.CompletedTask;
    }

    async Task ILimited.EndAsync(string why)
    {
        if (!Exited.IsCompleted)
        {
            _overLimit ??= why;
            await EndSandboxAsync();
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
        if (grace > TimeSpan.Zero)
        {
            Signal(Native.Terminate);
            if (await EndsWithinAsync(grace))
            {
                return;
            }
        }

        await EndSandboxAsync();
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        if (SpoolDirectory is not null && !Exited.IsCompleted)
        {
            // Our ends only: the command goes on, and its end is still awaited and recorded.
            _process?.StandardInput.Close();
            _process?.StandardOutput.Close();
            _process?.StandardError.Close();
            return;
        }

        await KillAsync(TimeSpan.Zero);
        _process?.Release();
        _timeLimit.Dispose();
    }

    private async Task<ExecOutcome> FinishAsync(Task<int> exited, Func<TimeSpan> duration)
    {
        int code;
        try
        {
            code = await exited.WaitAsync(_timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            _timedOut = true;
            await EndSandboxAsync();
            code = await exited;
        }

        DeleteQuietly(_folder.OptionsOf(Id));
        DeleteQuietly(_folder.Command(Id));
        return ExecOutcomes.From(code, duration(), _timedOut, _killed, lost: code < 0 || (code > 0 && !_isSandboxAlive()), _overLimit);
    }

    /// <summary>For a command that is not our child: its record, or its disappearance.</summary>
    private async Task<int> WatchAsync()
    {
        while (true)
        {
            var alive = ProcessGroup.IsAlive(_leader); // before the record: it is written first
            if (Recorded() is { } code)
            {
                return code;
            }

            if (!alive)
            {
                return -1;
            }

            await Task.Delay(s_poll);
        }
    }

    private int? Recorded()
    {
        using var handle = Native.OpenPlain(Path.Combine(SpoolDirectory!, "exit"));
        var bytes = new byte[16];
        return handle is not null
            && int.TryParse(Encoding.ASCII.GetString(bytes, 0, RandomAccess.Read(handle, bytes, 0)),
                NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var code)
            ? code : null;
    }

    /// <summary>
    /// Ends the ring, so that everything in it is dead and the output that is under way still arrives; then whatever is left outside.
    /// </summary>
    private async Task EndSandboxAsync()
    {
        // Its init may not be there yet when it has only just been started: then the launcher goes instead, and takes the coming ring with
        // it.
        if (SandboxProcesses.Init(_leader) is { } init && ProcessGroup.TrySignal(init, Native.Kill) && await EndsWithinAsync(s_drainLimit))
        {
            return;
        }

        await ProcessGroup.KillAsync(_leader, TimeSpan.Zero, _time);
    }

    private async Task<bool> EndsWithinAsync(TimeSpan limit)
    {
        var start = _time.GetTimestamp();
        while (ProcessGroup.IsAlive(_leader))
        {
            if (_time.GetElapsedTime(start) > limit)
            {
                return false;
            }

            await Task.Delay(s_poll);
        }

        return true;
    }

    private void Signal(int signal)
    {
        foreach (var member in SandboxProcesses.Command(_leader))
        {
            ProcessGroup.TrySignal(member, signal);
        }
    }

    private static void DeleteQuietly(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (IOException)
        {
            // the session's folder goes as a whole anyway
        }
    }
}
