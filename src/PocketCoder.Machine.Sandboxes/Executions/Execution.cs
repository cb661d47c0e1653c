using System.Security.Cryptography;
using System.Text;
using PocketCoder.Sandboxes;
using PocketCoder.Machine.Executions.Archive;
using PocketCoder.Machine.Guard;

namespace PocketCoder.Machine.Executions;

/// <summary>What to run, exactly, after it was allowed.</summary>
/// <param name="Folder">Real path; null: the project.</param>
/// <param name="Guard">Looks at what it left before its result is told; ended with it. Null: nothing looks.</param>
public sealed record ExecutionStart(
    BashTool Bash, string? Folder, IReadOnlyDictionary<string, string> Environment, Guid ApprovalId, Guid SessionId, int OutputLimit,
    GuardedRun? Guard = null);

/// <summary>
/// A command of ours that runs: its output goes live to whoever watches, whole to disk, head and tail to the agent. Thread-safe.
/// </summary>
public sealed class Execution
{
    /// <summary>
    /// Characters of output shown while it runs; the rest is on disk and, shortened, in the result. A flood must not fill anybody's memory.
    /// </summary>
    private const int LiveLimit = 256 * 1024;

    private static readonly TimeSpan s_killGrace = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_writeLimit = TimeSpan.FromSeconds(5);

    private readonly ISandboxExec _exec;
    private readonly CommandSpool _spool;
    private readonly OutputEntry _kept;
    private readonly GuardedRun? _guard;
    private readonly Action<string>? _live;
    private readonly Lock _gate = new(); // guards the decoders, the count, the hash and the archive: both outputs write here
    private readonly Decoder _output = Encoding.UTF8.GetDecoder();
    private readonly Decoder _errors = Encoding.UTF8.GetDecoder();
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Lock _inputGate = new(); // guards the order of what is written to its input
    private Task<string?> _written = Task.FromResult<string?>(null);
    private bool _inputOpen;
    private int _shown;

    private Execution(ISandboxExec exec, OutputEntry kept, Func<IOutputFilter> filter, int limit, bool inputOpen, Action<string>? live,
        GuardedRun? guard)
    {
        (_exec, _kept, _live, _inputOpen, _guard) = (exec, kept, live, inputOpen, guard);
        _spool = CommandSpool.Start(exec, limit: limit, filter: filter, onPiece: Hear);
        Completed = CompleteAsync();
    }

    /// <summary>How it went. Never faults.</summary>
    public Task<ExecutionResult> Completed { get; }

    /// <summary>Bytes of both outputs so far.</summary>
    public long Bytes => _kept.Received;

    /// <summary>Starts a command that was allowed and recorded as started.</summary>
    /// <param name="live">Gets text as it comes, never from two threads at once.</param>
    /// <exception cref="SandboxException">It could not be started.</exception>
    public static async Task<Execution> StartAsync(
        ISandbox sandbox, ExecutionStart start, SessionArchive archive, Action<string>? live, CancellationToken cancellationToken)
    {
        var exec = await sandbox.ExecAsync(
            new ExecSpec
            {
                Command = ["/bin/bash", "-c", start.Bash.Command],
                WorkingDirectory = start.Folder,
                Environment = start.Environment,
                KeepInputOpen = start.Bash.Stdin is not null,
                TimeLimit = start.Bash.TimeLimit,
                Id = start.ApprovalId.ToString("D"),
                Spooled = true,
            },
            cancellationToken);
        Execution execution;
        try
        {
            execution = new Execution(exec, archive.BeginOutput(start.SessionId, start.ApprovalId), archive.OpenFilter, start.OutputLimit,
                start.Bash.Stdin is not null, live, start.Guard);
        }
        catch
        {
            await exec.DisposeAsync(); // it runs, and nobody would hear of it: disposing ends it
            throw;
        }

        if (start.Bash.Stdin is { } text)
        {
            _ = execution.EnqueueAsync(text, close: !start.Bash.Background);
        }

        return execution;
    }

    /// <summary>Ends it and all it started. <see cref="Completed"/> tells the rest.</summary>
    public Task KillAsync() => _exec.KillAsync(s_killGrace);

    /// <summary>
    /// Writes to its standard input; at most 5 s, since a command need not read. Null: done; else why not, for the agent.
    /// </summary>
    public async Task<string?> WriteAsync(string text, bool close)
    {
        try
        {
            return await EnqueueAsync(text, close).WaitAsync(s_writeLimit);
        }
        catch (TimeoutException)
        {
            return "It does not read its input; a part of the text may have been written, and the rest follows if it does.";
        }
    }

    /// <summary>Writes all of a text after what was to be written before, however slowly it is read.</summary>
    private Task<string?> EnqueueAsync(string text, bool close)
    {
        lock (_inputGate)
        {
            return _written = FeedAsync(_written, text, close);
        }
    }

    private async Task<string?> FeedAsync(Task before, string text, bool close)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // a full pipe must not hold the lock
        try
        {
            if (!_inputOpen)
            {
                return "Its input is closed. Start a job with stdin (it may be empty) to keep it open.";
            }

            await _exec.StandardInput.WriteAsync(Encoding.UTF8.GetBytes(text));
            await _exec.StandardInput.FlushAsync();
            if (close)
            {
                _inputOpen = false;
                _exec.StandardInput.Close();
            }

            return null;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            _inputOpen = false;
            return "It does not take input any more.";
        }
        catch (Exception e)
        {
            _inputOpen = false;
            return $"It takes no more input: {e.Message}"; // never faults: what is to be written next waits for this
        }
    }

    private ValueTask Hear(OutputPiece piece)
    {
        lock (_gate)
        {
            _hash.AppendData(piece.Bytes.Span);
            _kept.Append(piece.IsError, piece.Bytes.Span);
            if (_live is not null && _shown < LiveLimit)
            {
                var decoder = piece.IsError ? _errors : _output;
                var text = new char[decoder.GetCharCount(piece.Bytes.Span, flush: false)];
                decoder.GetChars(piece.Bytes.Span, text, flush: false);
                _shown += text.Length;
                _live(_shown < LiveLimit ? new string(text) : $"{new string(text)}\n… more follows; the end is shown when it is over …\n");
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Everything of it is dead by now, and nobody was told.</summary>
    private async Task<GuardReport> LookAsync() => _guard is null ? GuardReport.Nothing : await _guard.EndAsync();

    private async Task<ExecutionResult> CompleteAsync()
    {
        try
        {
            return await FinishAsync();
        }
        catch (Exception e)
        {
            return ExecutionResult.Lost($"Its outcome is unknown: {e.Message}"); // an unread end must not keep anybody waiting
        }
    }

    private async Task<ExecutionResult> FinishAsync()
    {
        try
        {
            var outcome = await _spool.Completed;
            string digest;
            lock (_gate)
            {
                digest = Convert.ToHexStringLower(_hash.GetHashAndReset());
            }

            return new ExecutionResult(outcome, _spool.Text, _spool.StandardOutputText, _spool.StandardErrorText, _spool.Length, digest,
                _spool.IsTruncated)
            { Guard = await LookAsync() };
        }
        catch (IOException e)
        {
            return ExecutionResult.Lost($"Its output could not be read: {e.Message}") with { Guard = await LookAsync() };
        }
        finally
        {
            await _exec.DisposeAsync();
            lock (_gate)
            {
                _kept.Complete();
                _kept.Dispose();
                _hash.Dispose();
            }
        }
    }
}

/// <summary>How a command of ours went.</summary>
/// <param name="Text">Both outputs in the order they came, head and tail.</param>
/// <param name="Bytes">Of both outputs, all of them.</param>
/// <param name="Sha256">Of both outputs in the order they came.</param>
public sealed record ExecutionResult(
    ExecOutcome Outcome, string Text, string StandardOutput, string StandardError, long Bytes, string Sha256, bool Truncated)
{
    /// <summary>What it left behind by which other programs run something.</summary>
    public GuardReport Guard { get; init; } = GuardReport.Nothing;

    public bool Failed => Outcome.End != ExecEnd.Exited || Outcome.ExitCode != 0;

    public int? ExitCode => Outcome.End == ExecEnd.Lost ? null : Outcome.ExitCode;

    public static ExecutionResult Lost(string why) => new(
        new ExecOutcome(ExecEnd.Lost, -1, null, TimeSpan.Zero), why, "", why, 0, Convert.ToHexStringLower(SHA256.HashData([])), false);

    /// <summary>How it ended, for an agent.</summary>
    public string EndWords => Outcome.End switch
    {
        ExecEnd.TimedOut => "ended: the time limit was reached",
        ExecEnd.Killed => "ended: it was stopped",
        ExecEnd.OverLimit => $"ended: {Outcome.Why}",
        ExecEnd.Lost => "its sandbox was lost: its effects are unknown",
        ExecEnd.Signalled => $"ended by signal {Outcome.Signal}",
        _ => $"exit code: {Outcome.ExitCode}",
    };

    /// <summary>What the agent reads: standard output, then standard error, then how it ended.</summary>
    public string ForAgent()
    {
        var text = new StringBuilder(StandardOutput);
        if (StandardError.Length > 0)
        {
            EndLine(text);
            text.Append(StandardError);
        }

        EndLine(text);
        text.Append('[').Append(EndWords).Append(']');
        return Guard.ForAgent is { } planted ? text.Append('\n').Append(planted).ToString() : text.ToString();

        static void EndLine(StringBuilder text)
        {
            if (text.Length > 0 && text[^1] != '\n')
            {
                text.Append('\n');
            }
        }
    }
}
