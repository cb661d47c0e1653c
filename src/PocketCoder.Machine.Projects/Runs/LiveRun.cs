using System.Security.Cryptography;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Protocol;

namespace PocketCoder.Machine.Runs;

/// <summary>
/// A one-shot command that runs: what it writes goes whole to disk, and whoever follows is told that there is more. Thread-safe.
/// </summary>
public sealed class LiveRun
{
    public const int PreviewBytes = 4 * 1024;

    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(3);

    private readonly ISandboxExec _exec;
    private readonly CommandSpool _spool;
    private readonly OutputEntry _kept;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly OutputPieces _pieces = new();
    private readonly Lock _gate = new(); // guards all of the above and below: both outputs write here
    private readonly TaskCompletionSource<CommandRunInfo> _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CommandRunInfo _info;
    private CommandRunState? _ending;

    /// <param name="filter">Makes what takes the secrets out of one output.</param>
    public LiveRun(CommandRunInfo info, ISandboxExec exec, OutputEntry kept, Func<IOutputFilter> filter)
    {
        (_info, _exec, _kept) = (info, exec, kept);
        _spool = CommandSpool.Start(exec, limit: PreviewBytes, filter: filter, onPiece: Hear);
        Ended = WaitAsync();
    }

    /// <summary>As it is now; final once <see cref="Over"/> is complete.</summary>
    public CommandRunInfo Info
    {
        get
        {
            lock (_gate)
            {
                return _over.Task.IsCompleted ? _info : _info with { Bytes = _kept.Received, Truncated = IsTruncated(_kept.Shown) };
            }
        }
    }

    /// <summary>Completes when there is more to read, or it is over.</summary>
    public Task Changed
    {
        get
        {
            lock (_gate)
            {
                return _changed.Task;
            }
        }
    }

    /// <summary>How it went, once its processes are gone and all output is on disk. Never faults.</summary>
    public Task<ExecOutcome> Ended { get; }

    /// <summary>The final state, once it is recorded.</summary>
    public Task<CommandRunInfo> Over => _over.Task;

    /// <summary>Completes when its sandbox is let go too.</summary>
    public Task Settled { get; set; } = Task.CompletedTask;

    /// <summary>Bytes of its output as it is kept: without secrets, which may be longer or shorter.</summary>
    public long Shown => _kept.Shown;

    internal OutputPieces Pieces
    {
        get
        {
            lock (_gate)
            {
                return _pieces.Copy();
            }
        }
    }

    public static bool IsTruncated(long bytes) => bytes > CommandLimits.HeadBytes + CommandLimits.TailBytes;

    /// <summary>Gives it what it reads, and then the end of it. A command need not read.</summary>
    public async Task FeedAsync(ReadOnlyMemory<byte> stdin)
    {
        try
        {
            await _exec.StandardInput.WriteAsync(stdin);
            await _exec.StandardInput.FlushAsync();
            _exec.StandardInput.Close();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // it ended, or closed its input
        }
    }

    /// <summary>SIGTERM, 3 s, SIGKILL, with all it started. The first reason counts.</summary>
    public Task EndAsync(CommandRunState why)
    {
        lock (_gate)
        {
            _ending ??= why;
        }

        return _exec.KillAsync(s_killGrace);
    }

    /// <summary>What it became, to be recorded; call once it has <see cref="Ended"/>.</summary>
    public CommandRunInfo Close(ExecOutcome outcome, DateTimeOffset now, Func<string, string> redact)
    {
        lock (_gate)
        {
            _kept.Complete(_pieces.Add);
            _kept.Dispose();
            var state = outcome.End switch
            {
                ExecEnd.Lost => _ending ?? CommandRunState.Failed,
                ExecEnd.Killed or ExecEnd.TimedOut or ExecEnd.OverLimit => _ending ?? CommandRunState.Interrupted,
                _ => _ending ?? CommandRunState.Exited,
            };
            var signal = outcome.Signal is { } number ? Signals.Name(number) : null;
            return _info with
            {
                State = state,
                EndedAt = now,
                ExitCode = outcome.End == ExecEnd.Lost || signal is not null ? null : outcome.ExitCode,
                Signal = signal,
                Bytes = _kept.Received,
                Truncated = IsTruncated(_kept.Shown),
                Sha256 = Convert.ToHexStringLower(_hash.GetHashAndReset()),
                Preview = redact(_spool.Text),
                Error = outcome.End switch
                {
                    ExecEnd.Lost => "Its sandbox was lost: its effects are unknown.",
                    ExecEnd.OverLimit => $"It was ended: {outcome.Why}",
                    _ => null,
                },
            };
        }
    }

    /// <summary>It is recorded: whoever follows is told.</summary>
    public async Task SettleAsync(CommandRunInfo final)
    {
        lock (_gate)
        {
            _info = final;
            _hash.Dispose();
        }

        _over.TrySetResult(final);
        Tell();
        await _exec.DisposeAsync();
    }

    private async Task<ExecOutcome> WaitAsync()
    {
        try
        {
            return await _spool.Completed;
        }
        catch (Exception) // whatever it was: a run that nobody ends would hold its place for ever
        {
            return new ExecOutcome(ExecEnd.Lost, -1, null, TimeSpan.Zero);
        }
    }

    private ValueTask Hear(OutputPiece piece)
    {
        lock (_gate)
        {
            _hash.AppendData(piece.Bytes.Span);
            _kept.Append(piece.IsError, piece.Bytes.Span, _pieces.Add); // told before the bytes: who reads them must know whose they are
        }

        Tell();
        return ValueTask.CompletedTask;
    }

    private void Tell()
    {
        TaskCompletionSource told;
        lock (_gate)
        {
            told = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        told.TrySetResult();
    }
}

/// <summary>Signals by the names people know (signal(7), the numbers of x86 and ARM).</summary>
public static class Signals
{
    private static readonly Dictionary<int, string> s_names = new()
    {
        [1] = "SIGHUP",
        [2] = "SIGINT",
        [3] = "SIGQUIT",
        [4] = "SIGILL",
        [5] = "SIGTRAP",
        [6] = "SIGABRT",
        [7] = "SIGBUS",
        [8] = "SIGFPE",
        [9] = "SIGKILL",
        [10] = "SIGUSR1",
        [11] = "SIGSEGV",
        [12] = "SIGUSR2",
        [13] = "SIGPIPE",
        [14] = "SIGALRM",
        [15] = "SIGTERM",
        [24] = "SIGXCPU",
        [25] = "SIGXFSZ",
        [31] = "SIGSYS",
    };

    public static string Name(int signal) => s_names.GetValueOrDefault(signal) ?? FormattableString.Invariant($"SIG{signal}");
}
