using System.Globalization;
using System.Text;
using PocketCoder.Hands.Execution;
using PocketCoder.Processes;

namespace PocketCoder.Hands.Bubblewrap;

/// <summary>A command in its own second ring: started here, or found again with its spool.</summary>
internal sealed class BubblewrapExec : ISandboxExec
{
    /// <summary>After the end of the ring was ordered, how long its launcher may take to pass on the rest of the output before it is ended too.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);

    private readonly OwnedProcess? process;
    private readonly ProcessIdentity leader;
    private readonly SessionFolder folder;
    private readonly Func<bool> isSandboxAlive;
    private readonly TimeProvider time;
    private readonly CancellationTokenSource timeLimit;
    private volatile bool killed, timedOut;

    public BubblewrapExec(ExecSpec spec, OwnedProcess process, SessionFolder folder, Func<bool> isSandboxAlive, HandsOptions options)
        : this(spec.Id, process.Identity with { Mark = null }, folder, isSandboxAlive, options.Time, spec.TimeLimit)
    {
        this.process = process;
        StandardInput = process.StandardInput;
        StandardOutput = process.StandardOutput;
        StandardError = process.StandardError;
        SpoolDirectory = spec.Spooled ? folder.Spool(spec.Id) : null;
        var start = time.GetTimestamp();
        Exited = FinishAsync(process.Exited, () => time.GetElapsedTime(start));
    }

    /// <summary>Found again. Its output is read from the spool, from the beginning.</summary>
    public BubblewrapExec(CommandState state, SessionFolder folder, Func<bool> isSandboxAlive, HandsOptions options)
        : this(state.Id, state.Leader!, folder, isSandboxAlive, options.Time, null)
    {
        SpoolDirectory = folder.Spool(state.Id);
        StandardInput = Stream.Null;
        Exited = FinishAsync(WatchAsync(), () => time.GetUtcNow() - state.StartedAt);
        StandardOutput = new FollowStream(Path.Combine(SpoolDirectory, "stdout"), () => Exited.IsCompleted);
        StandardError = new FollowStream(Path.Combine(SpoolDirectory, "stderr"), () => Exited.IsCompleted);
    }

    private BubblewrapExec(string id, ProcessIdentity leader, SessionFolder folder, Func<bool> isSandboxAlive, TimeProvider time, TimeSpan? limit)
    {
        Id = id;
        this.leader = leader;
        this.folder = folder;
        this.isSandboxAlive = isSandboxAlive;
        this.time = time;
        timeLimit = limit is { } t ? new CancellationTokenSource(t, time) : new CancellationTokenSource();
        StandardInput = StandardOutput = StandardError = Stream.Null;
        Exited = Task.FromResult(new ExecOutcome(ExecEnd.Lost, -1, null, TimeSpan.Zero));
    }

    public string Id { get; }

    public int? HostPid => leader.Pid;

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

    public async Task KillAsync(TimeSpan grace)
    {
        if (Exited.IsCompleted)
        {
            return;
        }

        killed = true;
        if (grace > TimeSpan.Zero)
        {
            Signal(Native.Terminate);
            if (await EndsWithinAsync(grace))
            {
                return;
            }
        }

        await EndRingAsync();
        await Exited;
    }

    public async ValueTask DisposeAsync()
    {
        if (SpoolDirectory is not null && !Exited.IsCompleted)
        {
            // Our ends only: the command goes on, and its end is still awaited and recorded.
            process?.StandardInput.Close();
            process?.StandardOutput.Close();
            process?.StandardError.Close();
            return;
        }

        await KillAsync(TimeSpan.Zero);
        process?.Release();
        timeLimit.Dispose();
    }

    private async Task<ExecOutcome> FinishAsync(Task<int> exited, Func<TimeSpan> duration)
    {
        int code;
        try
        {
            code = await exited.WaitAsync(timeLimit.Token);
        }
        catch (OperationCanceledException)
        {
            timedOut = true;
            await EndRingAsync();
            code = await exited;
        }

        DeleteQuietly(folder.OptionsOf(Id));
        DeleteQuietly(folder.Command(Id));
        return ExecOutcomes.From(code, duration(), timedOut, killed, lost: code < 0 || (code > 0 && !isSandboxAlive()));
    }

    /// <summary>For a command that is not our child: its record, or its disappearance.</summary>
    private async Task<int> WatchAsync()
    {
        while (true)
        {
            var alive = ProcessGroup.IsAlive(leader); // before the record: it is written first
            if (Recorded() is { } code)
            {
                return code;
            }

            if (!alive)
            {
                return -1;
            }

            await Task.Delay(Poll);
        }
    }

    private int? Recorded()
    {
        using var handle = Native.OpenPlain(Path.Combine(SpoolDirectory!, "exit"));
        var bytes = new byte[16];
        return handle is not null
            && int.TryParse(Encoding.ASCII.GetString(bytes, 0, RandomAccess.Read(handle, bytes, 0)), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var code)
            ? code : null;
    }

    /// <summary>Ends the ring, so that everything in it is dead and the output that is under way still arrives; then whatever is left outside.</summary>
    private async Task EndRingAsync()
    {
        // Its init may not be there yet when it has only just been started: then the launcher goes instead, and takes the coming ring with it.
        if (RingProcesses.Init(leader) is { } init && ProcessGroup.TrySignal(init, Native.Kill) && await EndsWithinAsync(DrainLimit))
        {
            return;
        }

        await ProcessGroup.KillAsync(leader, TimeSpan.Zero, time);
    }

    private async Task<bool> EndsWithinAsync(TimeSpan limit)
    {
        var start = time.GetTimestamp();
        while (ProcessGroup.IsAlive(leader))
        {
            if (time.GetElapsedTime(start) > limit)
            {
                return false;
            }

            await Task.Delay(Poll);
        }

        return true;
    }

    private void Signal(int signal)
    {
        foreach (var member in RingProcesses.Command(leader))
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
